"""The quick start: order, resuming and refusals with records of the commands in place of them, and once for real."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from fusion_model.estimator import PoseEstimator
from fusion_model.hub.checkpoints import read_metrics
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
    assert option(10, "hourglass", "--warmup") == 300
    assert option(0.001, "hourglass", "--warmup") < option(0.001, "hourglass", "--steps")


def test_the_summary_says_on_which_side_of_the_mean_pose_it_ends(tmp_path, monkeypatch):
    for ours, words in (
        (70.0, "MPJPE   70.0 mm  (30.0 % below the mean pose)"),
        (120.0, "(20.0 % above the mean pose)"),
    ):
        figures = {"released": {"n": 3, "mpjpe": ours}, "mean pose": {"mpjpe": 100.0}}
        monkeypatch.setattr(quickstart, "read_metrics", lambda _folder, figures=figures: {"fusion": figures})
        monkeypatch.setattr(quickstart, "read_json", lambda _path: {"mean": 12.5})
        text = quickstart.summary(tmp_path / "q", {"one": 1.0, "two": 2.5})
        assert words in text
        assert "    3.5 s  in all" in text


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that the one that started it died")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_it_started_ends_with_it(tmp_path, number):
    command = [sys.executable, "-m", "train.quickstart", "--out", str(tmp_path / "q")]  # minutes of work
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True)
    children = []
    try:
        assert process.stdout.readline() == "1/4 render people\n"  # before it, imports may start and end processes
        end = time.monotonic() + 60
        while not children and time.monotonic() < end:
            time.sleep(0.02)
            children = psutil.Process(process.pid).children()
        time.sleep(0.5)
        process.send_signal(number)
        out, _ = process.communicate(timeout=60)
        assert number == signal.SIGKILL or "render people ended with status -15; run the same command again" in out
        assert len(children) == 1
        assert not psutil.wait_procs(children, timeout=20)[1]
    finally:
        process.kill()
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()


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
