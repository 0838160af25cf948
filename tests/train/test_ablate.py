"""The ablation on fake people: all runs, all tables, nothing repeated, nothing mixed up."""

import dataclasses
import json
import os
import re
import shutil
import signal
import statistics
import zipfile

import pytest
import torch

from fusion_model.estimator import PoseEstimator
from fusion_model.hourglass import StackedHourglass
from fusion_model.hub.strategies import COMPARED, load_strategies, strategy_figures
from fusion_model.presets import PRESETS
from tests.helpers.csv_files import read_rows
from tests.helpers.fake_data import make_people, write_pack
from tests.helpers.in_process import call
from train import ablate
from train.analysis import ablation as runs
from train.analysis import ablation_tables as tables
from train.analysis.ablation import STRATEGIES, variants
from train.engine.checkpoints import write_best
from train.fusion_stage import data as fusion_data_module
from train.fusion_stage.data import SampleSettings, fusion_data
from train.fusion_stage.samples import build_samples
from train.fusion_stage.training import Trainer

CPU = torch.device("cpu")
SMALL = ("--preset", "tiny", "--batch", "4", "--crops", "1", "--log", "csv")
SETTINGS = SampleSettings(size=64, margin=1.25, fusion_size=32, crops=2, seed=3)
STACKED = dataclasses.replace(PRESETS["tiny"], hourglass=dataclasses.replace(PRESETS["tiny"].hourglass, stacks=2))


def hourglass(seed=0):
    torch.manual_seed(seed)
    return StackedHourglass(STACKED.hourglass).eval()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Eight fake people and a hourglass of two stacks."""
    folder = tmp_path_factory.mktemp("ablate")
    write_pack(folder / "data", "made", 8, held_out=2)
    write_best(folder / "hourglass", hourglass(), {})
    return folder


@pytest.fixture(autouse=True)
def two_stacks(monkeypatch):
    monkeypatch.setitem(PRESETS, "tiny", STACKED)


def options(place, out, *more):
    common = ("--data", place / "data", "--hourglass", place / "hourglass", "--out", out, "--steps", 5, *SMALL)
    return (*common, *more)


@pytest.fixture(scope="module")
def finished(place):
    """The folder of a whole ablation over two seeds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, "tiny", STACKED)
        more = ("--beta", "all", "--stages", "--checkpoints", "--networks", place / "networks")
        assert call(ablate, *options(place, place / "out", "--seeds", 0, 1, *more)) == 0
    return place / "out"


def result(out, name, seed):
    return json.loads((out / "runs" / name / f"seed-{seed}" / "result.json").read_text())


def test_table_5_has_every_strategy_with_all_figures(finished):
    rows = {row["strategy"]: row for row in read_rows(finished / "table5.csv")}
    assert list(rows) == [
        "image-only",
        "maps-only",
        "lifter",
        "early",
        "late",
        "fixed-1",
        "fixed-2",
        "free",
        "trainable",
    ]
    for row in rows.values():
        needed = ["mpjpe", "pa_mpjpe", "pruned_mpjpe", "parameters", "pruned_parameters"]
        assert all(float(row[name]) > 0 for name in needed)
        assert row["runs"] == "2"
    for name in ("free", "trainable"):
        assert float(rows[name]["soft_mpjpe"]) > 0
        assert float(rows[name]["hardened_mpjpe"]) > 0
        assert float(rows[name]["pruned_parameters"]) < float(rows[name]["parameters"])
        assert len(rows[name]["weights"].split()) == 3
    assert float(rows["trainable"]["alpha"]) == pytest.approx(0.1, abs=0.05)
    assert rows["trainable"]["paper"] == "69.73"
    assert rows["fixed-1"]["weights"] == "0.00 1.00 1.00"
    assert rows["early"]["parameters"] == rows["early"]["pruned_parameters"]


def test_figures_are_mean_and_standard_deviation_of_the_runs(finished):
    errors = [result(finished, "late", seed)["trained_on"]["mpjpe"] for seed in (0, 1)]
    (row,) = (row for row in read_rows(finished / "table5.csv") if row["strategy"] == "late")
    assert errors[0] != errors[1]
    assert float(row["mpjpe"]) == pytest.approx(statistics.mean(errors))
    assert float(row["mpjpe_std"]) == pytest.approx(statistics.stdev(errors))
    text = (finished / "tables.md").read_text()
    assert f"| late | 2 | 74.12 | {statistics.mean(errors):.1f} ± {statistics.stdev(errors):.1f} |" in text
    content = json.loads((finished / "tables.json").read_text())["table5"]["rows"]
    assert list(content)[4] == "late"
    assert content["late"]["mpjpe"] == pytest.approx(statistics.mean(errors))


def test_photos_and_rendered_people_have_columns_of_their_own(tmp_path, finished, printed):
    for name in ("made", "synthetic"):
        write_pack(tmp_path / "data", name, 8, held_out=2)
    few = ("--strategies", "early", "trainable", "--seeds", 0, "--synthetic-fraction", 0.5)
    printed("ablate", *options(finished.parent, tmp_path / "out", "--data", tmp_path / "data", *few))
    row = read_rows(tmp_path / "out" / "table5.csv")[0]
    last = result(tmp_path / "out", "early", 0)["trained_on"]
    for name in ("photos_mpjpe", "photos_pa_mpjpe", "synthetic_mpjpe", "synthetic_pa_mpjpe"):
        assert float(row[name]) == pytest.approx(last[name])
    assert float(row["mpjpe"]) == pytest.approx((last["photos_mpjpe"] + last["synthetic_mpjpe"]) / 2)
    assert last["n"] == 4
    text = (tmp_path / "out" / "tables.md").read_text()
    assert "rendered, MPJPE" in text
    assert "count half each" in text
    assert "photos_mpjpe" not in read_rows(finished / "table5.csv")[0]


def test_pruned_and_hardened_networks_err_alike(finished):
    run = result(finished, "trainable", 0)
    assert run["pruned"]["mpjpe"] == pytest.approx(run["trained_on"]["mpjpe"], rel=1e-4)
    assert run["steps"] == 5
    assert run["soft_steps"] == 3


def test_soft_to_the_last_step_is_hardened_for_the_table(place, tmp_path, printed):
    printed("ablate", *options(place, tmp_path, "--soft-fraction", 1, "--strategies", "trainable", "--seeds", 0))
    run = result(tmp_path, "trainable", 0)
    assert run["soft_steps"] == 5
    assert run["hardened"] == run["trained_on"]
    assert run["soft"] != run["hardened"]
    assert run["weights"] == pytest.approx([0.475, 0.5, 0.525], abs=0.01)


def test_tables_of_the_appendix_and_of_section_3_2(finished):
    free, sigmoid = read_rows(finished / "table6.csv")
    assert "free" in free["weights"]
    for row in (free, sigmoid):
        assert all(float(row[name]) > 0 for name in ("soft_mpjpe", "mpjpe", "ms", "pruned_ms"))
    first, last = read_rows(finished / "stages.csv")
    assert (first["maps"], last["maps"]) == ("first stack", "last stack")
    assert first["mpjpe"] != last["mpjpe"]


def test_weights_that_are_not_sharp_are_flagged(finished):
    (row,) = (row for row in read_rows(finished / "table5.csv") if row["strategy"] == "free")
    assert row["not_sharp"] == "2"  # five steps do not move them far: they are noted as they were before hardening
    assert all(0.3 < float(w) < 0.7 for w in row["weights"].split())
    text = (finished / "tables.md").read_text()
    assert "**Not sharp: free (2 of 2), trainable (2 of 2).**" in text
    sharp = [{**result(finished, "trainable", 0), "sharp": True}]
    assert not any("Not sharp" in note for note in tables.strategies_table({"trainable": sharp}).notes)


@pytest.mark.parametrize(
    ("weights", "b", "sharp"),
    [
        ([0.01, 0.96, 1.0], 1, True),
        ([0.06, 0.99, 1.0], 1, False),
        ([0.0, 0.5, 1.0], 2, False),
        ([0.0, 1.0, 0.0], 3, False),  # near 0 and 1, but no step: pruning would be a rounding
        ([1.0, 1.0, 1.0], 0, True),
    ],
)
def test_sharp_means_near_the_step(weights, b, sharp):
    assert runs.is_sharp(weights, b) == sharp


def test_the_same_command_again_repeats_nothing(place, finished, monkeypatch, printed):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.is_file()}
    monkeypatch.setattr(runs, "Trainer", None)  # nothing may train
    out = printed("ablate", *options(place, finished, "--seeds", 0, 1, "--beta", "all", "--stages"))
    assert out.count("finished before") == 20
    after = {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.is_file()}
    changed = {path.relative_to(finished).parts[0] for path in before if before[path] != after.get(path)}
    assert before.keys() == after.keys()
    assert not {"runs", "samples"} & changed


@pytest.mark.parametrize("cut", ["signal", "time limit"])
def test_a_cut_one_goes_on_and_ends_alike(place, finished, tmp_path, monkeypatch, ends, printed, cut):
    command = ("ablate", *options(place, tmp_path, "--strategies", "late", "trainable", "--seeds", 0))
    if cut == "time limit":
        status, out, _ = ends(*command, "--time-limit", 1e-9)
        assert (status, "time limit" in out) == (1, True)
    else:
        loss = Trainer.loss

        def signalled(trainer, network, step, generator):
            if step == 3:
                os.kill(os.getpid(), signal.SIGTERM)
            return loss(trainer, network, step, generator)

        with monkeypatch.context() as patch:
            patch.setattr(Trainer, "loss", signalled)
            status, out, _ = ends(*command)
        assert (status, "stopped at step 4 by SIGTERM; run again to continue" in out) == (1, True)
        assert not (tmp_path / "runs" / "trainable").exists()  # the signal ends the whole command
    assert not list(tmp_path.rglob("result.json"))
    assert not (tmp_path / "table5.csv").exists()
    assert (cut == "signal") == ("resumed at step 4" in printed(*command))
    for name in ("late", "trainable"):
        again, straight = result(tmp_path, name, 0), result(finished, name, 0)
        assert {**again, "seconds": 0} == {**straight, "seconds": 0}


def test_the_networks_for_the_page_are_those_of_the_first_seed(finished):
    for name in COMPARED:
        estimator = PoseEstimator.from_pretrained(finished / "runs" / name / "seed-0" / "checkpoint")
        networks = load_strategies(finished.parent / "networks", estimator)
        ours, theirs = estimator.fusion_network.state_dict(), networks[name].state_dict()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    assert networks["trainable"].config.merge_after is not None
    figures = strategy_figures(finished.parent / "networks")
    assert figures["late"].items() <= result(finished, "late", 0)["pruned"].items()
    assert figures["late"]["mpjpe"] > 0


def test_networks_that_were_not_kept_are_missed_by_name(place, finished, tmp_path, refused):
    out = shutil.copytree(finished, tmp_path / "out")
    shutil.rmtree(out / "runs" / "early" / "seed-0" / "checkpoint")
    command = ("ablate", *options(place, out, "--seeds", 0, "--checkpoints", "--networks", tmp_path / "networks"))
    assert "early/seed-0 was finished without --checkpoints" in refused(*command)
    assert not (tmp_path / "networks").exists()


def test_other_settings_or_data_are_refused_by_name(place, finished, refused):
    error = refused("ablate", *options(place, finished, "--seeds", 0, "--steps", 6))
    assert "steps 5, not 6" in error
    assert "choose another --out" in error
    error = refused("ablate", *options(place, finished, "--seeds", 0, "--people", 3))
    assert "people None, not 3" in error
    assert "data and hourglass '" in error


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--strategies", "middle"), 2, "invalid choice: 'middle'"),
        (("--beta", "4"), 1, "--beta must be 'all' or merging layers from 0 to 3 of 'tiny', got '4'"),
        (("--beta", "-1"), 1, "got '-1'"),
        (
            ("--networks", "folder"),
            1,
            "--networks needs --checkpoints, and image-only, maps-only, early, late, trainable",
        ),
        (("--people", "0"), 2, "must be a whole number above 0, got '0'"),
    ],
)
def test_bad_usage_is_one_sentence(place, tmp_path, refused, arguments, status, words):
    assert words in refused("ablate", *options(place, tmp_path / "out", *arguments), status=status)
    assert not (tmp_path / "out").exists()


def test_stages_need_a_stack(monkeypatch):
    config = dataclasses.replace(STACKED, hourglass=dataclasses.replace(STACKED.hourglass, stacks=1))
    monkeypatch.setitem(PRESETS, "tiny", config)
    with pytest.raises(ValueError, match="preset 'tiny' has a single one"):
        variants(STRATEGIES, [], "tiny", stages=True)


def assert_same(one, other):
    for name in ("training", "held_out"):
        for field in dataclasses.fields(getattr(one, name)):
            assert torch.equal(getattr(getattr(one, name), field.name), getattr(getattr(other, name), field.name))
    assert one.names == other.names


def test_cached_samples_are_those_built(place, tmp_path, monkeypatch):
    fresh = fusion_data(place / "data", SETTINGS, hourglass(), CPU)
    assert len(fresh.training) == 12
    assert_same(fresh, fusion_data(place / "data", SETTINGS, hourglass(), CPU, tmp_path))
    monkeypatch.setattr(fusion_data_module, "build_samples", None)  # nothing may be built
    assert_same(fresh, fusion_data(place / "data", SETTINGS, hourglass(), CPU, tmp_path))


@pytest.mark.parametrize("other", ["seed", "hourglass", "labels", "photos", "stack", "damaged"])
def test_what_differs_is_built_anew(tmp_path, capsys, other):
    data, cache, settings, stacks = tmp_path / "data", tmp_path / "cache", SETTINGS, hourglass()
    data.mkdir()
    write_pack(data, "made", 8, held_out=2)
    fusion_data(data, SETTINGS, stacks, CPU, cache)
    if other == "seed":
        settings = dataclasses.replace(SETTINGS, seed=4)
    elif other == "hourglass":
        stacks = hourglass(1)
    elif other == "stack":
        settings = dataclasses.replace(SETTINGS, stack=0)
    elif other == "damaged":
        file = cache / "training.safetensors"
        file.write_bytes(file.read_bytes()[:-100])
    elif other == "labels":
        write_pack(data, "made", 9, held_out=2)
    else:
        labels = (data / "people_made.npz").read_bytes()
        write_pack(data, "made", 8, held_out=2)
        shift_photos(data / "people_made.zip")
        (data / "people_made.npz").write_bytes(labels)
    again = fusion_data(data, settings, stacks, CPU, cache)
    assert "built anew" in capsys.readouterr().out
    assert_same(again, fusion_data(data, settings, stacks, CPU))


def shift_photos(archive):
    """Give every name in a zip the photo of another."""
    with zipfile.ZipFile(archive) as source:
        names, photos = source.namelist(), [source.read(name) for name in source.namelist()]
    with zipfile.ZipFile(archive, "w") as target:
        for name, photo in zip(names, photos[1:] + photos[:1], strict=True):
            target.writestr(name, photo)


def test_people_are_taken_evenly(place, monkeypatch):
    built = []
    monkeypatch.setattr(
        fusion_data_module, "build_samples", lambda people, *_arguments, **_options: built.append(people.joints)
    )
    for count in (3, None):
        fusion_data(place / "data", dataclasses.replace(SETTINGS, people=count), hourglass(), CPU)
    held_out, some, _, all_people = built
    assert len(held_out) == 2
    assert torch.equal(some, all_people[[0, 2, 5]])


def test_the_stack_is_that_of_the_maps():
    settings = [dataclasses.replace(SETTINGS, stack=stack) for stack in (0, 1, -1)]
    by_stack = [build_samples(make_people(2), hourglass(), one).maps for one in settings]
    assert torch.equal(by_stack[1], by_stack[2])
    assert not torch.equal(by_stack[0], by_stack[1])


def test_train_fusion_uses_one_cache_for_all_runs(place, tmp_path, monkeypatch, printed):
    def figures(*more):
        common = ("--data", place / "data", "--hourglass", place / "hourglass", "--steps", 4, *SMALL)
        out = printed("fusion", *common, *more)
        lines = [line for line in out.splitlines() if "mpjpe" in line or "finished before" in line]
        return [re.sub(r'"seconds": \d+', "", line) for line in lines]

    cache, alone = ("--cache", tmp_path / "cache"), ("--run", tmp_path / "none")
    assert figures(*cache, "--run", tmp_path / "one") == figures(*alone)
    monkeypatch.setattr(fusion_data_module, "build_samples", None)  # nothing may be built
    figures(*cache, "--run", tmp_path / "two", "--strategy", "image-only")
    assert "finished before" in figures(*alone)[0]  # without a crop
