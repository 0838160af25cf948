"""The ablation on fake people: all runs, all tables, nothing repeated, nothing mixed up; and the samples it shares."""

import copy
import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fusion_model.estimator import PoseEstimator
from fusion_model.fusion import FusionNetwork
from fusion_model.heatmaps import encode
from fusion_model.hourglass import StackedHourglass
from fusion_model.hub.strategies import COMPARED, load_strategies, strategy_figures
from fusion_model.presets import PRESETS
from fusion_model.pruning import prune
from fusion_model.readings import read_maps
from tests.helpers.earlier import assert_as_before
from tests.helpers.fake_data import write_pack
from tests.helpers.own_process import call
from train import ablate
from train.analysis import ablation as runs
from train.engine.checkpoints import write_best
from train.engine.logs import read_rows
from train.fusion_stage import samples as samples_module
from train.fusion_stage.samples import SampleSettings, fusion_data
from train.fusion_stage.training import Outcome

pytestmark = pytest.mark.slow
CPU = torch.device("cpu")
SMALL = ("--preset", "tiny", "--batch", "4", "--crops", "1", "--log", "csv")
SETTINGS = SampleSettings(size=64, margin=1.25, fusion_size=32, crops=2, seed=3)
TINY = PRESETS["tiny"]


def hourglass(seed=0):
    torch.manual_seed(seed)
    return StackedHourglass(TINY.hourglass).eval()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Eight fake people, as many rendered ones, and a hourglass."""
    folder = tmp_path_factory.mktemp("ablate")
    for name in ("made", "synthetic"):
        write_pack(folder / "data", name, 8, held_out=2)
    write_best(folder / "hourglass", hourglass(), {})
    return folder


def options(place, out, *more):
    return ("--data", place / "data", "--hourglass", place / "hourglass", "--out", out, "--steps", 5, *SMALL, *more)


@pytest.fixture(scope="module")
def finished(place):
    """The folder of a whole ablation over two seeds."""
    more = ("--beta", "all", "--checkpoints", "--networks", place / "networks")
    assert call(ablate, *options(place, place / "out", "--seeds", 0, 1, *more)) == 0
    return place / "out"


def result(out, name, seed):
    return json.loads((out / "runs" / name / f"seed-{seed}" / "result.json").read_text())


def test_table_5_has_every_strategy_with_mean_and_standard_deviation_of_its_runs(finished):
    rows = {row["strategy"]: row for row in read_rows(finished / "table5.csv")}
    assert " ".join(rows) == "image-only maps-only lifter early late fixed-1 fixed-2 free trainable"
    for name, row in rows.items():
        errors = [result(finished, name, seed)["trained_on"]["mpjpe"] for seed in (0, 1)]
        found = float(row["MPJPE"]), float(row["MPJPE_std"])
        assert found == pytest.approx((np.mean(errors), np.std(errors, ddof=1)))
        assert found[0] == pytest.approx((float(row["photos, MPJPE"]) + float(row["rendered, MPJPE"])) / 2)
    assert float(rows["free"]["M parameters pruned"]) < float(rows["free"]["M parameters"])
    assert float(rows["trainable"]["alpha"]) == pytest.approx(0.1, abs=0.05)
    assert rows["lifter"]["w_1..w_L"] == rows["lifter"]["merging layer"] == ""


def test_the_tables_of_runs_all_of_whose_numbers_differ(tmp_path):
    numbers = iter(range(1000))
    kinds, measures = ("", "photos_", "synthetic_"), ("mpjpe", "pa_mpjpe")

    def figures():
        return {f"{kind}{one}": 60 + 1.37 * next(numbers) ** 1.1 for kind in kinds for one in measures} | {"n": 4}

    def run(name, seed):
        learnt, single = name in ("free", "trainable"), name in ("image-only", "lifter")
        parts = {part: figures() for part in ("mean_pose", "trained_on", "pruned")}
        parts |= {part: figures() if learnt else None for part in ("soft", "hardened")}
        parts |= {"alpha": 3.21 + seed, "beta": 1.23 - seed} if name == "trainable" else {"alpha": None, "beta": None}
        weights = None if single else [0.01 * next(numbers), 0.6, 1.0]
        layers = {"weights": weights, "merging_layer": None if single else seed, "sharp": not (learnt and seed)}
        return parts | layers | {"steps": 5, "parameters": {"unpruned": 4e6 + 1e5 * next(numbers), "pruned": 2e6}}

    names = ("image-only", "lifter", "early", "fixed-1", "free", "trainable")
    text = runs.write_report(tmp_path, {name: [run(name, seed) for seed in (0, 1)] for name in names})
    assert (tmp_path / "tables.md").read_text() == text
    files = [(tmp_path / name).read_text().splitlines() for name in ("table5.csv", "table6.csv", "tables.json")]
    assert_as_before("tables of an ablation", [text.splitlines(), *files], near=1e-5, file="data.json")
    assert "**Not sharp: free (1 of 2), trainable (1 of 2).**" in text
    assert "| trainable | 2 | 69.73 |" in text


def test_a_run_comes_to_what_its_last_network_does():
    torch.manual_seed(0)
    unpruned = FusionNetwork(TINY.fusion).eval()
    hardened = copy.deepcopy(unpruned)
    hardened.harden()
    names = ("mean pose", "soft", "hardened, at once", "hardened, trained on", "released")
    figures = {name: {"mpjpe": 10.0 * n, "pa_mpjpe": 20.0 * n, "n": 3} for n, name in enumerate(names)}
    learnt = {"weights": [0.02, 0.97, 1.0], "alpha": 7.0, "beta": 1.5}
    outcome, loop = Outcome(prune(hardened), unpruned, figures, learnt), SimpleNamespace(step=5, seconds=3.6)
    run = runs._summary(SimpleNamespace(loop=loop), outcome, runs.Variant("free", "free"))
    assert_as_before("a run", run, near=1e-3, file="data.json")
    assert "photos, MPJPE" not in runs.strategies_table({"free": [run]}).columns, "nobody has it"


def test_weights_that_are_not_sharp_are_flagged(finished):
    (row,) = (row for row in read_rows(finished / "table5.csv") if row["strategy"] == "free")
    assert row["runs not sharp"] == "2"  # five steps do not move them far: they are noted as they were before hardening
    assert runs.is_sharp([0.01, 0.96, 1.0], 1)
    assert not runs.is_sharp([0.06, 0.99, 1.0], 1)
    assert not runs.is_sharp([0.0, 1.0, 0.0], 3), "near 0 and 1, but no step: pruning would be a rounding"


def test_the_same_command_again_repeats_nothing(place, finished, monkeypatch, printed):
    before = {path: path.stat().st_mtime_ns for path in finished.glob("[rs]*/**/*") if path.is_file()}
    monkeypatch.setattr(runs, "Trainer", None)  # nothing may train
    assert printed("ablate", *options(place, finished, "--seeds", 0, 1, "--beta", "all")).count("finished before") == 18
    assert before == {path: path.stat().st_mtime_ns for path in finished.glob("[rs]*/**/*") if path.is_file()}


def test_a_run_draws_its_batches_by_its_own_seed(place, tmp_path, monkeypatch):
    took = []
    cut = SimpleNamespace(loop=SimpleNamespace(run=lambda: False), take_data=lambda _data: None)
    monkeypatch.setattr(
        runs, "Trainer", lambda _config, _maps, _network, settings, folder: took.append((settings, folder)) or cut
    )
    call(ablate, *options(place, tmp_path, "--seeds", 3, "--strategies", "late"))
    assert [(settings.seed, settings.strategy, folder.name) for settings, folder in took] == [(3, "late", "seed-3")]


def test_the_networks_for_the_page_are_those_of_the_first_seed(finished):
    for name in COMPARED:
        estimator = PoseEstimator.from_pretrained(finished / "runs" / name / "seed-0" / "checkpoint")
        networks = load_strategies(finished.parent / "networks", estimator)
        ours, theirs = estimator.fusion_network.state_dict(), networks[name].state_dict()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    figures = strategy_figures(finished.parent / "networks")
    assert figures["late"].items() <= result(finished, "late", 0)["pruned"].items()


def test_other_settings_or_data_are_refused_by_name(place, finished, refused):
    error = refused("ablate", *options(place, finished, "--seeds", 0, "--steps", 6))
    assert "steps 5, not 6" in error
    assert "choose another --out" in error
    assert "data and hourglass '" in refused("ablate", *options(place, finished, "--seeds", 0, "--people", 3))


def test_bad_usage_is_one_sentence(place, tmp_path, refused):
    for arguments, status, words in (
        (("--strategies", "middle"), 2, "invalid choice: 'middle'"),
        (("--beta", "4"), 1, "--beta must be 'all' or merging layers from 0 to 3 of 'tiny', got '4'"),
        (("--networks", "folder"), 1, "--networks needs --checkpoints, and image-only, maps-only, early, late, train"),
    ):
        assert words in refused("ablate", *options(place, tmp_path / "out", *arguments), status=status)
    assert not (tmp_path / "out").exists()
    rows = [row.name for row in runs.variants(["free", "early"], ["3", "0", "3"], "tiny")]
    assert rows == ["early", "fixed-0", "fixed-3", "free"]


def test_the_lifter_reads_decoded_joints_alone():
    torch.manual_seed(0)
    config = dataclasses.replace(TINY.fusion, output_unit_mm=1000.0)
    lifter, size = runs.Lifter(config).eval(), config.input_size
    points = 4 + 20 * torch.rand(2, config.map_joints, 2)
    image, maps = torch.rand(2, 3, size, size), encode(points, (size, size), 1.25)
    pose = lifter(image, maps)
    assert pose.shape == (2, 17, 3)
    assert torch.equal(lifter(1 - image, maps), pose)
    torch.testing.assert_close(lifter(image, 0 * maps, read_maps(maps)), pose)
    assert_as_before("lifter", pose.detach(), near=1e-3, file="data.json")


def columns(data):
    """All of the crops, as bytes."""
    return [column.numpy().tobytes() for part in (data.training, data.held_out) for column in part.columns.values()]


def test_crops_that_differ_are_built_anew(tmp_path, capsys):
    data, cache, stacks = tmp_path / "data", tmp_path / "cache", hourglass()
    write_pack(data, "made", 8, held_out=2)
    fusion_data(data, SETTINGS, stacks, CPU, cache)
    for settings, network in ((dataclasses.replace(SETTINGS, seed=4), stacks), (SETTINGS, hourglass(1))):
        again = fusion_data(data, settings, network, CPU, cache)
        assert "built anew" in capsys.readouterr().out
        assert columns(again) == columns(fusion_data(data, settings, network, CPU))
    file = cache / "training.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    assert columns(fusion_data(data, SETTINGS, network, CPU, cache)) == columns(again)
    write_pack(data, "made", 9, held_out=2)
    assert columns(fusion_data(data, SETTINGS, network, CPU, cache)) != columns(again)


def test_train_fusion_uses_one_cache_for_all_runs(place, tmp_path, monkeypatch, printed):
    common = ("--data", place / "data", "--hourglass", place / "hourglass", "--steps", 4, *SMALL)
    cache = ("--cache", tmp_path / "cache")
    printed("fusion", *common, *cache, "--run", tmp_path / "one")
    monkeypatch.setattr(samples_module, "build_samples", None)  # nothing may be built
    printed("fusion", *common, *cache, "--run", tmp_path / "two", "--strategy", "image-only")
    assert "finished before" in printed("fusion", *common, "--run", tmp_path / "one")  # without a crop
