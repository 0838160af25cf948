"""From the maps' 16 joints in the photo to those of the pose, and where hidden joints are."""

from __future__ import annotations

import numpy as np

from fusion_model.skeletons import HUMAN36M_17, MPII_16, Skeleton, conversion_matrix, derived_joints


def to_photo_joints(
    points: np.ndarray, confidence: np.ndarray, skeleton: Skeleton = HUMAN36M_17
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """MPII's 16 joints -> the J of the pose.

    Args:
        points: (16, 2) photo pixels.
        confidence: (16,).
        skeleton: of the pose.

    Returns:
        points (J, 2), confidence (J,) (of a derived joint: the lowest of those it is made of), derived names.
    """
    carried = conversion_matrix(MPII_16, skeleton)
    lowest = np.where(carried > 0, confidence, np.inf).min(1)
    return carried @ points, lowest, derived_joints(MPII_16, skeleton)


def fit_camera(joints_2d: np.ndarray, joints_3d: np.ndarray, weight: np.ndarray) -> tuple[float, np.ndarray]:
    """Weak-perspective camera: the scale and shift that carry x, y of the 3D joints onto the 2D joints.

    Args:
        joints_2d: (J, 2) pixels.
        joints_3d: (J, 3) mm.
        weight: (J,) trust in each joint.

    Returns:
        scale in pixels per millimetre, at least 0, and shift (2,) pixels.
    """
    weight = weight / max(float(weight.sum()), 1e-9)
    flat = joints_3d[:, :2]
    middle_2d, middle_3d = weight @ joints_2d, weight @ flat
    spread = float((weight[:, None] * (flat - middle_3d) ** 2).sum())
    common = float((weight[:, None] * (flat - middle_3d) * (joints_2d - middle_2d)).sum())
    scale = max(common / max(spread, 1e-9), 0.0)
    return scale, middle_2d - scale * middle_3d


def joint_status(
    joints_2d: np.ndarray, joints_3d: np.ndarray, confidence: np.ndarray, shape: tuple[int, int], seen: float
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Which joints are seen, and where the others should be.

    A joint of too little confidence is placed where the 3D pose, fitted to the confident joints, puts it: beyond the
    frame it is ``outside``; within, it stays at its map's peak and is ``guessed``.

    Args:
        joints_2d: (J, 2) photo pixels.
        joints_3d: (J, 3) mm.
        confidence: (J,) calibrated.
        shape: height and width of the photo.
        seen: smallest confidence of a seen joint.

    Returns:
        joints_2d (J, 2), those outside moved to their projections, and a status for each joint.
    """
    height, width = shape
    sure = confidence >= seen
    projected = joints_2d
    if sure.sum() >= 3:  # fewer do not tell where a body lies
        scale, shift = fit_camera(joints_2d, joints_3d, np.where(sure, confidence, 0.0))
        projected = scale * joints_3d[:, :2] + shift

    def beyond(points: np.ndarray) -> np.ndarray:
        return (points < -0.5).any(1) | (points > np.array([width, height]) - 0.5).any(1)

    outside = beyond(joints_2d) | (~sure & beyond(projected))
    moved = np.where((outside & beyond(projected))[:, None], projected, joints_2d)
    names = np.where(outside, "outside", np.where(sure, "seen", "guessed"))
    return moved, tuple(str(name) for name in names)
