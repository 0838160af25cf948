"""Checks of labels that every reader goes through."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from fusion_model.skeletons import HUMAN36M_17, LSP_14
from train.data.readers.layout import LayoutError, check_person
from train.data.readers.records import UNKNOWN, VISIBLE, Frame, Record


def check(points, skeleton=LSP_14, hidden=(), skipped=None, **changes):
    """Someone in a photo of 200 x 100 pixels: whether the record stays as it is."""
    visible = np.full(len(points), VISIBLE)
    visible[list(hidden)] = UNKNOWN
    record = Record(Frame(Path("photo.jpg")), "train", points, visible, place="labels.json: person 7", **changes)
    return check_person(record, skeleton, (200, 100), Counter() if skipped is None else skipped) is record


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_joints_that_are_no_numbers(wrong):
    points = np.tile((50.0, 50.0), (14, 1))
    points[3, 1] = wrong
    with pytest.raises(LayoutError, match=r"labels\.json: person 7 has the left_hip at \(50, (nan|inf)\)"):
        check(points)
    assert check(points, hidden=[3])


@pytest.mark.parametrize(
    ("point", "kept"),
    [((-50, 50), True), ((-51, 50), False), ((249, 50), True), ((50, 150), False), ((50, -200), False)],
)
def test_joints_by_hand_a_quarter_outside_are_unknown(point, kept):
    """A quarter of the longer side of the photo, whichever side they lie on."""
    points, skipped = np.tile((50.0, 50.0), (14, 1)), Counter()
    points[[3, 5]] = point
    assert check(points, skipped=skipped) is kept
    assert skipped.total() == 2 * (not kept)
    points[:7] = -1, 50
    assert check(points), "up to half of the joints may lie outside"
    points[5] = -202, 50
    with pytest.raises(LayoutError, match=r"person 7 has the left_ankle at \(-202, 50\)"):
        check(points)


def test_people_measured_in_3d_may_reach_further_beyond_the_picture():
    points, pose = np.tile((50.0, 50.0), (17, 1)), np.zeros((17, 3))
    points[0] = (200 + 15 * 200, 50)
    pose[1] = np.nan  # unknown
    assert check(points, HUMAN36M_17, joints_3d=pose)
    points[0] = (200 + 25 * 200, 50)
    with pytest.raises(LayoutError, match=r"person 7 has the pelvis at \(5200, 50\)"):
        check(points, HUMAN36M_17, joints_3d=pose)
    pose[1] = (0, 0, 1e20)
    with pytest.raises(LayoutError, match=r"person 7 has a joint in 3D that is absurdly far away"):
        check(points, HUMAN36M_17, joints_3d=pose)
