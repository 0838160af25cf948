"""Every set as distributed, prepared, loaded, overfitted and evaluated by the commands that a user calls."""

import csv
import dataclasses
import importlib
import sys

import pytest
import torch

from fusion_model.config import PRESETS
from fusion_model.estimator import PoseEstimator
from tests.helpers import deep3dpose_files, humaneva_files, kth_files, lsp_mpii_coco_files, mpi_inf_3dhp_files
from tests.helpers.human36m_files import CAMERA, write_metadata, write_sequence
from tests.helpers.rendered_set import small_parts, write_rendered
from train.command import run_command
from train.data.readers.registry import DISTRIBUTED
from train.data.sources import find_people
from train.engine.checkpoints import read_weights, write_best
from train.fusion_stage.cache import SampleSettings, make_samples
from train.fusion_stage.training import predict

SMALL = ("--preset", "tiny", "--batch", "8", "--log", "csv", "--save-every", "1000")


def write_human36m(folder, _monkeypatch):
    stems = {"S1": ["Sitting 1"], "S5": ["Eating"], "S9": ["Sitting 1"]}
    for subject, names in stems.items():
        write_sequence(folder, subject, names[0])
    write_metadata(folder / "metadata.xml", stems)
    return "--every", "1", "--cameras", CAMERA


def write_humaneva(folder, monkeypatch):
    humaneva_files.shorten(monkeypatch)
    humaneva_files.write_both_parts(folder)
    return ()


def write_kth(folder, _monkeypatch):
    kth_files.write_sequence(folder / "player2sequence1" / "Sequence 1", frames=16)
    return ()


def write_lsp(folder, monkeypatch):
    monkeypatch.setattr("train.data.readers.lsp._LSP_TEST_FROM", 9)
    lsp_mpii_coco_files.write_lsp(folder, 12)
    return ()


def write_lspet(folder, monkeypatch):
    monkeypatch.setattr("train.data.readers.lsp._LSPET_VALIDATION_FROM", 10)
    lsp_mpii_coco_files.write_lspet(folder, 12)
    return ()


def write_mpii(folder, _monkeypatch):
    lsp_mpii_coco_files.write_mpii(folder, more=6)
    (folder / "valid_images.txt").write_text("000000001.jpg\n")
    return ()


def write_coco(folder, _monkeypatch):
    lsp_mpii_coco_files.write_coco(folder, "abcdefgh", "ij")
    return ()


def write_3dhp(folder, _monkeypatch):
    mpi_inf_3dhp_files.write_train(folder)
    mpi_inf_3dhp_files.write_test(folder)
    return "--every", "1"


def write_deep3dpose(folder, monkeypatch):
    monkeypatch.setattr("train.data.readers.deep3dpose._EVERY", 5)
    deep3dpose_files.write_deep3dpose(folder, 10)
    return ()


# What the set is evaluated by, and how many people train and validate. Of the rendered people, two folders.
SETS = {
    "human36m": (write_human36m, "human36m", 14, 7),
    "humaneva": (write_humaneva, "humaneva", 8, 7),
    "kth": (write_kth, "kth-pcp", 8, 8),
    "lsp": (write_lsp, "lsp-pck", 8, 4),
    "lspet": (write_lspet, "limbs", 8, 3),
    "mpii": (write_mpii, "mpii-pckh", 8, 1),
    "coco": (write_coco, "limbs", 8, 2),
    "mpi-inf-3dhp": (write_3dhp, "mpi-inf-3dhp", 12, 4),
    "deep3dpose": (write_deep3dpose, "limbs", 8, 2),
    "synthetic": (None, "synthetic", 12, 12),
}


@pytest.fixture(autouse=True)
def learning_fast(monkeypatch):
    """The smallest networks, with the norms and the unit of the larger ones: a hundred steps are enough."""
    tiny = PRESETS["tiny"]
    fusion = dataclasses.replace(tiny.fusion, batch_norm=True, output_unit_mm=100.0)
    monkeypatch.setitem(PRESETS, "tiny", dataclasses.replace(tiny, fusion=fusion))


@pytest.fixture
def run(monkeypatch, capsys):
    """Calls a command, which has to succeed; returns what it printed."""

    def call(name, *arguments):
        monkeypatch.setattr(sys, "argv", [f"train.{name}", *map(str, arguments)])
        module = importlib.import_module(f"train.{name}")
        status = run_command(module.parser(), module.main)
        printed = capsys.readouterr()
        assert status == 0, printed.err
        return printed.out

    return call


@pytest.fixture
def prepared(run, tmp_path, monkeypatch):
    """Writes a set as distributed and prepares it; returns what training and what evaluation reads."""

    def make(name):
        data = tmp_path / "data"
        if name != "synthetic":
            (tmp_path / "in").mkdir()
            options = SETS[name][0](tmp_path / "in", monkeypatch)
            run("prepare", name, "--source", tmp_path / "in", "--out", data, "--workers", 1, *options)
            return data, data
        small_parts(monkeypatch)
        for split in ("train", "validation"):
            write_rendered(tmp_path / split, split)
            run("prepare", name, "--source", tmp_path / split, "--out", data / split, "--workers", 1)
        return data, data / "validation"

    return make


def test_every_set_is_here():
    assert set(SETS) == set(DISTRIBUTED)


def losses(folder):
    with (folder / "log.csv").open(newline="") as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


def training_error(network, data, hourglass):
    """Mean distance in mm from the labels of the people trained on, over joints whose 3D is known."""
    samples = make_samples(data, SampleSettings(64, 1.25, 32, views=1), hourglass, torch.device("cpu")).training
    distance = (torch.from_numpy(predict(network, samples)) - samples.pose).norm(dim=-1)
    return distance[samples.weight > 0].mean().item()


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
def test_a_few_people_are_learnt(name, run, prepared, tmp_path):
    _, protocol, training, held_out = SETS[name]
    data, measured = prepared(name)
    people = find_people(data, validation=False)
    assert len(people) == training
    assert len(find_people(data, validation=True)) == held_out
    in_3d = bool(people.pose_weight.max() > 0)
    both = (*SMALL, "--data", data, "--run")
    estimator = PoseEstimator.random("tiny")
    if people.weight.max() > 0:  # with 3D, the maps need not be good: the fusion network also sees the picture
        steps = 4 if in_3d else 80
        run("hourglass", *both, tmp_path / "hourglass", "--steps", steps, "--validate-every", 4, "--lr", "3e-2")
        estimator.hourglass.load_state_dict(read_weights(tmp_path / "hourglass"))
    else:  # nothing in 2D: the hourglass comes from elsewhere
        write_best(tmp_path / "hourglass", estimator.hourglass, {})
    checkpoint = tmp_path / "checkpoint"
    estimator.save_pretrained(checkpoint)
    if not in_3d:
        first, *_, last = losses(tmp_path / "hourglass")
        assert last < 0.7 * first
    else:
        untrained = training_error(estimator.fusion_network, data, estimator.hourglass)
        steps = ("--steps", 150, "--validate-every", 150, "--lr", 0.1)
        more = ("--hourglass", tmp_path / "hourglass", "--views", 1, *steps)
        run("fusion", *both, tmp_path / "fusion", *more)
        checkpoint = tmp_path / "fusion" / "checkpoint"
        network = PoseEstimator.from_pretrained(checkpoint, device="cpu").fusion_network
        trained = training_error(network, data, estimator.hourglass)
        assert trained < 0.7 * untrained, (trained, untrained)
    printed = run("evaluate", "--data", measured, "--protocol", protocol, "--checkpoint", checkpoint)
    assert "| this checkpoint" in printed
