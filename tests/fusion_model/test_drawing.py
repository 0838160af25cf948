"""Colours of the sides and stick figures."""

import numpy as np
import pytest

from fusion_model.drawing import SIDE_COLOURS, bone_side, draw_bones, draw_joints
from fusion_model.skeletons import HUMAN36M_17
from tests.helpers.fake_data import figure


@pytest.fixture
def joints():
    return figure(HUMAN36M_17, (100, 100), 80)


def test_left_and_right_bones_have_the_colours_of_the_persons_sides(joints):
    image = np.zeros((200, 200, 3), np.uint8)
    draw_bones(image, HUMAN36M_17, joints, np.ones(17, bool))
    for side in ("left", "right"):
        knee, ankle = joints[[HUMAN36M_17.index(f"{side}_knee"), HUMAN36M_17.index(f"{side}_ankle")]]
        x, y = ((knee + ankle) / 2).round().astype(int)
        np.testing.assert_allclose(image[y, x], SIDE_COLOURS[side], atol=12)


def test_a_bone_with_an_end_that_is_not_drawn_is_left_out(joints):
    drawn = np.ones(17, bool)
    drawn[HUMAN36M_17.index("left_ankle")] = False
    images = np.zeros((2, 200, 200, 3), np.uint8)
    draw_bones(images[0], HUMAN36M_17, joints, drawn)
    draw_bones(images[1], HUMAN36M_17, joints, np.ones(17, bool))
    changed = np.argwhere((images[0] != images[1]).any(-1))[:, ::-1]
    bone = joints[[HUMAN36M_17.index("left_knee"), HUMAN36M_17.index("left_ankle")]]
    assert len(changed)
    assert (changed >= bone.min(0) - 3).all()
    assert (changed <= bone.max(0) + 3).all()


def test_a_joint_that_is_not_seen_is_a_ring(joints):
    image, seen = np.zeros((200, 200, 3), np.uint8), np.arange(17) != HUMAN36M_17.index("left_wrist")
    draw_joints(image, HUMAN36M_17, joints, seen, radius=5)
    center = joints.round().astype(int)
    assert not image[center[~seen][0, 1], center[~seen][0, 0]].any()
    assert image[center[seen][:, 1], center[seen][:, 0]].any(-1).all()


def test_a_joint_far_beyond_the_picture_does_no_harm(joints):
    image = np.zeros((200, 200, 3), np.uint8)
    joints[0] = 1e9, -1e9
    draw_bones(image, HUMAN36M_17, joints, np.ones(17, bool))


def test_a_bone_takes_the_side_of_its_far_end_or_else_of_its_near_one():
    index = HUMAN36M_17.index
    assert bone_side(HUMAN36M_17, (index("left_knee"), index("left_ankle"))) == "left"
    assert bone_side(HUMAN36M_17, (index("right_hip"), index("pelvis"))) == "right"
    assert bone_side(HUMAN36M_17, (index("neck"), index("head_top"))) == "middle"
