"""3D against reference poses: MPJPE, PA-MPJPE, order in depth, beside those of the mean pose; and pictures of them."""

from __future__ import annotations

import itertools

import numpy as np

from fusion_model import metrics
from fusion_model.drawing import draw_bones
from fusion_model.skeletons import HUMAN36M_17, LIMB_JOINTS
from train.hourglass_stage import PANEL

LIMBS = [HUMAN36M_17.index(name) for name in LIMB_JOINTS]


def pose_figures(prediction: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """Errors in mm of poses (N, 17, 3), and the fraction of joint pairs in the right order of depth, in %.

    The twelve limb joints count, relative to the pelvis.
    """
    prediction, target = prediction - prediction[:, :1], target - target[:, :1]
    limbs, truth = prediction[:, LIMBS], target[:, LIMBS]
    return {
        "n": len(target),
        "mpjpe": metrics.mpjpe(limbs, truth, root=None),
        "pa_mpjpe": metrics.pa_mpjpe(limbs, truth),
        "order": 100 * metrics.ordinal_depth(limbs, truth),
    }


def crossing_order(prediction: np.ndarray, target: np.ndarray) -> tuple[float | None, int]:
    """How often, where a limb of one side crosses its fellow in the picture, the right one is in front.

    Args:
        prediction: (N, 17, 3) mm, camera axes; its depths are compared at the places of the true bones that cross.
        target: (N, 17, 3) mm, camera axes.

    Returns:
        The percentage, None without crossings, and the number of crossings that are over 50 mm apart in depth.
    """
    right, counted = 0, 0
    for ours, others in _CROSSING:
        a, b, c, d = (target[:, joint, :2] for joint in (*ours, *others))
        with np.errstate(divide="ignore", invalid="ignore"):
            whole = _cross(b - a, d - c)
            along, across = _cross(c - a, d - c) / whole, _cross(c - a, b - a) / whole
        crossing = (along > 0) & (along < 1) & (across > 0) & (across < 1)
        along, across = (np.where(crossing, share, 0.0) for share in (along, across))
        true, found = (
            _between(z[:, ours], along) - _between(z[:, others], across) for z in (target[..., 2], prediction[..., 2])
        )
        apart = crossing & (np.abs(true) > _APART_MM)
        right, counted = right + (true * found > 0)[apart].sum(), counted + apart.sum()
    return float(100 * right / counted) if counted else None, int(counted)


def _bones(side: str) -> tuple[list[tuple[int, int]], ...]:
    chains = ("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle")
    return tuple(list(itertools.pairwise(HUMAN36M_17.index(f"{side}_{joint}") for joint in chain)) for chain in chains)


def _between(ends: np.ndarray, share: np.ndarray) -> np.ndarray:
    """(N,) depths at a share (N,) of the way between two ends (N, 2)."""
    return (1 - share) * ends[:, 0] + share * ends[:, 1]


def _cross(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]


_APART_MM = 50.0
_CROSSING = [pair for limbs in zip(_bones("left"), _bones("right"), strict=True) for pair in itertools.product(*limbs)]


def known(figures: dict[str, float]) -> dict[str, float]:
    """Those that are numbers: no pair of joints may be far enough apart in depth to have an order."""
    return {name: value for name, value in figures.items() if np.isfinite(value)}


def mean_pose(poses: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(17, 3) mean of poses (N, 17, 3), each joint weighted by its trust (N, 17)."""
    trust = weight[..., None]
    return (poses * trust).sum(0) / np.maximum(trust.sum(0), 1e-9)


_GREY = (110, 110, 110)
_REACH_MM = 1100.0  # from the pelvis to the edge of a panel
_VIEWS = ((0, 1), (2, 1), (0, 2))  # axes to the right and down: from ahead, from the side, from above


def pose_panels(found: np.ndarray, truth: np.ndarray) -> list[list[np.ndarray]]:
    """Poses (N, 17, 3) mm over the true ones, in grey, from ahead, from the side and from above: N (P, P, 3) each."""
    every = np.ones(len(HUMAN36M_17), bool)
    rows = []
    for axes in _VIEWS:
        row = [np.full((PANEL, PANEL, 3), 30, np.uint8) for _ in found]
        for panel, pose, true in zip(row, found, truth, strict=True):
            for joints, colour in ((true, _GREY), (pose, None)):
                flat = (joints[:, axes] / _REACH_MM + 1) * PANEL / 2
                draw_bones(panel, HUMAN36M_17, flat, every, colour=colour)
        rows.append(row)
    return rows
