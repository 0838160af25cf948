"""The quick start: what it takes from its minutes, what it refuses, and once for real."""

import pytest

from fusion_model.estimator import PoseEstimator
from fusion_model.hub.checkpoints import read_metrics
from train import quickstart, recipes


def run(out, *more):
    return quickstart.main(quickstart.parser().parse_args(["--out", str(out), *more]))


def test_other_settings_are_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr(recipes, "start_command", lambda _command: 1)
    assert run(tmp_path / "q") == 1
    with pytest.raises(ValueError, match=r"was begun with .*minutes.*choose another --out"):
        run(tmp_path / "q", "--minutes", "3")


def test_minutes_scale_pictures_and_steps(tmp_path, monkeypatch):
    def options(minutes):
        commands = {}
        monkeypatch.setattr(recipes, "start_command", lambda command: commands.setdefault(command[0], command) and 0)
        monkeypatch.setattr(quickstart, "summary", lambda *_: "")
        assert run(tmp_path / str(minutes), "--minutes", str(minutes)) == 0
        assert list(commands) == ["synthesize", "hourglass", "fusion", "calibrate"]
        names = {"synthesize": "--count", "hourglass": "--steps", "fusion": "--steps"}
        return [int(commands[name][commands[name].index(flag) + 1]) for name, flag in names.items()]

    assert options(20) == [2 * number for number in options(10)]
    assert options(0.001) == [16, 4, 4]


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
