"""Exported networks compute what torch does; the page's way from photo to pose is the estimator's."""

import dataclasses
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fusion_model.crops import crop_of_box
from fusion_model.estimator import PoseEstimator
from tests.helpers.own_process import call
from train import export

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/export.md").read_text(encoding="utf-8")
(BLOCK,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a small untrained checkpoint."""
    folder = tmp_path_factory.mktemp("export")
    PoseEstimator.random("tiny").save_pretrained(folder / "checkpoint")
    return folder


@pytest.fixture(scope="module")
def names(folder):
    """What the page's block computes with the bundled checkpoint, exported to ``exported``."""
    (folder / "assets").symlink_to(ROOT / "assets")
    assert call(export, "--format", "onnx", "--out", folder / "exported") == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        found = {}
        exec(compile(BLOCK, "docs/export.md", "exec"), found)  # noqa: S102 - our own page
    return found


@pytest.mark.slow
def test_the_page_leads_from_photo_to_pose_as_the_estimator_does(names):
    whole = PoseEstimator.from_pretrained("default")
    plain = whole.with_config(dataclasses.replace(whole.config, following=None))
    pose = plain(names["photo"], names["box"].ravel())
    middle = (pose.box[:2] + pose.box[2:]) / 2
    assert middle == pytest.approx(names["box"].mean(0), abs=1e-3)  # both cut the same crop
    assert pose.box[2] - pose.box[0] == pytest.approx(names["side"], abs=1e-3)
    assert names["maps"][0] == pytest.approx(pose.heatmaps, abs=1e-4)
    assert names["pose"] == pytest.approx(pose.joints_3d, abs=0.1)
    crop = crop_of_box(names["box"].ravel(), names["size"], names["about"]["config"]["crop"]["margin"])
    points = plain.predictor.predict([names["photo"]], [crop], flip_test=True)[0].points
    assert np.abs(names["points"] - points).max() <= 0.51 * 4 / names["scale"]  # half a pixel of the map
    boxes, _ = whole.find_people(names["photo"])
    assert names["box"].ravel() == pytest.approx(boxes[0], abs=0.05 * names["side"])
    assert names["score"] > whole.config.detector.min_score


@pytest.mark.slow
@pytest.mark.usefixtures("names")
def test_a_file_that_computes_something_else_is_not_kept(folder, refused, monkeypatch):
    other, write = export.parts(PoseEstimator.random("tiny", seed=1)), export._write
    monkeypatch.setattr(export, "_write", lambda _part, path: write(other[path.stem], path))
    before = (folder / "exported/hourglass.onnx").read_bytes()
    options = ("--format", "onnx", "--checkpoint", folder / "checkpoint", "--out", folder / "exported")
    assert "onnxruntime gives other maps than torch" in refused("export", *options)
    assert (folder / "exported/hourglass.onnx").read_bytes() == before
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_a_folder_with_other_files_is_kept_and_missing_packages_are_one_sentence(folder, refused, monkeypatch):
    options = ("--format", "onnx", "--checkpoint", folder / "checkpoint", "--out")
    for other in (folder, folder / "checkpoint" / "config.json"):
        assert "must be new, empty or an earlier export" in refused("export", *options, other)
        assert other.exists()
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    assert 'pip install ".[onnx]"' in refused("export", *options, folder / "new")
    assert not (folder / "new").exists()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_output_for_any_number_of_pictures_is_compared(count):
    def compute(image):
        return image.sum((1, 2, 3)), torch.full((len(image),), 5.0)

    def session(off):
        def run(_names, inputs):
            sums, fives = compute(torch.from_numpy(inputs["image"]))
            return sums.numpy(), (fives + off if len(fives) == count else fives).numpy()

        return SimpleNamespace(run=run)

    part = export.Part(torch.nn.Identity(), compute, {"image": torch.rand(2, 3, 4, 4)}, "joints_3d", "maps")
    assert export._difference(part, session(9e-5)) == pytest.approx(9e-5, rel=0.05)
    for off in (2e-4, -2e-4, np.nan):
        with pytest.raises(ValueError, match=r"gives other maps than torch: they differ by .*, more than 0\.0001"):
            export._difference(part, session(off))
