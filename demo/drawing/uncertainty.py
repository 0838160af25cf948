"""How far each joint may be off, read from the width of its confidence map."""

from __future__ import annotations

import numpy as np

from fusion_model import Pose
from fusion_model.projection import fit_camera
from fusion_model.skeletons import MPII_16, SKELETONS, conversion_matrix

_FLOOR = 0.1  # fraction of a map's peak below which it counts as noise
_MIN_PEAK = 0.02  # of a map that shows a joint at all
_WIDEST = 300.0  # mm of sigma, from which errors do not grow any more
_ACROSS, _DEPTH = 0.85, 0.95  # of the sigma
_DEPTH_AT_LEAST = 75.0  # mm


def joint_sigma(pose: Pose) -> np.ndarray:
    """One standard deviation of each joint's place, according to its confidence map.

    It is measured across the line of sight, where the maps lie; a joint that is derived from others gets their mean.

    Args:
        pose: with its maps.

    Returns:
        (J,) float64 mm; NaN for joints outside the frame, without a map, or where the photo's scale is unknown.
    """
    pixels = np.array([_map_sigma(one) for one in pose.heatmaps]) * (pose.box[2] - pose.box[0]) / pose.heatmaps.shape[2]
    within = np.array([status != "outside" for status in pose.status])
    scale, _ = fit_camera(pose.joints_2d, pose.joints_3d, np.where(within, pose.confidence, 0.0))
    weights = conversion_matrix(MPII_16, SKELETONS[pose.skeleton])
    sigma = np.array([pixels[row > 0] @ row[row > 0] if row.any() else np.nan for row in weights])
    return np.where(within & (scale > 0), sigma / max(scale, 1e-9), np.nan)


def joint_spread(pose: Pose) -> np.ndarray:
    """How far off a joint of the 3D pose is in two of three cases along each axis: the wider its map, the farther.

    Depth, which no map shows, is off by more. The constants are fitted to the errors of the bundled networks on every
    second one of 282 rendered people that they were not trained on.

    Args:
        pose: with its maps.

    Returns:
        (J, 3) float64 mm, camera axes; NaN where :func:`joint_sigma` has none.
    """
    sigma = np.minimum(joint_sigma(pose), _WIDEST)
    across, depth = _ACROSS * sigma, np.hypot(_DEPTH_AT_LEAST, _DEPTH * sigma)
    return np.stack((across, across, depth), axis=1)


def _map_sigma(heat: np.ndarray) -> float:
    """Standard deviation along one axis of a map above its noise, in map pixels; NaN for an empty map."""
    peak = float(heat.max())
    if peak < _MIN_PEAK:
        return float("nan")
    weight = np.where(heat > _FLOOR * peak, heat, 0.0).astype(np.float64)
    weight /= weight.sum()
    rows, columns = np.indices(heat.shape)
    variances = [(weight * (place - (weight * place).sum()) ** 2).sum() for place in (rows, columns)]
    return float(np.sqrt(np.mean(variances)))
