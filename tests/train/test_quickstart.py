"""The quick start: order, resuming and refusals with notes of the commands in place of them, and once for real."""

import json

import pytest

from fusion_model.checkpoints import read_metrics
from fusion_model.estimator import PoseEstimator
from train import quickstart
from train.recipes import stages


@pytest.fixture
def started(monkeypatch):
    """Names of the commands that were started; those in ``fails`` end with status 1."""
    names, fails = [], set()

    def start(command):
        names.append(command[0])
        return int(command[0] in fails)

    monkeypatch.setattr(stages, "start_command", start)
    monkeypatch.setattr(quickstart, "summary", lambda _out, seconds: " ".join(seconds))
    return names, fails


def run(out, *more):
    return quickstart.main(quickstart.parser().parse_args(["--out", str(out), *more]))


def test_a_cut_run_goes_on_at_the_stage_that_was_cut(started, tmp_path, capsys):
    names, fails = started
    fails.add("fusion")
    assert run(tmp_path / "q") == 1
    assert names == ["synthesize", "synthesize", "hourglass", "fusion"]
    assert "run the same command again" in capsys.readouterr().out
    names.clear()
    fails.clear()
    assert run(tmp_path / "q") == 0
    assert names == ["fusion", "calibrate"]
    assert "2/4 train the hourglass: done before" in capsys.readouterr().out
    assert len(json.loads((tmp_path / "q" / "stages.json").read_text())) == 4


@pytest.mark.usefixtures("started")
def test_other_settings_are_refused_by_name(tmp_path):
    assert run(tmp_path / "q") == 0
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
    assert f"mean pose  MPJPE {figures['mean pose']['mpjpe']:6.1f} mm" in printed
    assert f"ours       MPJPE {figures['released']['mpjpe']:6.1f} mm" in printed
    assert run(out, "--minutes", "0.01") == 0
    assert capfd.readouterr().out.count("done before") == 4
