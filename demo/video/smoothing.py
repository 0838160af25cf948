"""Light smoothing of joints over time: the one-euro filter (Casiez et al., CHI 2012), run both ways.

Slow joints are smoothed strongly, fast ones hardly. Run forward, the filter lags; run backward, it leads: the mean of
both keeps the time.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence

import numpy as np

from demo.video.motion import Motion
from fusion_model import Pose

MIN_CUTOFF_HZ = 1.2  # cut-off for a joint at rest
CUTOFF_SLOPE_HZ = 9.0  # rise of the cut-off for each body height a second
_DERIVATIVE_HZ = 1.0  # cut-off for the speed, as in the paper
_MIN_WEIGHT = 0.2  # of a joint of confidence 0: it still follows


def smooth_motion(motion: Motion) -> Motion:
    """Smooth 2D and 3D joints over time; confidence and status stay.

    Each stretch of frames with the person is smoothed on its own: nothing is carried over a gap.
    """
    poses = list(motion.poses)
    for _, group in itertools.groupby(enumerate(motion.found), key=lambda pair: pair[1] - pair[0]):
        places = [place for _, place in group]
        run = _smoothed([poses[place] for place in places], [motion.times[place] for place in places], one_euro)
        for place, pose in zip(places, run, strict=True):
            poses[place] = pose
    return dataclasses.replace(motion, poses=tuple(poses), smoothed=True)


def smooth_newest(poses: Sequence[Pose], times: Sequence[float]) -> Pose:
    """The last of one person's poses, joints smoothed by those before: it lags a little, as nothing comes after it.

    Args:
        poses: at least one, without a gap.
        times: of each, in seconds, rising.
    """
    return _smoothed(poses, times, _one_way)[-1]


def one_euro(values: np.ndarray, times: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """The mean of the one-euro filter run forward and backward.

    Args:
        values: (T, J, D) places of joints, in body heights.
        times: (T,) seconds, rising.
        confidence: (T, J) in [0, 1]: the weight of each value.

    Returns:
        (T, J, D) float64.
    """
    forward = _one_way(values, times, confidence)
    backward = _one_way(values[::-1], -times[::-1], confidence[::-1])[::-1]
    return (forward + backward) / 2


def _smoothed(poses: Sequence[Pose], times: Sequence[float], smooth: Callable[..., np.ndarray]) -> list[Pose]:
    """Poses without a gap, 2D and 3D joints smoothed by a filter such as :func:`one_euro`."""
    confidence = np.stack([pose.confidence for pose in poses])
    side = float(np.median([pose.box[2] - pose.box[0] for pose in poses]))
    joints = {}
    for name, size in (("joints_2d", side), ("joints_3d", poses[0].height_mm)):
        values = np.stack([getattr(pose, name) for pose in poses]) / size
        joints[name] = (size * smooth(values, np.array(times), confidence)).astype(np.float32)
    return [
        dataclasses.replace(pose, **{name: values[number] for name, values in joints.items()})
        for number, pose in enumerate(poses)
    ]


def _one_way(values: np.ndarray, times: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """The one-euro filter, whose smoothing factor is scaled by the confidence."""
    smooth = np.array(values, np.float64)
    speed = np.zeros(values.shape[1:])
    weight = _MIN_WEIGHT + (1 - _MIN_WEIGHT) * np.clip(confidence, 0, 1)[:, :, None]
    for now in range(1, len(values)):
        duration = times[now] - times[now - 1]
        change = (values[now] - values[now - 1]) / duration
        speed = speed + _smoothing_factor(np.float64(_DERIVATIVE_HZ), duration) * weight[now] * (change - speed)
        cutoff = MIN_CUTOFF_HZ + CUTOFF_SLOPE_HZ * np.linalg.norm(speed, axis=1, keepdims=True)
        factor = _smoothing_factor(cutoff, duration) * weight[now]
        smooth[now] = smooth[now - 1] + factor * (values[now] - smooth[now - 1])
    return smooth


def _smoothing_factor(cutoff: np.ndarray, duration: float) -> np.ndarray:
    """Weight of a new value in a low pass of that cut-off in Hz, after a duration in seconds."""
    turn = 2 * np.pi * cutoff * duration
    return turn / (turn + 1)
