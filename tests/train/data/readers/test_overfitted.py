"""Every set as distributed, prepared, loaded, overfitted and evaluated by the commands that a user calls."""

import csv
import dataclasses
import json

import numpy as np
import pytest
import torch

from fusion_model.estimator import PoseEstimator
from fusion_model.presets import PRESETS
from tests.helpers.distributed_sets import OPTIONS, WRITERS, shrink
from tests.helpers.rendered_set import write_rendered
from train.data.readers.registry import DISTRIBUTED
from train.data.sources import find_people
from train.engine.checkpoints import read_weights, write_best
from train.engine.logs import read_rows
from train.evaluation.protocols import PROTOCOLS
from train.fusion_stage.samples import SampleSettings, fusion_data
from train.fusion_stage.training import predict

SMALL = ("--preset", "tiny", "--batch", "8", "--log", "csv", "--save-every", "1000")
# What the set is evaluated by, and how many people train and validate. Of the rendered people, two folders.
SETS = {
    "human36m": ("human36m human36m-pa", 14, 7),
    "humaneva": ("humaneva", 24, 21),
    "kth": ("kth-pcp", 8, 8),
    "lsp": ("lsp-pck", 8, 4),
    "lspet": ("limbs", 8, 3),
    "mpii": ("mpii-pckh", 8, 1),
    "coco": ("limbs", 8, 2),
    "mpi-inf-3dhp": ("mpi-inf-3dhp", 12, 4),
    "deep3dpose": ("limbs", 8, 2),
    "synthetic": ("limbs", 12, 12),
}


@pytest.fixture(autouse=True)
def learning_fast(monkeypatch):
    """The smallest networks, with the norms and the unit of the larger ones: a hundred steps are enough."""
    tiny = PRESETS["tiny"]
    fusion = dataclasses.replace(tiny.fusion, batch_norm=True, output_unit_mm=100.0)
    monkeypatch.setitem(PRESETS, "tiny", dataclasses.replace(tiny, fusion=fusion))


@pytest.fixture
def prepared(printed, tmp_path, monkeypatch):
    """Writes a set as distributed and prepares it; returns what training and what evaluation reads."""

    def make(name):
        def prepare(source, out):
            printed("prepare", name, "--source", source, "--out", out, "--workers", 1, *OPTIONS.get(name, ()))
            return out

        shrink(monkeypatch)
        WRITERS[name](tmp_path / "in")
        if name != "synthetic":
            return 2 * (prepare(tmp_path / "in", tmp_path / "data"),)
        write_rendered(tmp_path / "train", "train")
        prepare(tmp_path / "train", tmp_path / "data" / "train")
        return tmp_path / "data", prepare(tmp_path / "in", tmp_path / "data" / "validation")

    return make


def test_every_set_and_every_protocol_is_here():
    assert set(SETS) == set(DISTRIBUTED)
    assert {name for protocols, *_ in SETS.values() for name in protocols.split()} == set(PROTOCOLS)


def assert_tables(folder, protocol, shown, people):
    """The tables that the command wrote agree with each other and with what it printed."""
    files = {path.suffix: path.read_text(encoding="utf-8") for path in folder.glob(f"{protocol}.*")}
    assert files[".md"] in shown
    content, (columns, *lines) = json.loads(files[".json"]), csv.reader(files[".csv"].splitlines())
    assert max(content["people"].values()) == people
    assert next(iter(content["rows"])).startswith("this checkpoint")
    assert [line[0] for line in lines] == list(content["rows"])
    for name, *cells in lines:
        values = [content["rows"][name][column] for column in columns[1:]]
        assert cells == ["" if value is None else str(value) for value in values]
        assert name != "this checkpoint" or np.isfinite([value for value in values if value is not None]).any()


def training_error(network, data, hourglass):
    """Mean distance in mm from the labels of the people trained on, over joints whose 3D is known."""
    samples = fusion_data(data, SampleSettings(64, 1.25, 32, crops=1), hourglass, torch.device("cpu")).training
    distance = (torch.from_numpy(predict(network, samples)) - samples.pose).norm(dim=-1)
    return distance[samples.weight > 0].mean().item()


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
def test_a_few_people_are_learnt(name, printed, prepared, tmp_path):
    protocols, training, held_out = SETS[name]
    data, measured = prepared(name)
    people = find_people(data, validation=False)
    assert len(people) == training
    assert len(find_people(data, validation=True)) == held_out
    in_3d = bool(people.pose_weight.max() > 0)
    both = (*SMALL, "--data", data, "--run")
    estimator = PoseEstimator.random("tiny")
    if people.weight.max() > 0:  # with 3D, the maps need not be good: the fusion network also sees the picture
        steps = 4 if in_3d else 50
        printed("hourglass", *both, tmp_path / "hourglass", "--steps", steps, "--validate-every", 4, "--lr", 0.15)
        estimator.hourglass.load_state_dict(read_weights(tmp_path / "hourglass"))
    else:  # nothing in 2D: the hourglass comes from elsewhere
        write_best(tmp_path / "hourglass", estimator.hourglass, {})
    checkpoint = tmp_path / "checkpoint"
    estimator.save_pretrained(checkpoint)
    if not in_3d:
        first, *_, last = (float(row["loss"]) for row in read_rows(tmp_path / "hourglass" / "log.csv"))
        assert last < 0.7 * first
    else:
        untrained = training_error(estimator.fusion_network, data, estimator.hourglass)
        steps = ("--steps", 130, "--validate-every", 130, "--lr", 0.2)
        more = ("--hourglass", tmp_path / "hourglass", "--crops", 1, *steps)
        printed("fusion", *both, tmp_path / "fusion", *more)
        checkpoint = tmp_path / "fusion" / "checkpoint"
        network = PoseEstimator.from_pretrained(checkpoint, device="cpu").fusion_network
        trained = training_error(network, data, estimator.hourglass)
        assert trained < 0.7 * untrained, (trained, untrained)
    for protocol in protocols.split():
        options = ("--protocol", protocol, "--checkpoint", checkpoint, "--out", tmp_path / "tables")
        assert_tables(tmp_path / "tables", protocol, printed("evaluate", "--data", measured, *options), held_out)
