"""``evaluate --protocol``: prepared data of each set, a tiny checkpoint, and the tables it prints and writes."""

import csv
import json
from types import SimpleNamespace

import numpy as np
import pytest

from fusion_model.estimator import PoseEstimator
from fusion_model.skeletons import HUMAN36M_17
from tests.helpers import lsp_mpii_coco_files
from tests.helpers.distributed_sets import OPTIONS, WRITERS
from tests.helpers.photos import brightest
from train.data.prepared import open_prepared
from train.evaluation.protocols import PROTOCOLS, measure_protocol


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny"
    PoseEstimator.random("tiny").save_pretrained(folder)
    return folder


@pytest.fixture
def evaluate(printed, checkpoint):
    """Evaluates the checkpoint; what the command printed."""
    return lambda *arguments: printed("evaluate", "--checkpoint", checkpoint, *arguments)


# How many people each protocol measures.
PEOPLE = {
    "human36m": 7,
    "human36m-pa": 7,
    "humaneva": 21,
    "kth-pcp": 8,
    "lsp-pck": 4,
    "mpii-pckh": 1,
    "mpi-inf-3dhp": 4,
    "limbs": 4,
}


@pytest.fixture
def prepared(name, prepare, tmp_path, monkeypatch):
    """The folder of a protocol's set, prepared."""
    data_set = PROTOCOLS[name].data_set or "mpi-inf-3dhp"
    WRITERS[data_set](tmp_path / "in", monkeypatch)
    prepare(data_set, tmp_path / "in", *OPTIONS.get(data_set, ()))
    return tmp_path / "out"


def test_every_protocol_is_tested():
    assert list(PEOPLE) == list(PROTOCOLS)


@pytest.mark.parametrize("name", PEOPLE)
def test_the_command_prints_and_writes_the_table(name, tmp_path, prepared, evaluate, checkpoint):
    shown = evaluate("--data", prepared, "--protocol", name, "--out", tmp_path / "tables")
    files = {path.name: path for path in (tmp_path / "tables").iterdir()}
    assert files.keys() == {f"{name}.{suffix}" for suffix in ("csv", "json", "md")}
    assert files[f"{name}.md"].read_text() in shown
    content = json.loads(files[f"{name}.json"].read_text())
    assert max(content["people"].values()) == PEOPLE[name]
    table = measure_protocol(name, prepared, checkpoint)
    with files[f"{name}.csv"].open(newline="") as file:
        lines = list(csv.reader(file))
    assert lines[0] == ["", *table.columns]
    for line in lines[1:]:
        values = [float(cell) if cell else np.nan for cell in line[1:]]
        assert np.allclose(values, table.rows[line[0]], equal_nan=True)
        assert list(content["rows"][line[0]].values()) == [None if np.isnan(v) else v for v in values]
    assert any(np.isfinite(row).any() for row in table.rows.values())
    assert next(iter(content["rows"])).startswith("this checkpoint")


@pytest.mark.parametrize("name", ["lsp-pck", "mpii-pckh"])
def test_labels_and_estimates_are_in_the_same_pixels(name, tmp_path, prepare, checkpoint, monkeypatch):
    """An estimator that finds the dot painted at the left wrist has that joint right, in crops that were shrunk."""
    data_set = PROTOCOLS[name].data_set
    WRITERS[data_set](tmp_path / "in", monkeypatch)
    prepare(data_set, tmp_path / "in", "--crop", "90")
    wrist = HUMAN36M_17.index("left_wrist")

    def find_dots(_self, photos, _boxes):
        found = [SimpleNamespace(joints_2d=np.full((17, 2), -999.0), joints_3d=np.zeros((17, 3))) for _ in photos]
        for pose, photo in zip(found, photos, strict=True):
            pose.joints_2d[wrist] = brightest(photo)
        return found

    monkeypatch.setattr(PoseEstimator, "batch", find_dots)
    table = measure_protocol(name, tmp_path / "out", checkpoint)
    row = dict(zip(table.columns, table.rows["this checkpoint"], strict=True))
    assert row["wrists"] == pytest.approx(50), "the left ones"
    assert row["knees"] == 0


def test_one_sentence_for_what_does_not_fit(tmp_path, prepare, refused, checkpoint):
    def error(data, protocol, *more, status=1):
        both = ("--checkpoint", checkpoint, "--data", data)
        return refused("evaluate", *both, "--protocol", protocol, *more, status=status)

    lsp_mpii_coco_files.write_lsp(tmp_path / "in")
    prepare("lsp", tmp_path / "in")
    out = tmp_path / "out"
    assert "invalid choice: 'table9'" in error(out, "table9", status=2)
    assert "holds lsp, but --protocol kth-pcp is for kth: use --protocol lsp-pck" in error(out, "kth-pcp")
    assert "none of the 3 people in" in error(out, "lsp-pck")
    assert len(open_prepared(out)) == 3
    assert "has no prepared.json" in error(tmp_path, "lsp-pck")
    assert "leave --card away" in error(out, "lsp-pck", "--card")
    (tmp_path / "file").touch()
    assert "is a file" in error(out, "lsp-pck", "--out", tmp_path / "file")


def test_prepared_sets_without_a_protocol(tmp_path, prepare, evaluate, refused, checkpoint, monkeypatch):
    """The usual figures: without 3D there are none of it, one person makes no group, without 2D nothing is measured."""
    lsp_mpii_coco_files.write_coco(tmp_path / "coco")
    prepare("coco", tmp_path / "coco", out=tmp_path / "one")
    table = evaluate("--data", tmp_path / "one", "--protocol", "limbs")
    row = next(line for line in table.splitlines() if line.startswith("| this checkpoint"))
    assert row.endswith("| - | - |"), "joints that no checkpoint puts out"
    assert "| people measured | 1 | 0 | 0 |" in table
    shown = evaluate("--data", tmp_path / "one")
    assert "| true box, coco | 1 |" in shown
    assert "3D against" not in shown
    assert "end to end" not in shown
    WRITERS["deep3dpose"](tmp_path / "deep", monkeypatch)
    prepare("deep3dpose", tmp_path / "deep", out=tmp_path / "two")
    error = refused("evaluate", "--checkpoint", checkpoint, "--data", tmp_path / "two")
    assert "--protocol limbs of train.evaluate measures the 3D of a prepared set" in error
