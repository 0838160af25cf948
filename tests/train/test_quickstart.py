"""The quick start: what it takes from its minutes, what it refuses, and once for real."""

import pytest

from fusion_model.estimator import PoseEstimator
from fusion_model.hub.checkpoints import read_metrics
from train import quickstart
from train.recipes import stages


def run(out, *more):
    return quickstart.main(quickstart.parser().parse_args(["--out", str(out), *more]))


def test_other_settings_are_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr(stages, "start_command", lambda _command: 1)
    assert run(tmp_path / "q") == 1
    with pytest.raises(ValueError, match=r"was begun with .*minutes.*choose another --out"):
        run(tmp_path / "q", "--minutes", "3")


def test_minutes_scale_pictures_and_steps(tmp_path):
    def option(minutes, name, flag):
        commands = [command for stage in quickstart.stages(tmp_path, minutes, 0) for command in stage.commands]
        command = next(command for command in commands if command[0] == name)
        return int(command[command.index(flag) + 1])

    for name, flag in (("synthesize", "--count"), ("hourglass", "--steps"), ("fusion", "--steps")):
        assert option(20, name, flag) == 2 * option(10, name, flag)
        assert option(0.001, name, flag) > 0
    assert option(10, "hourglass", "--warmup") == 300
    assert option(0.001, "hourglass", "--warmup") < option(0.001, "hourglass", "--steps")


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
