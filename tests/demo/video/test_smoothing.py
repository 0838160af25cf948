"""Smoothing of joints over time."""

import dataclasses
from itertools import product

import numpy as np
import pytest

from demo.video.smoothing import one_euro, smooth_motion, smooth_newest


def filtered(places, times, sure):
    """The paper's formulas for one joint, from frame to frame, the factors scaled by its confidence."""
    shown, speed = [places[0]], np.zeros(3)
    for now in range(1, len(places)):
        lasted, weight = times[now] - times[now - 1], 0.2 + 0.8 * sure[now]
        turn = 2 * np.pi * 1.0 * lasted
        speed = speed + weight * turn / (turn + 1) * ((places[now] - places[now - 1]) / lasted - speed)
        turn = 2 * np.pi * (1.2 + 9.0 * np.linalg.norm(speed)) * lasted
        shown.append(shown[-1] + weight * turn / (turn + 1) * (places[now] - shown[-1]))
    return np.array(shown)


def test_each_joint_is_filtered_at_its_own_speed_and_confidence_and_by_the_time_between_frames():
    rng, times = np.random.default_rng(0), np.array([0.0, 0.04, 0.1, 0.3, 0.31])
    values, sure = rng.normal(0, [[0.01], [0.1]], (5, 2, 3)), rng.uniform(0, 1, (5, 2))
    smooth = one_euro(values, times, sure)
    for joint in range(2):
        places, trust = values[:, joint], sure[:, joint]
        backward = filtered(places[::-1], -times[::-1], trust[::-1])[::-1]
        assert smooth[:, joint] == pytest.approx((filtered(places, times, trust) + backward) / 2)


def test_smoothing_changes_joints_only_to_their_own_scales_and_nothing_crosses_a_gap(motion):
    rng, times = np.random.default_rng(1), np.array([0, 1, 2, 4, 5, 6, 7, 8, 10, 11, 12, 13]) / 12
    poses = [
        pose and dataclasses.replace(pose, joints_2d=pose.joints_2d + rng.normal(0, 3, (17, 2)).astype(np.float32))
        for pose in motion.poses
    ]
    smooth = smooth_motion(dataclasses.replace(motion, poses=tuple(poses), times=tuple(times)))
    assert (smooth.smoothed, smooth.found) == (True, motion.found)
    assert (smooth.poses[0].confidence == motion.poses[0].confidence).all()
    for run, (name, size) in product((slice(4), slice(6, 12)), (("joints_2d", 300), ("joints_3d", 1700))):
        values, given = (np.stack([getattr(pose, name) for pose in some[run]]) for some in (smooth.poses, poses))
        assert values.dtype == np.float32
        confidence = np.stack([pose.confidence for pose in poses[run]])
        assert values == pytest.approx(size * one_euro(given / size, times[run], confidence), abs=1e-3)
    newest, trust = smooth_newest(poses[:4], times[:4]), [pose.confidence[0] for pose in poses[:4]]
    pelvis = filtered(np.pad([pose.joints_2d[0] for pose in poses[:4]], ((0, 0), (0, 1))) / 300, times, trust)
    assert newest.joints_2d[0] == pytest.approx(300 * pelvis[-1, :2], abs=1e-3)  # nothing comes after it
