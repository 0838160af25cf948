"""Skeletons drawn with OpenCV: each bone and joint in the colour of its side, and only those that are asked for."""

import numpy as np

from fusion_model.drawing import SIDE_COLOURS, draw_bones, draw_joints
from fusion_model.skeletons import MPII_16
from tests.helpers.dots import place

POINTS, DRAWN = place((150.3, 160.6), 120), np.arange(16) != MPII_16.index("left_wrist")


def test_bones_have_the_side_of_their_far_end_and_joints_are_rings_where_they_are_not_seen():
    for colour in (None, (1, 2, 3)):
        bones, joints = np.zeros((2, 320, 300, 3), np.uint8)
        draw_bones(bones, MPII_16, POINTS, DRAWN, width=5, colour=colour)
        for bone, side in (((13, 14), "left"), ((11, 10), "right"), ((8, 9), "middle"), ((6, 2), "right")):
            x, y = np.round(POINTS[list(bone)].T @ (0.3, 0.7)).astype(int)
            assert tuple(bones[y, x]) == (colour or SIDE_COLOURS[side])
    draw_joints(joints, MPII_16, POINTS, DRAWN, radius=4)
    for joint, (x, y) in enumerate(np.round(POINTS).astype(int)):
        assert tuple(joints[y, x]) == (SIDE_COLOURS[MPII_16.side(joint)] if DRAWN[joint] else (0, 0, 0))
        assert joints[y, x + 4].max() > 100 > joints[y, x + 7].max() == 0 == bones[y, x].max() * (1 - DRAWN[joint])
