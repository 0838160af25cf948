"""``evaluate --protocol``: prepared data, a tiny checkpoint, and what it prints; test_overfitted.py has every set."""

from types import SimpleNamespace

import numpy as np
import pytest

from fusion_model.estimator import PoseEstimator
from fusion_model.skeletons import HUMAN36M_17
from tests.helpers import lsp_mpii_coco_files
from tests.helpers.distributed_sets import WRITERS, shrink
from tests.helpers.photos import brightest
from train.data.prepared import open_prepared
from train.evaluation.protocols import PROTOCOLS, measure_protocol


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny"
    PoseEstimator.random("tiny").save_pretrained(folder)
    return folder


@pytest.mark.parametrize("name", ["lsp-pck", "mpii-pckh"])
def test_labels_and_estimates_are_in_the_same_pixels(name, tmp_path, prepare, checkpoint, monkeypatch):
    """An estimator that finds the dot painted at the left wrist has that joint right, in crops that were shrunk."""
    data_set = PROTOCOLS[name].data_set
    shrink(monkeypatch)
    WRITERS[data_set](tmp_path / "in")
    prepare(data_set, tmp_path / "in", "--crop", "90")
    wrist = HUMAN36M_17.index("left_wrist")

    def find_dots(self, photos, _boxes):
        assert self.config.search.person == 0, "however unsure it is"
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


def test_prepared_sets_without_a_protocol(tmp_path, prepare, printed, refused, checkpoint):
    """The usual figures: without 3D there are none of it, one person makes no group, without 2D nothing is measured."""
    lsp_mpii_coco_files.write_coco(tmp_path / "coco")
    prepare("coco", tmp_path / "coco", out=tmp_path / "one")
    both = ("evaluate", "--checkpoint", checkpoint, "--data")
    table = printed(*both, tmp_path / "one", "--protocol", "limbs")
    row = next(line for line in table.splitlines() if line.startswith("| this checkpoint"))
    assert row.endswith("| - | - |"), "joints that no checkpoint puts out"
    assert "| people measured | 1 | 0 | 0 |" in table
    shown = printed(*both, tmp_path / "one", "--out", figures := tmp_path / "figures.json")
    assert "| true box | coco | 1 |" in printed("compare", figures, figures)
    assert "| true box, coco | 1 |" in shown
    assert "3D against" not in shown
    assert "end to end" not in shown
    WRITERS["deep3dpose"](tmp_path / "deep")
    prepare("deep3dpose", tmp_path / "deep", out=tmp_path / "two")
    assert "--protocol limbs of train.evaluate measures the 3D of a prepared set" in refused(*both, tmp_path / "two")
