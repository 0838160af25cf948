"""The readers, on tiny data sets that keep the distributed formats to the letter."""

import numpy as np
import pytest
import torch
from scipy.io import savemat

from fusion_model.skeletons import HUMAN36M_17, LSP_14, MPII_16
from tests.helpers.fake_data import FIGURE, figure, teacher_arrays, where, write_lspet, write_pack
from train.data.people import load_people
from train.data.readers.lsp import read_lspet
from train.data.readers.people import read_people, teacher_pose
from train.data.sources import find_sources


def test_lspet_by_hand(tmp_path, monkeypatch):
    write_lspet(tmp_path / "lspet", 3)
    monkeypatch.setattr("train.data.readers.lsp._LSPET_VALIDATION_FROM", 3)
    source = read_lspet(tmp_path / "lspet", None)
    assert len(source) == 3
    assert source.validation.tolist() == [False, False, True]
    for row in range(3):
        expected = figure(MPII_16, *where(row))
        for joint, name in enumerate(MPII_16.joints):
            if name in LSP_14.joints:
                assert np.abs(source.joints[row, joint] - expected[joint]).max() < 1e-3, name
                assert source.weight[row, joint] == 1
                assert source.by_hand[row, joint]
        assert source.read(row) == (tmp_path / "lspet" / "images" / f"im{row + 1:05d}.jpg").read_bytes()
        assert source.photo(row).shape == (150, 120, 3)
        assert np.allclose(source.box[row], (*expected.min(0), *expected.max(0)), atol=1e-3)
    assert source.pose_weight.max() == 0


def test_lspet_unlabelled_joints(tmp_path):
    joints = write_lspet(tmp_path / "lspet", 2)
    wrist, hip = LSP_14.index("left_wrist"), LSP_14.index("left_hip")
    joints[wrist, 2, 0] = joints[hip, 2, 0] = 0
    joints[wrist, :2, 0] = -500  # as distributed: a placeholder far from the body
    savemat(tmp_path / "lspet" / "joints.mat", {"joints": joints})
    alone = read_lspet(tmp_path / "lspet", None)
    unknown = [MPII_16.index(name) for name in ("left_wrist", "left_hip", "pelvis")]
    assert alone.weight[0, unknown].max() == 0
    assert not alone.by_hand[0, unknown].any()
    assert alone.box[0].min() > 0
    assert alone.weight[1, unknown].min() == 1
    # The teacher fills what is not labelled, and nothing else.
    np.savez(tmp_path / "t.npz", **teacher_arrays(1))
    taught = read_lspet(tmp_path / "lspet", tmp_path / "t.npz")
    place = MPII_16.index("left_wrist")
    assert taught.weight[0, place] == pytest.approx(0.95**2)
    assert np.allclose(taught.joints[0, place], np.multiply(FIGURE["left_wrist"], where(0)[1]) + where(0)[0], atol=1e-3)
    assert not taught.by_hand[0, place]
    assert taught.weight[0, MPII_16.index("right_wrist")] == 1
    assert taught.pose_weight[0].min() > 0
    assert taught.pose_weight[1].max() == 0  # the teacher knows one photo only
    assert taught.by_hand[1, MPII_16.index("left_wrist")]


def test_a_pack_of_people(tmp_path):
    arrays = write_pack(tmp_path, "made", 4, held_out=1)
    source = read_people(tmp_path / "people_made.npz")
    assert source.name == "made"
    assert source.validation.tolist() == [False, False, False, True]
    assert np.array_equal(source.joints, arrays["joints"][..., :2])
    assert source.by_hand.all()
    assert (source.weight == 1).all()
    assert np.array_equal(source.pose, arrays["teacher_3d"])
    assert source.photo(2).shape == (140, 130, 3)
    assert not np.array_equal(source.photo(2), source.photo(3))


def test_a_pack_without_hand_labels(tmp_path):
    arrays = write_pack(tmp_path, "street", 2, held_out=1)
    arrays["joints"][:] = 0
    arrays["teacher_2d"][0, 9, 2] = 0.3  # COCO's left wrist: below the lowest score that counts
    arrays["joints"][1, 0, 2] = 1  # hidden: labelled
    np.savez(tmp_path / "people_street.npz", **arrays)
    source = read_people(tmp_path / "people_street.npz")
    assert source.by_hand.sum() == source.by_hand[1, 0] == 1
    assert source.weight[0, MPII_16.index("left_wrist")] == 0
    assert source.weight[1, MPII_16.index("left_wrist")] == pytest.approx(0.95**2)
    middle = MPII_16.index("pelvis")
    ends = source.joints[0, [MPII_16.index("left_hip"), MPII_16.index("right_hip")]]
    assert np.allclose(source.joints[0, middle], ends.mean(0))
    assert source.weight[0, middle] == pytest.approx(0.95**2)
    assert np.allclose(source.joints[0], figure(MPII_16, *where(0)), atol=1e-3)


def test_teacher_poses_are_trusted_by_joint():
    _, teacher_3d, visible = teacher_arrays(2).values()
    teacher_3d[1] = 0
    visible[0, 15] = 0.4  # BlazePose's left wrist
    pose, weight = teacher_pose(teacher_3d, visible)
    assert pose.dtype == weight.dtype == np.float32
    assert weight[1].max() == 0
    assert weight[0, HUMAN36M_17.index("left_wrist")] == pytest.approx(0.4)
    assert weight[0, HUMAN36M_17.index("right_wrist")] == pytest.approx(0.9)
    assert weight[0, HUMAN36M_17.index("pelvis")] == 1
    for made in ("spine", "thorax", "neck", "head_top"):
        assert weight[0, HUMAN36M_17.index(made)] <= 0.1


def test_a_folder_of_data_sets(data_folder, tmp_path):
    write_pack(data_folder, "street", 2, held_out=0)
    write_lspet(data_folder / "lspet", 2)
    sources = find_sources(data_folder)
    assert [source.name for source in sources] == ["lspet", "made", "street"]
    with pytest.raises(ValueError, match="no validation people in street"):
        load_people(sources[2:], validation=True)
    with pytest.raises(FileNotFoundError, match=r"has no lspet/joints\.mat, people_\*\.npz or rendered set"):
        find_sources(tmp_path / "nothing")


def test_people_in_memory(data_folder):
    sources = find_sources(data_folder)
    people, held_out = (load_people(sources, validation=part) for part in (False, True))
    assert (len(people), len(held_out)) == (6, 2)
    assert people.photos.shape == (6, 3, 256, 256)
    scale = 256 / 140  # photos are 130 x 140
    expected = (figure(MPII_16, *where(0)) + 0.5) * scale - 0.5 + [(256 - 130 * scale) / 2, 0]
    assert np.abs(people.joints[0].numpy() - expected).max() < 0.01
    assert np.allclose(people.extent[0], [-0.5 + (256 - 130 * scale) / 2, -0.5, 255.5 - (256 - 130 * scale) / 2, 255.5])
    assert people.photos[0, :, :, :8].max() == 0
    assert people.photos[0, :, :, 12:20].max() > 0
    part = people.take(torch.tensor([3, 1]))
    assert np.array_equal(part.joints, people.joints[[3, 1]])
    assert part.names == ("made",)
    assert torch.equal(people.take(torch.arange(6) >= 4).joints, people.joints[4:])
