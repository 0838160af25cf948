"""The quick start: what it takes from its minutes, what it refuses, and once for real."""

import pytest

from fusion_model.estimator import PoseEstimator
from fusion_model.hub.checkpoints import read_metrics
from train import quickstart, recipes


def run(out, *more):
    return quickstart.main(quickstart.parser().parse_args(["--out", str(out), *more]))


def test_minutes_scale_pictures_and_steps_and_others_are_refused(tmp_path, monkeypatch):
    commands = {}
    monkeypatch.setattr(recipes, "start_command", lambda command: commands.setdefault(command[0], command) and 0)
    monkeypatch.setattr(quickstart, "summary", lambda *_: "")

    def numbers(minutes):
        commands.clear()
        assert run(tmp_path / str(minutes), "--minutes", str(minutes)) == 0
        assert list(commands) == ["synthesize", "hourglass", "fusion", "calibrate"]
        options = (("synthesize", "--count"), ("hourglass", "--steps"), ("fusion", "--steps"))
        return [int(commands[name][commands[name].index(option) + 1]) for name, option in options]

    assert numbers(20) == [2 * number for number in numbers(10)]
    assert numbers(0.001) == [16, 4, 4]
    with pytest.raises(ValueError, match=r"was begun with .*minutes.*choose another --out"):
        run(tmp_path / "20", "--minutes", "3")


@pytest.mark.slow
def test_from_nothing_to_a_checkpoint_that_can_be_served(tmp_path, capfd):
    out = tmp_path / "q"
    assert run(out, "--minutes", "0.01") == 0
    printed = capfd.readouterr().out
    command = next(line for line in printed.splitlines() if "python app.py" in line)
    variable, _, _ = command.strip().partition(" ")
    estimator = PoseEstimator.from_pretrained(variable.removeprefix("FUSION_POSE_MODEL="), device="cpu")
    assert estimator.fusion.pruned
    figures = read_metrics(out / "fusion" / "checkpoint")["fusion"]
    ours, mean = (figures[name]["mpjpe"] for name in ("released", "mean pose"))
    assert f"mean pose  MPJPE {mean:6.1f} mm" in printed
    side = "below" if ours < mean else "above"
    assert f"ours       MPJPE {ours:6.1f} mm  ({abs(100 * (1 - ours / mean)):.1f}% {side} it)" in printed
    assert run(out, "--minutes", "0.01") == 0
    assert capfd.readouterr().out.count("done before") == 4
