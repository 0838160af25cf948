"""Smoothing of joints over time."""

import dataclasses

import numpy as np
import pytest

from demo.video.smoothing import one_euro, smooth_motion, smooth_newest

TIMES = np.arange(200) / 30
CONFIDENCE = np.ones((200, 1))


def wave(hertz, size=0.1):
    """A joint that swings along x: (200, 1, 3), in body heights."""
    return size * np.sin(2 * np.pi * hertz * TIMES)[:, None, None] * [1.0, 0.0, 0.0]


def off(values, truth):
    return float(np.sqrt(((values - truth)[10:-10] ** 2).mean()))


@pytest.mark.parametrize(("truth", "size", "left"), [(0 * wave(1), 0.005, 1 / 3), (wave(0.5), 0.01, 0.7)])
def test_noise_shrinks_on_a_still_joint_and_less_on_a_moving_one(truth, size, left):
    noise = np.random.default_rng(0).normal(0, size, (200, 1, 3))
    assert off(one_euro(truth + noise, TIMES, CONFIDENCE), truth) < left * off(noise, 0)


@pytest.mark.parametrize("hertz", [0.3, 0.7, 1.5])
def test_a_motion_keeps_its_time_and_size(hertz):
    truth = wave(hertz)[:, 0, 0]
    smooth = one_euro(wave(hertz), TIMES, CONFIDENCE)[:, 0, 0]
    lags = np.arange(-10, 11)
    match = [float(np.dot(np.roll(smooth, -lag)[20:-20], truth[20:-20])) for lag in lags]
    assert lags[int(np.argmax(match))] == 0
    assert np.ptp(smooth[20:-20]) > 0.85 * np.ptp(truth)


def test_a_joint_that_is_not_trusted_counts_less():
    values, confidence = np.zeros((200, 1, 3)), CONFIDENCE.copy()
    values[100] = 0.3
    trusted = one_euro(values, TIMES, confidence)[100, 0, 0]
    confidence[100] = 0.0
    assert 0 < one_euro(values, TIMES, confidence)[100, 0, 0] < trusted / 2


def test_smoothing_changes_joints_only_and_nothing_crosses_a_gap(motion, change_pose):
    rng = np.random.default_rng(1)
    shaken = [
        pose and dataclasses.replace(pose, joints_2d=pose.joints_2d + rng.normal(0, 3, (17, 2)).astype(np.float32))
        for pose in motion.poses
    ]
    motion = dataclasses.replace(motion, poses=tuple(shaken))
    smooth = smooth_motion(motion)
    assert smooth.smoothed
    assert smooth.found == motion.found
    first = motion.poses[0]
    assert (smooth.poses[0].confidence == first.confidence).all()
    assert smooth.poses[0].joints_2d.dtype == smooth.poses[0].joints_3d.dtype == np.float32

    def jumps(one):
        return np.abs(np.diff([one.poses[place].joints_2d for place in one.found[4:]], n=2, axis=0)).mean()

    assert jumps(smooth) < 0.6 * jumps(motion)
    far = [change_pose(joints_2d=first.joints_2d + 1000) if place < 4 else pose for place, pose in enumerate(shaken)]
    other = smooth_motion(dataclasses.replace(motion, poses=tuple(far)))
    for place in motion.found[4:]:
        assert (other.poses[place].joints_2d == smooth.poses[place].joints_2d).all()


def test_the_newest_pose_is_smoothed_by_those_before(change_pose):
    rng = np.random.default_rng(0)
    still = change_pose().joints_2d
    noisy = [change_pose(joints_2d=(still + rng.normal(0, 2, still.shape)).astype(np.float32)) for _ in range(8)]
    newest = smooth_newest(noisy, [0.1 * number for number in range(8)])
    off = np.abs(newest.joints_2d - still).mean() / np.abs(noisy[-1].joints_2d - still).mean()
    assert off < 0.75
    assert np.abs(newest.joints_3d - noisy[-1].joints_3d).max() < 0.01
    assert smooth_newest(noisy[:1], [5.0]).joints_2d == pytest.approx(noisy[0].joints_2d, abs=1e-3)
