"""Tracking one person from frame to frame, and in pieces that other processes may do."""

import numpy as np
import pytest

from demo.video.pipeline import motion_steps
from demo.video.tracker import Track, Tracker, next_box
from fusion_model import NoPersonError
from tests.helpers.clips import SquareEstimator, black, middle, picture, write_clip
from tests.helpers.steps import finished


def test_the_next_frame_is_searched_where_the_person_was(squares, walked):
    assert squares.searches <= 3  # at the start, and round the gap: never more often than every half second
    assert all(box[2] - box[0] < 120 for box in squares.boxes)
    assert walked.frames == tuple(range(20))
    away = {number for number, pose in enumerate(walked.poses) if pose is None}
    assert set(range(8, 12)) <= away <= set(range(8, 16))
    for number in walked.found:
        assert middle(walked.poses[number]) == pytest.approx(100 + 8 * number, abs=2)


def test_one_of_two_people_is_followed_through(squares, tmp_path):
    def both(number):
        return np.maximum(picture(80 + 3 * number), picture(300))

    path = write_clip(tmp_path / "two.mp4", [both(number) for number in range(20)])
    motion = finished(motion_steps(squares, path, box=(270, 50, 330, 250)))
    assert [middle(pose) for pose in motion.poses] == pytest.approx([300] * 20, abs=2)


def test_another_person_replaces_a_lost_one_only_after_a_second(squares, tmp_path):
    pictures = [picture(80) if number < 5 else picture(320) for number in range(50)]
    motion = finished(motion_steps(squares, write_clip(tmp_path / "a.mp4", pictures)))
    lost = [number for number, pose in enumerate(motion.poses) if pose is None]
    assert lost[0] == 5
    assert 25 <= len(lost) <= 38  # a second, and up to a search later whoever is there
    assert middle(motion.poses[-1]) == pytest.approx(320, abs=2)
    assert squares.searches <= 5


def test_low_confidence_calls_for_a_search(walk):
    threshold = SquareEstimator.trust_score
    sure, unsure = SquareEstimator(score=0.9 * threshold), SquareEstimator(score=0.7 * threshold)
    path = walk.with_name("long.mp4")
    write_clip(path, [picture(100 + 4 * number) for number in range(40)])
    finished(motion_steps(sure, path))
    finished(motion_steps(unsure, path))
    assert sure.searches == 1
    assert unsure.searches == 4  # every half second of 1.6


def test_a_clip_without_people_is_an_error(squares, tmp_path, walk):
    with pytest.raises(NoPersonError, match="in the clip"):
        finished(motion_steps(squares, write_clip(tmp_path / "night.mp4", [black()] * 5)))
    with pytest.raises(NoPersonError, match="in the box in the first frame of the clip: give one tight"):
        finished(motion_steps(squares, walk, box=(300, 50, 380, 250)))


def test_a_cut_off_body_keeps_its_crop_which_moves_along(change_pose):
    cut = tuple("seen" if joint < 5 else "outside" for joint in range(17))
    before = change_pose(status=cut)
    moved = change_pose(status=cut, joints_2d=before.joints_2d + np.float32([30, 0]))
    side = (before.box[2] - before.box[0]) / 1.25
    still, along = next_box(before, None, 1.25), next_box(moved, before, 1.25)
    assert still[2] - still[0] == pytest.approx(side)
    assert along - still == pytest.approx([30, 0, 30, 0], abs=1e-3)


def test_a_search_prefers_the_lost_person_to_a_better_one(squares):
    tracker = Tracker(squares, Track(1700.0, last=squares.person(300, 1700.0)))
    found = tracker.update(np.maximum(picture(80), picture(350)), 1.0)
    assert squares.searches == 1
    assert middle(found) == pytest.approx(350, abs=2)
    tracker = Tracker(squares, Track(1700.0, last=squares.person(300, 1700.0)))
    assert tracker.update(np.maximum(picture(80), picture(150)), 0.5) is None


def test_a_person_beyond_the_frame_is_not_found(squares, change_pose):
    cut = ("seen",) * 5 + ("outside",) * 12
    before = change_pose(status=cut)
    gone = change_pose(status=cut, joints_2d=before.joints_2d + 2000)
    assert Tracker(squares, Track(1700.0, last=gone, before=before)).update(black(), 0.0) is None
    assert (squares.searches, squares.boxes) == (1, [])
