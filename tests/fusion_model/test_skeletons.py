"""Joint sets: their trees, their mirrors and the maps between them."""

import numpy as np
import pytest

from fusion_model import skeletons
from fusion_model.skeletons import COCO_17, HUMAN36M_17, LSP_14, MPII_16, SKELETONS, conversion_matrix, derived_joints

ALL = pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)


@ALL
def test_bones_make_a_tree_of_named_joints(skeleton):
    assert len(skeleton.joints) == len(skeleton.parents) == len(set(skeleton.joints)) == len(skeleton.bones) + 1
    above = set(range(len(skeleton)))
    for _ in skeleton.joints:  # from every joint up
        above = {skeleton.parents[joint] for joint in above if joint >= 0}
    assert not above
    assert skeleton.root < 0 or (skeleton.joints[skeleton.root], skeleton.parents[skeleton.root]) == ("pelvis", -1)
    with pytest.raises(ValueError, match=f"{skeleton.name} has no joint 'tail'; it has"):
        skeleton.index("tail")


@ALL
def test_mirror_swaps_the_sides_and_keeps_the_bones(skeleton):
    mirror = skeleton.mirror
    for joint, other in enumerate(mirror):
        assert mirror[other] == joint
        assert {skeleton.side(joint), skeleton.side(other)} in ({"left", "right"}, {"middle"})
        assert skeleton.joints[joint].split("_", 1)[-1] == skeleton.joints[other].split("_", 1)[-1]
    bones = {frozenset(bone) for bone in skeleton.bones}
    assert bones == {frozenset(mirror[joint] for joint in bone) for bone in skeleton.bones}


def test_orders_of_the_data_sets_and_conversions_by_hand():
    assert [HUMAN36M_17.index(name) for name in ("pelvis", "right_hip", "left_hip", "head_top")] == [0, 1, 4, 10]
    assert [MPII_16.index(name) for name in ("right_ankle", "pelvis", "head_top", "left_wrist")] == [0, 6, 9, 15]
    lsp = ("right_ankle", "right_knee", "right_hip", "left_hip", "right_wrist", "left_shoulder", "neck", "head_top")
    assert [LSP_14.index(name) for name in lsp] == [0, 1, 2, 3, 6, 9, 12, 13]
    assert [COCO_17.index(name) for name in ("nose", "left_eye", "left_ear", "left_shoulder")] == [0, 1, 3, 5]
    humaneva = ("pelvis", "left_shoulder", "right_wrist", "left_hip", "right_ankle")
    assert [skeletons.HUMANEVA_15.index(name) for name in humaneva] == [0, 2, 7, 8, 13]
    above = {
        one.joints[one.parents[one.index("left_shoulder")]] for one in (HUMAN36M_17, MPII_16, skeletons.HUMANEVA_15)
    }
    assert above == {"thorax"}
    limbs = {*skeletons.LIMB_JOINTS}
    assert [len(limbs & {*skeleton.joints}) for skeleton in SKELETONS.values()] == [12] * 5
    matrix = conversion_matrix(COCO_17, HUMAN36M_17)
    assert derived_joints(COCO_17, HUMAN36M_17) == ("pelvis", "spine", "thorax")
    spine = matrix[HUMAN36M_17.index("spine")]
    four = [COCO_17.index(f"{side}_{name}") for side in ("left", "right") for name in ("hip", "shoulder")]
    assert spine[four].tolist() == [0.25] * 4, "half of each middle"
    assert matrix[HUMAN36M_17.index("head_top")].sum() == 0


@ALL
def test_conversions_are_means_that_keep_the_sides(skeleton):
    for target in SKELETONS.values():
        matrix = conversion_matrix(skeleton, target)
        assert set(matrix.sum(1).tolist()) <= {0.0, 1.0}
        np.testing.assert_array_equal(matrix[list(target.mirror)][:, list(skeleton.mirror)], matrix)
    np.testing.assert_array_equal(conversion_matrix(skeleton, skeleton), np.eye(len(skeleton)))
    assert derived_joints(skeleton, skeleton) == ()
