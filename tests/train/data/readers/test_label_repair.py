"""Labels that a confident teacher contradicts, on a figure whose truth is known."""

import numpy as np
import pytest
from scipy.io import savemat

from fusion_model.skeletons import LSP_14, MPII_16
from tests.helpers.fake_data import figure, teacher_arrays, where, write_lspet, write_pack
from train.data.readers.label_repair import repair_labels
from train.data.readers.lsp import read_lspet
from train.data.readers.people import read_people

ARMS = [f"{side}_{name}" for side in ("left", "right") for name in ("shoulder", "elbow", "wrist")]
LEGS = [f"{side}_{name}" for side in ("left", "right") for name in ("hip", "knee", "ankle")]


def labels(count=3):
    truth = np.stack([figure(MPII_16, *where(row)) for row in range(count)]).astype(np.float32)
    return truth, np.ones(truth.shape[:2], np.float32)


def exchange(joints, row, names):
    limbs = [MPII_16.index(name) for name in names]
    joints[row, limbs] = joints[row, [MPII_16.mirror[limb] for limb in limbs]]


@pytest.mark.parametrize(("names", "arms", "legs"), [(ARMS, 1, 0), (LEGS, 0, 1), (ARMS + LEGS, 1, 1)])
def test_swapped_sides_are_exchanged(names, arms, legs):
    truth, weight = labels()
    joints = truth.copy()
    exchange(joints, 1, names)
    assert np.abs(joints - truth).max() > 10
    assert repair_labels(joints, weight, truth, np.ones_like(weight)) == {"arms": arms, "legs": legs, "joints": 0}
    assert np.array_equal(joints, truth)
    assert weight.all()
    exchange(joints, 1, names)
    joint = MPII_16.index(names[0])
    weight[1, joint] = 0  # a label goes along with its side
    repair_labels(joints, weight, truth, np.ones_like(weight))
    assert np.flatnonzero(weight[1] == 0).tolist() == [MPII_16.mirror[joint]]


def test_a_misplaced_joint_is_dropped_where_the_teacher_is_confident():
    truth, weight = labels()
    joints, knee = truth.copy(), MPII_16.index("left_knee")
    torso = np.linalg.norm(truth[:, MPII_16.index("left_shoulder")] - truth[:, MPII_16.index("right_hip")], axis=-1)
    joints[0, knee, 0] += 0.6 * torso[0]
    joints[1, knee, 0] += 0.4 * torso[1]
    joints[2, knee, 0] += 0.6 * torso[2]
    trust = np.ones_like(weight)
    trust[2] = 0.5
    assert repair_labels(joints, weight, truth, trust) == {"arms": 0, "legs": 0, "joints": 1}
    assert weight[:, knee].tolist() == [0, 1, 1]


def test_an_uncertain_teacher_or_an_unknown_torso_changes_nothing():
    truth, weight = labels()
    joints = truth.copy()
    exchange(joints, 0, ARMS + LEGS)
    before = joints.copy()
    assert repair_labels(joints, weight, truth, np.zeros_like(weight)) == {"arms": 0, "legs": 0, "joints": 0}
    weight[:, [MPII_16.index(name) for name in ("left_shoulder", "right_shoulder")]] = 0
    trust = weight.copy()
    assert repair_labels(joints, weight, truth, trust) == {"arms": 0, "legs": 0, "joints": 0}
    assert np.array_equal(joints, before)


def test_readers_say_whose_sides_the_teacher_contradicts(tmp_path):
    joints = write_lspet(tmp_path / "lspet", 3)
    legs, wrist = [LSP_14.index(name) for name in LEGS], LSP_14.index("left_wrist")
    joints[wrist, 0, [0, 2]] += 80  # misplaced: the teacher, who knows the first two photos, takes its place
    joints[legs, :, 1] = joints[[LSP_14.mirror[leg] for leg in legs], :, 1]
    savemat(tmp_path / "lspet" / "joints.mat", {"joints": joints})
    np.savez(tmp_path / "t.npz", **teacher_arrays(2))
    source = read_lspet(tmp_path / "lspet", tmp_path / "t.npz")
    assert source.contradicted.tolist() == [[False, False], [False, True], [False, False]]
    for row in (0, 1):
        assert np.allclose(source.joints[row], figure(MPII_16, *where(row)), atol=1e-3), "repaired"
    place = MPII_16.index("left_wrist")
    assert source.weight[0, place] == pytest.approx(0.95**2)
    assert source.by_hand[:, place].tolist() == [False, True, True]
    assert source.joints[2, place, 0] > figure(MPII_16, *where(2))[place, 0] + 79
    assert read_lspet(tmp_path / "lspet", None).contradicted is None

    arrays = write_pack(tmp_path, "made", 3, held_out=1)
    exchange(arrays["joints"], 0, ARMS + LEGS)
    np.savez(tmp_path / "people_made.npz", **arrays)
    source = read_people(tmp_path / "people_made.npz")
    assert source.contradicted.tolist() == [[True, True], [False, False], [False, False]]
    assert np.array_equal(source.joints[0], arrays["joints"][0, :, :2]), "labels of packs stay as they are"
    arrays["joints"][:] = 0
    np.savez(tmp_path / "people_made.npz", **arrays)
    assert read_people(tmp_path / "people_made.npz").contradicted is None, "by the teacher alone"
