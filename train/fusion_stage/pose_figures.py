"""3D figures against reference poses: MPJPE, PA-MPJPE, order in depth, beside those of the mean pose."""

from __future__ import annotations

import numpy as np

from fusion_model import metrics
from fusion_model.skeletons import HUMAN36M_17, LIMB_JOINTS

LIMBS = [HUMAN36M_17.index(name) for name in LIMB_JOINTS]


def pose_figures(prediction: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """Errors in mm and the fraction of joint pairs in the right order of depth, in %.

    The twelve limb joints count, relative to the pelvis.

    Args:
        prediction: (N, 17, 3) mm, camera axes.
        target: (N, 17, 3) mm.
    """
    prediction, target = prediction - prediction[:, :1], target - target[:, :1]
    limbs, truth = prediction[:, LIMBS], target[:, LIMBS]
    return {
        "n": len(target),
        "mpjpe": metrics.mpjpe(limbs, truth, root=None),
        "pa_mpjpe": metrics.pa_mpjpe(limbs, truth),
        "order": 100 * metrics.ordinal_depth(limbs, truth),
    }


def known(figures: dict[str, float]) -> dict[str, float]:
    """Those that are numbers: no pair of joints may be far enough apart in depth to have an order."""
    return {name: value for name, value in figures.items() if np.isfinite(value)}


def mean_pose(poses: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(17, 3) mean of poses (N, 17, 3), each joint weighted by its trust (N, 17)."""
    trust = weight[..., None]
    return (poses * trust).sum(0) / np.maximum(trust.sum(0), 1e-9)
