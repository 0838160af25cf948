"""Skeletons drawn with OpenCV: each bone and joint in the colour of its side, and only those that are asked for."""

import numpy as np
import pytest

from fusion_model.drawing import SIDE_COLOURS, draw_bones, draw_joints
from fusion_model.skeletons import MPII_16
from tests.helpers.dots import place

POINTS = place((150.3, 160.6), 120)
WRIST = MPII_16.index("left_wrist")
DRAWN = np.arange(16) != WRIST


def at(image, point):
    x, y = np.round(point).astype(int)
    return tuple(image[y, x].tolist())


@pytest.mark.parametrize("colour", [None, (1, 2, 3)])
def test_bones_have_the_colour_of_the_side_of_their_far_end(colour):
    image = np.zeros((320, 300, 3), np.uint8)
    draw_bones(image, MPII_16, POINTS, DRAWN, width=5, colour=colour)
    for bone, side in (
        ((13, 14), "left"),
        ((11, 10), "right"),
        ((7, 13), "left"),
        ((8, 9), "middle"),
        ((6, 2), "right"),
    ):
        near, far = POINTS[list(bone)]
        assert at(image, near + 0.7 * (far - near)) == (colour or SIDE_COLOURS[side])
    assert at(image, POINTS[WRIST]) == (0, 0, 0)


def test_joints_are_filled_where_they_are_seen_and_rings_elsewhere():
    image = np.zeros((320, 300, 3), np.uint8)
    draw_joints(image, MPII_16, POINTS, DRAWN, radius=4)
    for joint, point in enumerate(POINTS):
        colour = SIDE_COLOURS[MPII_16.side(joint)]
        assert at(image, point) == (colour if DRAWN[joint] else (0, 0, 0))
        rim, beyond = (max(at(image, (point[0] + right, point[1]))) for right in (4, 7))
        assert rim > 100 > beyond == 0
