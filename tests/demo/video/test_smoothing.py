"""Smoothing of joints over time."""

import dataclasses

import numpy as np
import pytest

from demo.video.smoothing import one_euro, smooth_motion

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


@pytest.mark.parametrize("hertz", [0.3, 1.5])
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


def test_smoothing_changes_joints_only_and_nothing_crosses_a_gap(motion):
    shake = np.random.default_rng(1).normal(0, 3, (12, 17, 2)).astype(np.float32)

    def moved(by):
        """The shaken poses, those before the gap elsewhere."""
        return [
            pose and dataclasses.replace(pose, joints_2d=pose.joints_2d + shake[place] + np.float32(by * (place < 4)))
            for place, pose in enumerate(motion.poses)
        ]

    shaken, far = moved(0), moved(1000)
    smooth, other = (smooth_motion(dataclasses.replace(motion, poses=tuple(poses))) for poses in (shaken, far))
    assert (smooth.smoothed, smooth.found) == (True, motion.found)
    assert (smooth.poses[0].confidence == motion.poses[0].confidence).all()
    assert smooth.poses[0].joints_2d.dtype == smooth.poses[0].joints_3d.dtype == np.float32

    def jumps(poses):
        return np.abs(np.diff([poses[place].joints_2d for place in motion.found[4:]], n=2, axis=0)).mean()

    assert jumps(smooth.poses) < 0.6 * jumps(shaken)
    for place in motion.found[4:]:
        assert (other.poses[place].joints_2d == smooth.poses[place].joints_2d).all()
