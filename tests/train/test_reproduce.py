"""The recipes of the paper's tables: from tiny fake sets to the tables; what they share and what they refuse."""

import dataclasses
import importlib
import json
import os
import re
import shlex
import signal
import sys
import threading
import time

import pytest
import torch
from safetensors.torch import load_file

from fusion_model.config import CalibrationConfig, DetectorConfig
from fusion_model.detection.network import PersonDetector
from fusion_model.estimator import PoseEstimator
from tests.helpers import humaneva_files, kth_files, lsp_mpii_coco_files
from tests.helpers.fake_data import write_pack
from tests.helpers.human36m_files import CAMERA, write_set
from tests.helpers.in_process import call
from tests.helpers.rendered_set import small_parts, write_rendered
from train import prepare, reproduce
from train.evaluation.paper import TABLE_1
from train.evaluation.tables import Table
from train.fusion_stage.action_specific import action_checkpoints
from train.recipes import stages
from train.recipes.plan import CONFIGS_FOLDER, Choices, Recipe, bundled_recipes

SMALL = ("--preset", "tiny", "--scale", 1e-9)
STEMS = {"S1": ["Sitting 1", "SittingDown"], "S9": ["Sitting 1", "SittingDown"]}


def reproduced(data, out, recipe, *more):
    return call(reproduce, recipe, "--data", data, "--out", out, *SMALL, *more)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Every set that the recipes need, a few people each."""
    folder = tmp_path_factory.mktemp("reproduce")
    sources = {name: folder / "in" / name for name in ("mpii", "human36m", "humaneva", "kth")}
    lsp_mpii_coco_files.write_mpii(sources["mpii"], more=6)
    (sources["mpii"] / "valid_images.txt").write_text("000000001.jpg\n")
    write_set(sources["human36m"], STEMS)
    kth_files.write_sequence(sources["kth"] / "player2sequence1" / "Sequence 1")
    options = {"human36m": ("--every", 3, "--cameras", CAMERA)}
    with pytest.MonkeyPatch.context() as patch:
        humaneva_files.shorten(patch)
        humaneva_files.write_both_parts(sources["humaneva"])
        for name, source in sources.items():
            to = ("--source", source, "--out", folder / "data" / name, "--workers", 1)
            assert call(prepare, name, *to, *options.get(name, ())) == 0
    return folder / "data"


@pytest.fixture
def started(monkeypatch):
    """Commands that were started, in this process, which is sooner than a process each."""
    commands = []

    def start(command):
        commands.append(command)
        return call(importlib.import_module(f"train.{command[0]}"), *command[1:])

    monkeypatch.setattr(stages, "start_command", start)
    return commands


@pytest.fixture
def recorded(monkeypatch):
    """Commands that would be started; those whose name is in ``fails`` end with status 1."""
    commands, fails = [], set()

    def start(command):
        commands.append(command)
        return int(command[0] in fails)

    monkeypatch.setattr(stages, "start_command", start)
    return commands, fails


def names(commands):
    return [command[0] for command in commands]


@pytest.mark.slow
def test_all_tables_from_nothing(data, started, tmp_path, monkeypatch, capsys):
    small_parts(monkeypatch)
    for split in ("train", "validation"):
        write_rendered(data / "synthetic" / split, split)
    out = tmp_path / "out"

    def rows(recipe):
        started.clear()
        status = reproduced(data, out, recipe)
        printed = capsys.readouterr()
        assert status == 0, printed.err
        pretrained = sum("--init-from" in command for command in started)
        assert len(re.findall(r"warm start from .*; skipped: nothing", printed.out)) == pretrained
        assert (out / "tables" / f"{recipe}.md").read_text() in printed.out
        return Table.read(out / "tables" / f"{recipe}.json").rows

    found = rows("table1")
    assert names(started) == ["hourglass", "hourglass", "fusion", "evaluate", "fusion", "evaluate"]
    assert list(found) == ["ours, one model for all actions", "ours, a model for each action", *TABLE_1]
    assert found["ours, one model for all actions"] != found["ours, a model for each action"]
    assert list(action_checkpoints(out / "fusion" / "human36m-actions")) == ["Sitting", "SittingDown"]

    found = rows("table2")
    assert names(started) == ["evaluate"]  # all else is there
    assert next(iter(found)) == "ours"

    found = rows("table3")
    assert names(started) == ["fusion", "hourglass", "fusion", "evaluate"]
    assert list(found)[:2] == ["ours, rigid", "ours, with scale"]
    assert PoseEstimator.from_pretrained(out / "fusion" / "humaneva" / "checkpoint").config.fusion.joints == 15

    found = rows("table4")
    assert names(started) == ["hourglass", "fusion", "evaluate", "hourglass", "fusion", "fusion", "evaluate"]
    assert list(found)[:2] == ["ours, not pretrained, mean of the ends", "ours, not pretrained, strict"]
    assert PoseEstimator.from_pretrained(out / "fusion" / "kth-alone" / "checkpoint").config.fusion.joints == 14

    found = rows("table5")
    assert names(started) == ["ablate", *["evaluate"] * 15]
    assert [row[-1] for row in found.values()] == [124.13, 79.28, 76.41, 74.12, 69.73]

    rows("table4")
    assert started == []


def small_recipe(folder, name="released"):
    """A bundled recipe as a file of one's own, with fewer pictures."""
    text = (CONFIGS_FOLDER / f"{name}.toml").read_text()
    for old, new in (("16_000", "12"), ("1_200", "8")):
        assert text.count(old) == 1
        text = text.replace(old, new)
    (folder / f"{name}.toml").write_text(text)
    return folder / f"{name}.toml"


@pytest.mark.slow
def test_the_bundled_checkpoint_from_nothing(started, tmp_path, monkeypatch, capsys):
    for name in ("mpii", "street"):
        write_pack(tmp_path / "data", name, 10, held_out=4)
    monkeypatch.setattr("train.detector_stage.training._VALIDATION", 4)
    monkeypatch.setattr("train.backgrounds._MIN_SIDE", 20)
    monkeypatch.setattr("train.data.cutting._BYSTANDER_SCORE", 1.1)  # nor is any background sorted out
    sure = CalibrationConfig(peak=(-1e3, 1e3), confidence=(1.0, 1.0))  # networks this little trained find no person
    monkeypatch.setattr("train.calibrate.fit_calibration", lambda *_evidence: sure)
    recipe = small_recipe(tmp_path)
    assert reproduced(tmp_path / "data", tmp_path / "out", recipe) == 0
    data_first = ["backgrounds", "synthesize", "synthesize", "pack"]
    trained = ["hourglass", "fusion", "detector", "attach_detector"]
    assert names(started) == [*data_first, *trained, "calibrate", "evaluate"]
    for folder, count in (("rendered", 12), ("rendered-held", 8)):
        settings = json.loads((tmp_path / "data" / folder / "settings.json").read_text())
        assert (settings["count"], settings["backgrounds"]) == (count, "backgrounds")
    checkpoint = tmp_path / "out" / "fusion" / "checkpoint"
    estimator = PoseEstimator.from_pretrained(checkpoint, device="cpu")
    assert estimator.detector is not None
    assert estimator.fusion.pruned
    assert "Measured on people held out from" in (checkpoint / "README.md").read_text()
    assert f"FUSION_POSE_MODEL={checkpoint} python app.py" in capsys.readouterr().out
    started.clear()
    assert reproduced(tmp_path / "data", tmp_path / "out", recipe) == 0
    assert started == []

    again = ("--init-from", checkpoint)
    assert reproduced(tmp_path / "data", tmp_path / "out", recipe, *again) == 1
    assert "was begun with init_from None, not" in capsys.readouterr().err
    assert reproduced(tmp_path / "data", tmp_path / "again", recipe, *again) == 0
    assert names(started) == [*data_first, "fusion", "calibrate", "evaluate"]
    assert "0 of 12 crops beside people show a bystander" in capsys.readouterr().out
    new = load_file(tmp_path / "again" / "fusion" / "checkpoint" / "model.safetensors")
    old = load_file(checkpoint / "model.safetensors")
    kept = {
        part: [torch.equal(new[name], old[name]) for name in old if name.startswith(part)]
        for part in ("hourglass", "fusion", "detector")
    }
    assert all(kept["hourglass"] + kept["detector"])
    assert not all(kept["fusion"])


def test_a_cut_recipe_goes_on_at_the_stage_that_was_cut(data, recorded, tmp_path, capsys):
    commands, fails = recorded
    fails.add("fusion")
    assert reproduced(data, tmp_path / "out", "table2") == 1
    assert names(commands) == ["hourglass", "hourglass", "fusion"]
    assert "run the same command again to continue" in capsys.readouterr().out
    fails.clear()
    commands.clear()
    assert reproduced(data, tmp_path / "out", "table2") == 1  # nothing was measured here, so there is no table
    assert names(commands) == ["fusion", "evaluate"]
    assert "hourglass on mpii: done before" in capsys.readouterr().out
    assert reproduced(data, tmp_path / "out", "table2", "--seed", 3) == 1
    assert "was begun with seed 0, not 3: choose another --out" in capsys.readouterr().err


def test_a_dry_run_prints_commands_that_parse(tmp_path, capsys):
    for recipe in bundled_recipes():
        assert call(reproduce, recipe, "--data", "D", "--out", tmp_path / "out", "--dry-run", "--accumulate", 2) == 0
        lines = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("#")]
        assert lines
        for line in lines:
            words = shlex.split(line)
            assert words[:2] == ["python", "-m"]
            importlib.import_module(words[2]).parser().parse_args(words[3:])
    assert not (tmp_path / "out").exists()


def test_networks_of_one_name_are_trained_by_one_command(tmp_path):
    """Recipes of one --out share stages by name."""
    commands = {}
    for recipe in bundled_recipes().values():
        for stage in recipe.stages(Choices(tmp_path / "data", tmp_path / "out")):
            assert commands.setdefault(stage.name, stage.commands) == stage.commands


def test_data_that_a_recipe_cannot_use(data, recorded, refused, tmp_path):
    def error(folder, recipe, *more):
        return refused("reproduce", recipe, "--data", folder, "--out", tmp_path / "out", *SMALL, *more)

    unprepared = error(data, "table1", "--base", "lspet")
    assert "lspet has no prepared.json: python -m train.prepare lspet --source DIR" in unprepared
    assert "(see LSP-extended in docs/data.md)" in unprepared
    (tmp_path / "sets").mkdir()
    (tmp_path / "sets" / "mpii").symlink_to(data / "mpii")
    (tmp_path / "sets" / "kth").symlink_to(data / "humaneva")
    assert "kth holds humaneva, expected kth" in error(tmp_path / "sets", "table4")
    (tmp_path / "sets" / "kth").unlink()
    (tmp_path / "sets" / "kth").symlink_to(data / "kth")
    assert "python -m train.synthesize --out" in error(tmp_path / "sets", "table4")
    index = json.loads((data / "kth" / "prepared.json").read_text())
    (tmp_path / "sets" / "kth").unlink()
    (tmp_path / "sets" / "kth").mkdir()
    index["counts"]["split"] = {"train": 2}
    (tmp_path / "sets" / "kth" / "prepared.json").write_text(json.dumps(index))
    assert "kth has no validation or test people" in error(tmp_path / "sets", "table4")
    assert recorded[0] == []
    assert not (tmp_path / "out").exists()
    assert "table1 starts from nothing: leave out --init-from" in error(data, "table1", "--init-from", tmp_path)
    PoseEstimator.random().save_pretrained(tmp_path / "half")
    assert "half has no detector: --init-from takes" in error(data, "released", "--init-from", tmp_path / "half")
    detector, other = DetectorConfig(width=8, head=8, input_size=64), PoseEstimator.random("small")
    config = dataclasses.replace(other.config, detector=detector)
    networks = (other.hourglass, other.fusion_network, "other", PersonDetector(detector))
    PoseEstimator(config, *networks).save_pretrained(tmp_path / "other")
    message = error(data, "released", "--init-from", tmp_path / "other")
    assert "channels, the preset tiny" in message
    assert "choose the --preset that it was made with" in message
    weights = tmp_path / "half" / "model.safetensors"
    assert "a checkpoint is a folder" in error(data, "released", "--init-from", weights)
    assert "nowhere" in error(data, "released", "--init-from", tmp_path / "nowhere")
    assert "a batch of 32 cannot be cut into 128 parts" in error(data, "released", "--accumulate", 128)
    assert "mpii is a data set itself: name the folder that it lies in" in error(data / "mpii", "released")
    assert "has no lspet/joints.mat, people_*.npz" in error(tmp_path / "out", "released")
    (tmp_path / "people").mkdir()
    write_pack(tmp_path / "people", "made", 4, held_out=0)
    assert "people has no photos to validate on" in error(tmp_path / "people", "released")
    write_pack(tmp_path / "people", "made", 4, held_out=2)
    assert not (tmp_path / "out").exists()
    assert call(reproduce, "table9", "--data", data, "--out", tmp_path / "out") == 2


def test_sigterm_reaches_the_command_that_runs(tmp_path, monkeypatch):
    """The command saves and ends in its own time; nothing is left behind."""
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\ntrap 'exit 7' TERM\ntouch {tmp_path}/ready\nsleep 5 & wait\nexit 3\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))

    def stop():
        while not (tmp_path / "ready").exists():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop, daemon=True).start()
    before = signal.getsignal(signal.SIGTERM)
    assert stages.start_command(("hourglass", "--help")) == 7
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[hourglass]\nstepz = 3\n", "own.toml has the unknown key 'stepz' in [hourglass]: known are steps, batch"),
        ("[hourglass]\nsteps = 0\n", "own.toml: 'steps' in [hourglass] must be a whole number above 0, got '0'"),
        ('[hourglass]\naugment = "far"\n', "'augment' in [hourglass] must be one of narrow, wide, got 'far'"),
        ("[hourglass]\nfreeze_norm = 1\n", "'freeze_norm' in [hourglass] must be true or false, got 1"),
        ("[evaluate]\ncard = true\n", "the unknown key 'card' in [evaluate]: options of its command go into its 'at'"),
        ('[evaluate]\nat = { data = "{where}" }\n', "'{where}' has the unknown word 'where': known are data, out"),
        ("[recipe]\nset = 1\n", "own.toml has the unknown key 'set' in [recipe]"),
        ("steps = 3\n", "own.toml has 'steps' outside of a table"),
        ("[hourglass\n", "own.toml is no TOML file: "),
    ],
)
def test_a_file_that_says_something_else_is_refused_by_key(text, words, refused, tmp_path):
    (tmp_path / "own.toml").write_text(text)
    options = ("--data", tmp_path, "--out", tmp_path / "out", "--preset", "tiny")
    assert words in refused("reproduce", tmp_path / "own.toml", *options)
    assert not (tmp_path / "out").exists()


def test_the_quick_start_is_a_file_too(tmp_path):
    stages = Recipe.read(CONFIGS_FOLDER / "quickstart.toml").stages(Choices(tmp_path, tmp_path, preset="tiny"))
    assert [stage.commands[0][0] for stage in stages] == ["synthesize", "hourglass", "fusion", "calibrate"]
    sizes = [command[command.index("--preset") + 1] for stage in stages[1:3] for command in stage.commands]
    assert sizes == ["tiny", "tiny"]
