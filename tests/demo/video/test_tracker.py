"""Following one person from frame to frame, and in pieces that other processes may do."""

import copy

import numpy as np
import pytest

from demo.video.motion import encode_json
from demo.video.pipeline import motion_steps
from demo.video.tracker import Follower, Track, follow, next_box


def test_a_cut_off_body_keeps_its_crop_and_goes_along(change_pose):
    cut = tuple("seen" if joint < 5 else "outside" for joint in range(17))
    before = change_pose(status=cut)
    moved = change_pose(status=cut, joints_2d=before.joints_2d + np.float32([30, 0]))
    side = (before.box[2] - before.box[0]) / 1.25
    still, along = next_box(before, None, 1.25), next_box(moved, before, 1.25)
    assert still[2] - still[0] == pytest.approx(side)
    assert along - still == pytest.approx([30, 0, 30, 0], abs=1e-3)


def test_who_went_beyond_the_frame_is_searched_for(stand_in, change_pose):
    cut, black = ("seen",) * 5 + ("outside",) * 12, np.zeros((300, 400, 3), np.uint8)
    before = change_pose(status=cut)
    gone = change_pose(status=cut, joints_2d=before.joints_2d + 2000)
    assert Follower(stand_in, Track(1700.0, last=gone, before=before)).follow(black, 0.0) is None


def finished(steps, told=None):
    """What steps return at their end."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            return end.value
        if told is not None:
            told.append(step)


def test_pieces_give_the_same_motion_as_single_frames(stand_in, clip):
    """As where each piece is sent to another process, which starts from a copy of the track."""
    sizes, told = [], []

    def look(frames, track):
        sizes.append(len(frames))
        return follow(stand_in, frames, copy.deepcopy(track))

    pieces = finished(motion_steps(stand_in, clip, look=look, piece_pixels=4 * 160 * 120 + 5), told)
    assert encode_json(pieces) == encode_json(finished(motion_steps(stand_in, clip)))
    assert [pose is None for pose in pieces.poses] == [number in (3, 4) for number in range(10)]
    assert sizes == [4, 4, 2]
    assert told == [(0.4, "frame 4 of 10"), (0.8, "frame 8 of 10"), (1.0, "frame 10 of 10")]
