"""Joint sets: their trees, their mirrors and the maps between them."""

import pytest

from fusion_model.skeletons import COCO_17, HUMAN36M_17, SKELETONS, conversion_matrix, derived_joints
from tests.helpers.earlier import assert_as_before


def test_trees_mirrors_and_conversions_are_as_before():
    joint_sets = SKELETONS.values()
    sides = [[one.root, one.mirror, one.bones, [one.side(joint) for joint in range(len(one))]] for one in joint_sets]
    pairs = [(source, target) for source in joint_sets for target in joint_sets]
    between = [(conversion_matrix(*pair), list(derived_joints(*pair))) for pair in pairs]
    assert_as_before("skeletons", [list(joint_sets), sides, between], near=1e-9, file="model.json")
    for skeleton in joint_sets:
        with pytest.raises(ValueError, match=f"{skeleton.name} has no joint 'tail'; it has"):
            skeleton.index("tail")


def test_conversions_by_hand():
    matrix = conversion_matrix(COCO_17, HUMAN36M_17)
    assert derived_joints(COCO_17, HUMAN36M_17) == ("pelvis", "spine", "thorax")
    spine = matrix[HUMAN36M_17.index("spine")]
    four = [COCO_17.index(f"{side}_{name}") for side in ("left", "right") for name in ("hip", "shoulder")]
    assert spine[four].tolist() == [0.25] * 4, "half of each middle"
    assert matrix[HUMAN36M_17.index("head_top")].sum() == 0
