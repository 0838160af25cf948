"""LSP, LSP-extended, MPII and COCO: files as distributed, through the command, to what training reads."""

import numpy as np
import pytest

from fusion_model.skeletons import LSP_14, MPII_16
from tests.helpers.fake_data import figure
from tests.helpers.lsp_mpii_coco_files import LEFT_WRIST, where, write_coco, write_lsp, write_lspet, write_mpii
from tests.helpers.photos import brightest
from train.data.prepared import open_prepared, read_prepared
from train.data.sources import find_sources

WRITERS = {"lsp": write_lsp, "lspet": write_lspet, "mpii": write_mpii, "coco": write_coco}
PEOPLE = {"lsp": 3, "lspet": 2, "mpii": 3, "coco": 3}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("crop", ["256", "90"])
def test_the_joint_of_the_labels_is_the_joint_of_the_stored_crop(name, crop, tmp_path, prepare):
    WRITERS[name](tmp_path / "in")
    printed = prepare(name, tmp_path / "in", "--crop", crop)
    (source,) = find_sources(tmp_path)  # a folder of prepared sets is data
    assert len(source) == PEOPLE[name]
    assert source.name == name
    assert f"{PEOPLE[name]} people of {name}" in printed
    photo = source.photo(0)
    assert max(photo.shape) <= int(crop)
    scale = open_prepared(tmp_path / "out").columns["affine"][0, 0, 0]
    assert scale == 1 if crop == "256" else scale < 0.55
    assert np.abs(brightest(photo) - source.joints[0, LEFT_WRIST]).max() < 0.75
    assert source.weight[0, LEFT_WRIST] == 1


def test_lsp_flags_and_split(tmp_path, prepare):
    write_lsp(tmp_path / "in", 1002)
    printed = prepare("lsp", tmp_path / "in", "--crop", "40")
    assert "by split: test 2, train 1000" in printed
    assert "1002 photos where LSP has 2000" in printed
    prepared = open_prepared(tmp_path / "out")
    assert prepared.columns["visible"][0].tolist() == [1] + [2] * 13
    source = read_prepared(tmp_path / "out")
    assert np.flatnonzero(source.validation).tolist() == [1000, 1001]
    assert source.weight[0].min() == 1  # hidden joints have coordinates; pelvis and thorax are midpoints


def test_lspet_placeholders_are_no_joints(tmp_path, prepare):
    write_lspet(tmp_path / "in")
    assert "skipped: 1 x fewer than 4 labelled joints" in prepare("lspet", tmp_path / "in")
    source = read_prepared(tmp_path / "out")
    knee = MPII_16.index("right_knee")
    assert source.weight[:, knee].tolist() == [0, 1]
    expected = figure(LSP_14, *where(0))
    known = [joint for joint in range(14) if joint != LSP_14.index("right_knee")]
    low, high = expected[known].min(0), expected[known].max(0)
    assert np.allclose(open_prepared(tmp_path / "out").columns["box"][0], (*low, *high), atol=1e-3)


def test_mpii_labels(tmp_path, prepare):
    write_mpii(tmp_path / "in")
    printed = prepare("mpii", tmp_path / "in", out=tmp_path / "without the list")
    assert "by split: train 1, validation 2" in printed
    assert "no valid_images.txt: every 10th labelled photo" in printed
    (tmp_path / "in" / "valid_images.txt").write_text("000000001.jpg\n")
    printed = prepare("mpii", tmp_path / "in")
    assert "by split: train 2, validation 1" in printed
    assert "skipped: 1 x a photo of the test part" in printed
    assert "skipped: 1 x a person with fewer than 4 labelled joints" in printed
    columns = open_prepared(tmp_path / "out").columns
    assert columns["visible"][0].tolist() == [1] + [2] * 15
    # head box 30 x 40, diagonal 50, times 0.6
    assert np.allclose(columns["head_size"], 30)
    assert columns["separated"].tolist() == [0, 1, 1]
    assert columns["scale"].tolist() == [1.5] * 3
    assert np.allclose(columns["center"][0], where(0)[0])
    inverse = np.linalg.inv(columns["affine"][0][:, :2])
    in_photo = (columns["joints_2d"][0] - columns["affine"][0][:, 2]) @ inverse.T
    assert np.allclose(in_photo, figure(MPII_16, *where(0)), atol=1e-3)  # MATLAB's 1 is taken off


def test_joints_of_the_other_lsp(tmp_path, prepare_error):
    write_lsp(tmp_path / "lsp")
    write_lspet(tmp_path / "lspet")
    for name, other, shape in (("lsp", "lspet", "(14, 3, 3)"), ("lspet", "lsp", "(3, 14, 3)")):
        error = prepare_error(name, tmp_path / other)
        assert f"joints.mat: 'joints' has shape {shape}" in error
        assert "not another set" in error


def test_a_photo_that_is_missing_or_damaged(tmp_path, prepare_error):
    write_lsp(tmp_path / "in")
    photo = tmp_path / "in" / "images" / "im0002.jpg"
    photo.write_bytes(b"")
    assert "im0002.jpg: it is an empty file: expected JPEG, PNG" in prepare_error("lsp", tmp_path / "in")
    photo.unlink()
    assert "photo 2 is missing, 2 are there" in prepare_error("lsp", tmp_path / "in")
    with pytest.raises(FileNotFoundError, match=r"has no prepared\.json"):
        find_sources(tmp_path / "out")
