"""The commands as people start them: settings, help, from photos to a pruned checkpoint, and how failures end."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from fusion_model.estimator import PoseEstimator
from fusion_model.hub.checkpoints import read_metrics
from fusion_model.skeletons import MPII_16
from tests.helpers.fake_data import write_pack
from tests.helpers.own_process import ENVIRONMENT, ROOT, output, wait_for
from train import ablate, detector, fusion, hourglass
from train.engine.arguments import options_of, read_settings
from train.engine.checkpoints import latest_state, read_state, read_weights
from train.engine.logs import read_rows
from train.engine.provenance import read_provenance
from train.recipes import CONFIGS_FOLDER
from train.settings import CONFIGS, FusionTrainConfig, HourglassTrainConfig

SMALL = ("--preset", "tiny", "--batch", "4", "--validate-every", "3", "--save-every", "2")
FUSION = ("--steps", 8, "--crops", 1, "--loss", "distance", "--sharpening", 10, "--centring", 0.1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A hourglass run and a fusion run on fake people, and what the commands printed, in one folder."""
    folder = tmp_path_factory.mktemp("trained")
    write_pack(folder / "data", "made", 8, held_out=2)
    for name, more in (("hourglass", ("--steps", 6)), ("fusion", ("--hourglass", folder / "hourglass", *FUSION))):
        printed = output(f"train.{name}", "--data", folder / "data", "--run", folder / name, *SMALL, *more)
        (folder / f"{name}.txt").write_text(printed)
    return folder


@pytest.mark.slow
def test_the_hourglass_is_trained_validated_and_kept(trained):
    begun = "6 people to train on, 2 to validate on\nstarted at step 0 on cpu; each validation prints PCK@0.2 in %\n"
    assert begun in (trained / "hourglass.txt").read_text()
    rows = read_rows(trained / "hourglass" / "log.csv")
    assert [row["step"] for row in rows] == ["3", "6"]
    assert {"loss", "made", "mean"} <= rows[0].keys()
    assert 0 <= float(rows[-1]["mean"]) <= 100
    assert latest_state(trained / "hourglass").name == "00000006"
    assert read_weights(trained / "hourglass")
    assert "mean" in json.loads((trained / "hourglass" / "best" / "figures.json").read_text())


@pytest.mark.slow
def test_the_fusion_ends_in_a_pruned_checkpoint(trained):
    printed = (trained / "fusion.txt").read_text()
    figures = {line[:22].strip(): line[22:].split() for line in printed.splitlines() if "mpjpe" in line}
    assert {"mean pose", "soft", "hardened, at once", "hardened, trained on", "released"} <= figures.keys()
    assert float(figures["released"][3]) == pytest.approx(float(figures["hardened, trained on"][3]), rel=0.02)
    assert re.search(r"merged after layer \d; before they were rounded: w 0\..*, beta \d.*; not sharp: more", printed)
    assert "n 2  mpjpe" in printed
    hardening = json.loads((trained / "fusion" / "hardening.json").read_text())
    assert len(hardening["weights"]) == 3
    assert {"alpha", "beta", "merging_layer", "soft", "hardened"} <= hardening.keys()
    state = read_state(latest_state(trained / "fusion"), torch.device("cpu"))["module"]
    assert all(state[name].item() == hardening[name] for name in ("alpha", "beta")), "hardened, they stay as they were"
    checkpoint = trained / "fusion" / "checkpoint"
    estimator = PoseEstimator.from_pretrained(checkpoint, device="cpu")
    assert estimator.fusion.pruned
    assert estimator.fusion.merge_after == hardening["merging_layer"]
    assert set(np.unique(estimator.fusion.weights)) <= {0.0, 1.0}
    provenance = read_metrics(checkpoint)["provenance"]
    step = json.loads((trained / "fusion" / "best" / "figures.json").read_text())["step"]
    settings = provenance["fusion"].pop("settings")
    assert (settings["loss"], settings["lr"]) == ("distance", 1e-3)
    assert provenance["fusion"] == {"steps": step, "batch": 4, "images": 4 * step, "people": {"made": 6}}
    assert provenance["hourglass"]["people"] == {"made": 6}
    assert provenance.keys() == {"hourglass", "fusion"}, "there is no detector"


@pytest.mark.slow
def test_a_finished_run_has_nothing_to_do_and_refuses_other_settings(trained, printed, refused, tmp_path):
    arguments = ("--data", trained / "data", "--run", trained / "hourglass", *SMALL, "--steps", 6)
    assert "resumed at step 6" in printed("hourglass", *arguments)
    error = refused("hourglass", *arguments, "--synthetic-fraction", 0.5)
    assert error.endswith("begun with synthetic_fraction 0.2, not 0.5: choose another --run, or the same settings")
    run = tmp_path / "fusion"
    shutil.copytree(trained / "fusion", run)
    options = ("--data", trained / "data", "--run", run, *SMALL, *FUSION)
    (run / "checkpoint" / "README.md").write_text("# Calibrated since\n")
    assert "finished before" in printed("fusion", *options, "--hourglass", trained / "hourglass")
    assert (run / "checkpoint" / "README.md").read_text() == "# Calibrated since\n"
    PoseEstimator.random("tiny").save_pretrained(tmp_path / "other")
    assert "hourglass '" in refused("fusion", *options, "--hourglass", tmp_path / "other")
    shutil.copytree(trained / "data", tmp_path / "more")
    write_pack(tmp_path / "more", "more", 2, held_out=0)
    for name, given in (("hourglass", arguments), ("fusion", (*options, "--hourglass", trained / "hourglass"))):
        assert "was begun with data '" in refused(name, "--data", tmp_path / "more", *given[2:]), name
    options = ("--run", tmp_path / "new", "--hourglass", trained / "hourglass", "--preset", "compact", "--steps", 2)
    error = refused("fusion", "--data", trained / "data", *options)
    assert f"{trained / 'hourglass'} has the hourglass of another --preset: the tensors do not fit" in error


@pytest.mark.slow
def test_a_fine_tuning_takes_the_networks_of_a_checkpoint_and_says_what_it_skipped(trained, printed, tmp_path):
    released, data = trained / "fusion" / "checkpoint", ("--data", trained / "data", *SMALL, "--steps", 2)
    out = printed("hourglass", *data, "--run", tmp_path / "hourglass", "--init-from", released)
    assert re.search(r"warm start from .*checkpoint: (\d+) of \1 tensors; skipped: nothing", out)
    before, now = read_provenance(released, "hourglass"), read_provenance(tmp_path / "hourglass", "hourglass")
    assert now["images"] == before["images"] + 4 * now["steps"] > before["images"]
    options = ("--hourglass", tmp_path / "hourglass", "--crops", 1, "--init-from", released)
    out = printed("fusion", *data, "--run", tmp_path / "fusion", *options)
    assert "skipped: nothing" not in out, "the layers that were pruned"
    assert "its weights were hardened before" not in out
    options = (*options[:-1], trained / "fusion")
    out = printed("fusion", *data, "--run", tmp_path / "hardened", *options)
    assert "its weights were hardened before: they stay so, and there is no soft phase" in out


def test_bad_usage_and_files_with_several_trainings_or_none_are_refused_in_one_sentence(refused):
    for option, value, words in (
        ("--preset", "huge", "invalid choice: 'huge'"),
        ("--steps", "0", "must be a whole number above 0, got '0'"),
        ("--lr", "nan", "must be a number above 0, got 'nan'"),
        ("--warmup", "-1", "must be a whole number of at least 0, got '-1'"),
    ):
        assert words in refused("hourglass", "--data", "x", "--run", "y", option, value, status=2)
    words = ("--data", "D", "--run", "R", "--config")
    assert "no.toml cannot be used (No such file or directory): name another" in refused("hourglass", *words, "no.toml")
    error = refused("hourglass", *words, CONFIGS_FOLDER / "table1.toml")
    assert error.endswith("table1.toml has 2 tables for train.hourglass: expected one, [hourglass]")
    error = refused("detector", *words, CONFIGS_FOLDER / "quickstart.toml")
    assert "quickstart.toml has no table for train.detector" in error
    assert "No such file" in refused("hourglass", *words, "none.toml")


def test_what_cannot_be_done_is_said_before_anything_is_begun(data_folder, refused, tmp_path, monkeypatch):
    plain = tmp_path / "plain"
    PoseEstimator.random("tiny").save_pretrained(plain)
    monkeypatch.setattr("train.evaluate.measure", None)
    monkeypatch.setattr("train.fusion.load_hourglass", None)
    out = ("--out", tmp_path / "missing" / "figures.json")
    error = refused("evaluate", "--data", data_folder, "--checkpoint", plain, *out)
    assert error.endswith(f"there is no folder {tmp_path / 'missing'}")
    options = ("--data", data_folder, "--run", tmp_path / "run", "--hourglass", plain, *SMALL)
    assert "is a checkpoint without a detector" in refused("fusion", *options, "--detector", plain)


@pytest.mark.slow
def test_sigterm_writes_a_checkpoint_and_ends(data_folder, tmp_path):
    arguments = ("--data", data_folder, "--run", tmp_path / "run", *SMALL[:4], "--steps", 100_000)
    command = [sys.executable, "-u", "-m", "train.hourglass", *map(str, arguments)]
    with (tmp_path / "out").open("w") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stdout=out, stderr=subprocess.STDOUT)
        try:
            wait_for(lambda: "started at step 0" in (tmp_path / "out").read_text(), seconds=300)
            time.sleep(1)
            process.send_signal(signal.SIGTERM)
            status = process.wait(timeout=120)
        finally:
            process.kill()
            process.wait()
    text = (tmp_path / "out").read_text()
    assert status == 1, text
    assert "Traceback" not in text
    step = int(latest_state(tmp_path / "run").name)
    assert f"stopped at step {step} by SIGTERM; run again to continue" in text
    assert not list((tmp_path / "run" / "checkpoints").glob(".*"))


def test_people_who_cannot_be_measured_are_refused_before_training(refused, tmp_path):
    arrays = write_pack(tmp_path, "made", 4, held_out=2)
    arrays["joints"][:, MPII_16.index("right_hip"), 2] = 0
    arrays["teacher_2d"][..., 2] = 0
    np.savez(tmp_path / "people_made.npz", **arrays)
    error = refused("hourglass", "--data", tmp_path, "--run", tmp_path / "run", *SMALL)
    assert "none of 2 validation people has both left shoulder and right hip labelled" in error


def read(module, *words):
    required = ["--hourglass", "H"] if module is fusion else []
    arguments = module.parser().parse_args(["--data", "D", "--run", "R", *required, *map(str, words)])
    return read_settings(CONFIGS[module.__name__.partition(".")[2]], arguments)


def test_options_go_before_the_file_and_the_file_before_the_defaults(tmp_path):
    file = tmp_path / "own.toml"
    file.write_text('[hourglass]\npreset = "tiny"\nsteps = 1_000\nlr = 1\n[fusion]\ncrops = 9\n')
    assert read(hourglass) == HourglassTrainConfig()
    assert read(hourglass, "--config", file) == HourglassTrainConfig(preset="tiny", steps=1000, lr=1.0)
    words = ("--config", file, "--steps", 5, "--seed", 2)
    assert read(hourglass, *words) == HourglassTrainConfig(preset="tiny", steps=5, lr=1.0, seed=2)
    assert read(fusion, "--config", file) == FusionTrainConfig(crops=9)


def test_bounds_are_allowed_themselves():
    found = read(hourglass, "--warmup", 0, "--synthetic-fraction", 1, "--steps", 1)
    assert (found.warmup, found.synthetic_fraction, found.steps) == (0, 1, 1)
    assert read(hourglass, "--synthetic-fraction", 0).synthetic_fraction == 0
    for name, beyond in (("warmup", -1), ("synthetic-fraction", 1.1), ("synthetic-fraction", -0.1), ("steps", 0)):
        with pytest.raises(SystemExit):
            read(hourglass, f"--{name}", beyond)


@pytest.mark.parametrize("module", [hourglass, detector, fusion, ablate])
def test_the_help_says_every_setting_with_its_default(module, capsys):
    with pytest.raises(SystemExit):
        module.parser().parse_args(["--help"])
    text = " ".join(capsys.readouterr().out.split()).replace("- ", "-")
    assert "(default: None)" not in text
    for name, one in options_of(CONFIGS[module.__name__.partition(".")[2]]).items():
        assert f"--{name.replace('_', '-')} " in text.replace(",", " "), name
        words = one.about if one.default in (None, "") else f"{one.about} (default: {one.default})"
        assert words.replace("- ", "-") in text, name


def test_lambda_grows_until_the_soft_phase_ends():
    settings = FusionTrainConfig(steps=100, soft_fraction=0.5, sharpening=100.0)
    grown = [settings.sharpness_at(step) / FusionTrainConfig().sharpness_at(40) for step in (0, 25, 50, 90)]
    assert grown == pytest.approx([1, 10, 100, 100])
