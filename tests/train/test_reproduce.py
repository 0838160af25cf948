"""The recipes of the paper's tables, from tiny fake sets to the tables, what they refuse; and the quick start."""

import importlib
import itertools
import json
import re
import shlex
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from fusion_model.config import CalibrationConfig
from fusion_model.estimator import PoseEstimator
from fusion_model.hub.checkpoints import read_metrics
from tests.helpers import humaneva_files, kth_files, lsp_mpii_coco_files
from tests.helpers.fake_data import write_pack
from tests.helpers.human36m_files import CAMERA, write_set
from tests.helpers.own_process import call
from tests.helpers.rendered_set import small_parts, write_rendered
from train import prepare, quickstart, recipes, reproduce
from train.evaluation.paper import TABLE_1
from train.evaluation.tables import Table
from train.fusion_stage.training import action_checkpoints
from train.recipes import CONFIGS_FOLDER, Choices, Recipe, bundled_recipes, shown
from train.settings import CONFIGS

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
        small_parts(patch)
        for split in ("train", "validation"):
            write_rendered(folder / "data" / "synthetic" / split, split)
    return folder / "data"


@pytest.fixture
def started(monkeypatch):
    """Names of the commands that were started."""
    names, start = [], recipes.start_command
    monkeypatch.setattr(recipes, "start_command", lambda command: names.append(command[0]) or start(command))
    return names


@pytest.mark.slow
def test_all_tables_from_nothing(data, started, tmp_path, monkeypatch, capsys):
    small_parts(monkeypatch)  # as they were written
    out = tmp_path / "out"

    def rows(recipe):
        started.clear()
        text = (CONFIGS_FOLDER / f"{recipe}.toml").read_text().replace(', "{seed_1}", "{seed_2}"', "")
        text = re.sub(r"(each\.action = )\[.*?\n\]", r'\1["Sitting", "SittingDown"]', text, flags=re.DOTALL)
        (tmp_path / f"{recipe}.toml").write_text(text)
        status = reproduced(data, out, tmp_path / f"{recipe}.toml")
        printed = capsys.readouterr()
        assert status == 0, printed.err
        assert printed.out.count("warm start from") == len(re.findall(r"warm start .*; skipped: nothing", printed.out))
        assert (out / "tables" / f"{recipe}.md").read_text() in printed.out
        return Table.read(out / "tables" / f"{recipe}.json").rows

    found = rows("table1")
    assert started == ["hourglass", "hourglass", "fusion", "evaluate", "fusion", "fusion", "evaluate"]
    assert list(found) == ["ours, one model for all actions", "ours, a model for each action", *TABLE_1]
    assert found["ours, one model for all actions"] != found["ours, a model for each action"]
    assert list(action_checkpoints(out / "fusion" / "human36m-actions")) == ["Sitting", "SittingDown"]
    assert next(iter(rows("table2"))) == "ours"
    assert started == ["evaluate"]  # all else is there
    assert list(rows("table3"))[:2] == ["ours, rigid", "ours, with scale"]
    assert PoseEstimator.from_pretrained(out / "fusion" / "humaneva" / "checkpoint").config.fusion.joints == 15
    found = rows("table4")
    assert list(found)[:2] == ["ours, not pretrained, mean of the ends", "ours, not pretrained, strict"]
    assert [row[-1] for row in rows("table5").values()] == [124.13, 79.28, 76.41, 74.12, 69.73]
    assert started == ["ablate", *["evaluate"] * 5]
    rows("table4")
    assert started == []


@pytest.mark.slow
def test_the_bundled_checkpoint_from_nothing(started, tmp_path, monkeypatch, capsys):
    for name in ("mpii", "street"):
        write_pack(tmp_path / "data", name, 10, held_out=4)
    monkeypatch.setattr("train.detector._VALIDATION", 4)
    monkeypatch.setattr("train.backgrounds._MIN_SIDE", 20)
    monkeypatch.setattr("train.backgrounds._BYSTANDER_SCORE", 1.1)  # nor is any background sorted out
    sure = CalibrationConfig(peak=(-1e3, 1e3), confidence=(1.0, 1.0))  # networks this little trained find no person
    monkeypatch.setattr("train.calibrate.fit_calibration", lambda *_evidence: sure)
    recipe = tmp_path / "released.toml"  # with fewer pictures
    recipe.write_text((CONFIGS_FOLDER / "released.toml").read_text().replace("16_000", "12").replace("1_200", "8"))
    assert reproduced(tmp_path / "data", tmp_path / "out", recipe) == 0
    data_first = ["backgrounds", "synthesize", "synthesize", "pack"]
    trained = ["hourglass", "fusion", "detector", "attach_detector"]
    assert started == [*data_first, *trained, "calibrate", "evaluate"]
    settings = json.loads((tmp_path / "data" / "rendered" / "settings.json").read_text())
    assert (settings["count"], settings["backgrounds"]) == (12, "backgrounds")
    checkpoint = tmp_path / "out" / "fusion" / "checkpoint"
    estimator = PoseEstimator.from_pretrained(checkpoint, device="cpu")
    assert estimator.detector is not None
    assert estimator.fusion.pruned
    assert "Measured on people held out from" in (checkpoint / "README.md").read_text()
    assert f"FUSION_POSE_MODEL={checkpoint} python app.py" in capsys.readouterr().out
    started.clear()
    again = ("--init-from", checkpoint)
    assert reproduced(tmp_path / "data", tmp_path / "out", recipe, *again) == 1
    assert "was begun with init_from None, not" in capsys.readouterr().err
    assert reproduced(tmp_path / "data", tmp_path / "again", recipe, *again) == 0
    assert started == [*data_first, "fusion", "calibrate", "evaluate"]
    new, old = (load_file(path / "model.safetensors") for path in (tmp_path / "again/fusion/checkpoint", checkpoint))
    changed = {name.partition(".")[0] for name, tensor in old.items() if not torch.equal(new[name], tensor)}
    assert changed == {"fusion"}


def test_a_cut_recipe_goes_on_at_the_stage_that_was_cut(data, tmp_path, monkeypatch, capsys):
    names, fails = [], {"fusion"}
    monkeypatch.setattr(recipes, "start_command", lambda command: names.append(command[0]) or int(command[0] in fails))
    assert reproduced(data, tmp_path / "out", "table2") == 1
    assert names == ["hourglass", "hourglass", "fusion"]
    assert "run the same command again to continue" in capsys.readouterr().out
    fails.clear()
    names.clear()
    assert reproduced(data, tmp_path / "out", "table2") == 1  # nothing was measured here, so there is no table
    assert names == ["fusion", "evaluate"]
    assert "hourglass on mpii: done before" in capsys.readouterr().out
    for name, before, now in (("seed", 0, 3), ("scale", 1e-09, 0.5)):
        assert reproduced(data, tmp_path / "out", "table2", f"--{name}", now) == 1
        assert f"was begun with {name} {before}, not {now}: choose another --out" in capsys.readouterr().err


def test_a_dry_run_prints_the_commands_of_our_figures_and_they_parse(tmp_path, capsys, monkeypatch):
    """Who means to change a recipe or a default puts what this prints into commands.txt."""
    monkeypatch.chdir(tmp_path)
    other = ("--preset", "small", "--scale", 0.01, "--seed", 7, "--base", "lsp", "--accumulate", 2)
    for name, recipe in bundled_recipes().items():
        for more in ((), (*other, *(("--init-from", "C") if recipe.goes_on else ()))):
            print("##", name, *more, recipe.about, *recipe.sets, recipe.report, recipe.protocol, recipe.rows)
            assert call(reproduce, name, "--data", "D", "--out", "O", "--dry-run", *more) == 0
    quick = Recipe.read(CONFIGS_FOLDER / "quickstart.toml").stages(Choices(Path("D"), Path("O"), scale=0.5, seed=3))
    print(*map(shown, itertools.chain(*quick.values())), *(kind().stored() for kind in CONFIGS.values()), sep="\n")
    printed = capsys.readouterr().out
    assert printed == Path(__file__).with_name("commands.txt").read_text()
    assert not list(tmp_path.iterdir())
    for words in (shlex.split(line) for line in printed.splitlines() if line.startswith("python -m ")):
        importlib.import_module(words[2]).parser().parse_args(words[3:])


def test_data_that_a_recipe_cannot_use(data, started, refused, tmp_path):
    def error(folder, recipe, *more):
        return refused("reproduce", recipe, "--data", folder, "--out", tmp_path / "out", *SMALL, *more)

    assert "lspet has no lspet/joints.mat" in error(data, "table1", "--base", "lspet")
    (tmp_path / "sets").mkdir()
    for name, held in (("mpii", "mpii"), ("kth", "humaneva")):
        (tmp_path / "sets" / name).symlink_to(data / held)
    assert "kth has no people of kth to train on: see docs/data.md" in error(tmp_path / "sets", "table4")
    write_pack(tmp_path / "people", "made", 4, held_out=0)
    assert "people has no photos to validate on" in error(tmp_path / "people", "released")
    assert "table1 starts from nothing: leave out --init-from" in error(data, "table1", "--init-from", tmp_path)
    write_pack(tmp_path / "people", "made", 4, held_out=2)
    PoseEstimator.random().save_pretrained(tmp_path / "half")
    from_half = ("--init-from", tmp_path / "half")
    assert "half is a checkpoint without a detector" in error(tmp_path / "people", "released", *from_half)
    PoseEstimator.random("small").save_pretrained(tmp_path / "half")
    assert "the tensors do not fit" in error(tmp_path / "people", "released", *from_half)
    assert started == []
    assert not (tmp_path / "out").exists()
    assert call(reproduce, "table9", "--data", data, "--out", tmp_path / "out") == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[hourglass]\nstepz = 3\n", "own.toml has the unknown key 'stepz' in [hourglass]: known are steps, batch"),
        ("[hourglass]\nsteps = 0\n", "own.toml: 'steps' in [hourglass] must be a whole number above 0, got '0'"),
        ("[hourglass]\nseed = -1\n", "'seed' in [hourglass] must be a whole number of at least 0, got '-1'"),
        ('[hourglass]\naugment = "far"\n', "'augment' in [hourglass] must be one of narrow, wide, got 'far'"),
        ("[evaluate]\ncard = true\n", "the unknown key 'card' in [evaluate]: options of its command go into its 'at'"),
        ('[evaluate]\nat = { data = "{where}" }\n', "'{where}' has the unknown word 'where': known are data, out"),
        ("[hourglass\n", "own.toml is no TOML file: "),
        ("", "own.toml has no stage: expected the table [name] of a command"),
    ],
)
def test_a_file_that_says_something_else_is_refused_by_key(text, words, refused, tmp_path):
    (tmp_path / "own.toml").write_text(text)
    options = ("--data", tmp_path, "--out", tmp_path / "out", "--preset", "tiny")
    assert words in refused("reproduce", tmp_path / "own.toml", *options)
    assert not (tmp_path / "out").exists()


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
