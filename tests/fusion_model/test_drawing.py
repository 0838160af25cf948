"""Colours of the sides and stick figures."""

import numpy as np
import pytest

from fusion_model.drawing import SIDE_COLOURS, bone_side, draw_bones, draw_joints
from fusion_model.skeletons import HUMAN36M_17
from tests.helpers.fake_data import figure

INDEX = HUMAN36M_17.index
ALL = np.ones(17, bool)


@pytest.fixture
def joints():
    return figure(HUMAN36M_17, (100, 100), 80)


def bones(joints, drawn=ALL):
    image = np.zeros((200, 200, 3), np.uint8)
    draw_bones(image, HUMAN36M_17, joints, drawn)
    return image


def test_bones_have_the_colours_of_the_persons_sides(joints):
    for side in ("left", "right"):
        x, y = joints[[INDEX(f"{side}_knee"), INDEX(f"{side}_ankle")]].mean(0).round().astype(int)
        np.testing.assert_allclose(bones(joints)[y, x], SIDE_COLOURS[side], atol=12)
    assert bone_side(HUMAN36M_17, (INDEX("left_knee"), INDEX("left_ankle"))) == "left"
    assert bone_side(HUMAN36M_17, (INDEX("right_hip"), INDEX("pelvis"))) == "right"
    assert bone_side(HUMAN36M_17, (INDEX("neck"), INDEX("head_top"))) == "middle"


def test_a_bone_with_an_end_that_is_not_drawn_is_left_out(joints):
    without = np.arange(17) != INDEX("left_ankle")
    changed = np.argwhere((bones(joints, without) != bones(joints)).any(-1))[:, ::-1]
    bone = joints[[INDEX("left_knee"), INDEX("left_ankle")]]
    assert len(changed)
    assert (changed >= bone.min(0) - 3).all()
    assert (changed <= bone.max(0) + 3).all()


def test_a_joint_that_is_not_seen_is_a_ring(joints):
    image, seen = np.zeros((200, 200, 3), np.uint8), np.arange(17) != INDEX("left_wrist")
    draw_joints(image, HUMAN36M_17, joints, seen, radius=5)
    x, y = joints.round().astype(int).T
    assert (image[y, x].any(-1) == seen).all()
    joints[0] = 1e9, -1e9
    bones(joints)  # one far beyond the picture does no harm
