"""``evaluate --protocol``: prepared data of each set, a tiny checkpoint, and the tables it prints and writes."""

import csv
import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from fusion_model.estimator import PoseEstimator
from fusion_model.skeletons import HUMAN36M_17
from tests.helpers import deep3dpose_files, humaneva_files, kth_files, lsp_mpii_coco_files, mpi_inf_3dhp_files
from tests.helpers.human36m_files import CAMERA, write_metadata, write_sequence
from tests.helpers.photos import brightest
from tests.helpers.rendered_set import small_parts, write_rendered
from train.command import run_command
from train.data.prepared import open_prepared
from train.evaluate import main, parser
from train.evaluation.registry import PROTOCOLS, measure_protocol


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny"
    PoseEstimator.random("tiny").save_pretrained(folder)
    return folder


@pytest.fixture
def evaluate(monkeypatch, capsys, checkpoint):
    """Calls the command; returns its status and what it printed, or the last line of errors."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["evaluate", "--checkpoint", str(checkpoint), *map(str, arguments)])
        try:
            status = run_command(parser(), main)
        except SystemExit as end:
            status = end.code
        printed = capsys.readouterr()
        return status, printed.out if status == 0 else printed.err.strip().splitlines()[-1]

    return call


def write_human36m(folder, _monkeypatch):
    stems = {"S1": ["Sitting 1"], "S9": ["Sitting 1", "SittingDown"]}
    for subject, names in stems.items():
        for stem in names:
            write_sequence(folder, subject, stem)
    write_metadata(folder / "metadata.xml", stems)
    return "human36m", "--every", "3", "--cameras", CAMERA


def write_humaneva(folder, monkeypatch):
    humaneva_files.shorten(monkeypatch)
    for subject in ("S1", "S2", "S3"):
        humaneva_files.write_both_parts(folder, subject)
    return ("humaneva",)


def write_kth(folder, _monkeypatch):
    kth_files.write_sequence(folder / "player2sequence1" / "Sequence 1")
    return ("kth",)


def write_lsp(folder, monkeypatch):
    monkeypatch.setattr("train.data.readers.lsp._LSP_TEST_FROM", 2)
    lsp_mpii_coco_files.write_lsp(folder)
    return ("lsp",)


def write_mpii(folder, monkeypatch):
    monkeypatch.setattr("train.data.readers.mpii._EVERY", 1)  # all validate
    lsp_mpii_coco_files.write_mpii(folder)
    return ("mpii",)


def write_3dhp(folder, _monkeypatch):
    mpi_inf_3dhp_files.write_test(folder)
    return "mpi-inf-3dhp", "--every", "1"


def write_synthetic(folder, monkeypatch):
    small_parts(monkeypatch)
    write_rendered(folder, "validation")
    return ("synthetic",)


WRITERS = {
    "human36m": (write_human36m, 6),
    "human36m-pa": (write_human36m, 6),
    "humaneva": (write_humaneva, 21),
    "kth-pcp": (write_kth, 3),
    "lsp-pck": (write_lsp, 2),
    "mpii-pckh": (write_mpii, 3),
    "mpi-inf-3dhp": (write_3dhp, 4),
    "synthetic": (write_synthetic, 12),
    "limbs": (write_3dhp, 4),
}


def test_every_protocol_is_tested():
    assert list(WRITERS) == list(PROTOCOLS)


def test_limbs_of_any_set(tmp_path, prepare, evaluate):
    """COCO has no 3D, and joints that no checkpoint puts out: those that are measured are there."""
    (tmp_path / "in").mkdir()
    lsp_mpii_coco_files.write_coco(tmp_path / "in")
    assert prepare("coco", tmp_path / "in")[0] == 0
    status, printed = evaluate("--data", tmp_path / "out", "--protocol", "limbs")
    assert status == 0, printed
    row = next(line for line in printed.splitlines() if line.startswith("| this checkpoint"))
    assert row.endswith("| - | - |")
    assert not row.startswith("| this checkpoint | - |")
    assert "| people measured | 1 | 0 | 0 |" in printed


@pytest.mark.parametrize("name", WRITERS)
def test_the_command_prints_and_writes_the_table(name, tmp_path, prepare, evaluate, checkpoint, monkeypatch):
    (tmp_path / "in").mkdir()
    write, people = WRITERS[name]
    data_set, *options = write(tmp_path / "in", monkeypatch)
    status, printed = prepare(data_set, tmp_path / "in", *options)
    assert status == 0, printed
    status, printed = evaluate("--data", tmp_path / "out", "--protocol", name, "--out", tmp_path / "tables")
    assert status == 0, printed
    assert sorted(path.name for path in (tmp_path / "tables").iterdir()) == [
        f"{name}.{s}" for s in ("csv", "json", "md")
    ]
    assert (tmp_path / "tables" / f"{name}.md").read_text() in printed
    content = json.loads((tmp_path / "tables" / f"{name}.json").read_text())
    assert max(content["people"].values()) == people
    table = measure_protocol(name, tmp_path / "out", checkpoint)
    with (tmp_path / "tables" / f"{name}.csv").open(newline="") as file:
        lines = list(csv.reader(file))
    assert lines[0] == ["", *table.columns]
    for line in lines[1:]:
        values = [float(cell) if cell else np.nan for cell in line[1:]]
        assert np.allclose(values, table.rows[line[0]], equal_nan=True)
        assert list(content["rows"][line[0]].values()) == [None if np.isnan(v) else v for v in values]
    assert any(np.isfinite(row).any() for row in table.rows.values())
    assert next(iter(content["rows"])).startswith("this checkpoint")


# Half of the wrists, the left; of MPII's three people all are near enough to the dot of the first.
@pytest.mark.parametrize(("name", "right"), [("lsp-pck", 50), ("mpii-pckh", 50)])
def test_labels_and_estimates_are_in_the_same_pixels(name, right, tmp_path, prepare, checkpoint, monkeypatch):
    """An estimator that finds the dot painted at the left wrist has that joint right, in crops that were shrunk."""
    (tmp_path / "in").mkdir()
    data_set = WRITERS[name][0](tmp_path / "in", monkeypatch)[0]
    assert prepare(data_set, tmp_path / "in", "--crop", "90")[0] == 0
    wrist = HUMAN36M_17.index("left_wrist")

    def find_dots(_self, photos, _boxes):
        found = [SimpleNamespace(joints_2d=np.full((17, 2), -999.0), joints_3d=np.zeros((17, 3))) for _ in photos]
        for pose, photo in zip(found, photos, strict=True):
            pose.joints_2d[wrist] = brightest(photo)
        return found

    monkeypatch.setattr(PoseEstimator, "batch", find_dots)
    table = measure_protocol(name, tmp_path / "out", checkpoint)
    row = dict(zip(table.columns, table.rows["this checkpoint"], strict=True))
    assert row["wrists"] == pytest.approx(right)
    assert row["knees"] == 0


def test_one_sentence_for_what_does_not_fit(tmp_path, prepare, evaluate):
    lsp_mpii_coco_files.write_lsp(tmp_path / "in")
    assert prepare("lsp", tmp_path / "in")[0] == 0
    out = tmp_path / "out"
    status, error = evaluate("--data", out, "--protocol", "table9")
    assert status == 2
    assert "invalid choice: 'table9'" in error
    status, error = evaluate("--data", out, "--protocol", "kth-pcp")
    assert status == 1
    assert "holds lsp, but --protocol kth-pcp is for kth: use --protocol lsp-pck" in error
    status, error = evaluate("--data", out, "--protocol", "lsp-pck")
    assert status == 1
    assert "none of the 3 people in" in error
    assert len(open_prepared(out)) == 3
    assert "has no prepared.json" in evaluate("--data", tmp_path, "--protocol", "lsp-pck")[1]
    assert "leave --card and --only away" in evaluate("--data", out, "--protocol", "lsp-pck", "--card")[1]
    (tmp_path / "file").touch()
    assert "is a file" in evaluate("--data", out, "--protocol", "lsp-pck", "--out", tmp_path / "file")[1]


def test_prepared_sets_without_a_protocol(tmp_path, prepare, evaluate, monkeypatch):
    """The usual figures: without 3D there are none of it, one person makes no group, without 2D nothing is measured."""
    (tmp_path / "coco").mkdir()
    lsp_mpii_coco_files.write_coco(tmp_path / "coco")
    assert prepare("coco", tmp_path / "coco", out=tmp_path / "one")[0] == 0
    status, printed = evaluate("--data", tmp_path / "one")
    assert status == 0, printed
    assert "true box    coco                 n    1" in printed
    assert "3D against" not in printed
    assert "end to end" not in printed
    monkeypatch.setattr("train.data.readers.deep3dpose._EVERY", 2)
    deep3dpose_files.write_deep3dpose(tmp_path / "deep")
    assert prepare("deep3dpose", tmp_path / "deep", out=tmp_path / "two")[0] == 0
    status, error = evaluate("--data", tmp_path / "two")
    assert status == 1
    assert "--protocol limbs of train.evaluate measures the 3D of a prepared set" in error
