"""Qualitative sheets as Figures 4 and 6: crop, maps, joints, and the 3D pose from three sides."""

from __future__ import annotations

import cv2
import numpy as np

from fusion_model.drawing import draw_bones
from fusion_model.metrics import joint_errors
from fusion_model.skeletons import MPII_16
from train.analysis.held_out import HeldOut
from train.fusion_stage.pose_figures import LIMBS, pose_panels
from train.hourglass_stage import PANEL, side_by_side

_SEEN = 0.1  # height of a peak from which its joint is drawn
_LINE = 26  # pixels of the line with the errors


def sheet(held_out: HeldOut, rows: np.ndarray, count: int, *, photos: bool) -> np.ndarray:
    """People from good to bad, a column each: those at even steps of the error from the 5th to the 95th of 100.

    Args:
        held_out: the people.
        rows: (M,) of the kind to choose from.
        count: at most so many.
        photos: whether their pictures are shown.

    Returns:
        (H, W, 3) uint8 RGB; found poses lie over the reference, in grey, and below is the error of the limb joints.
    """
    found, truth = (poses[rows] - poses[rows][:, :1] for poses in (held_out.released, held_out.truth))
    errors = joint_errors(found[:, LIMBS], truth[:, LIMBS]).mean(1)
    ranks = np.unique((np.linspace(0.05, 0.95, min(count, len(rows))) * (len(rows) - 1)).round().astype(int))
    chosen = np.argsort(errors, kind="stable")[ranks]
    images, maps, points, peaks = held_out.crops(rows[chosen], PANEL)
    joints = [np.zeros_like(image) if not photos else image.copy() for image in images]
    for image, places, heights in zip(joints, points, peaks, strict=True):
        draw_bones(image, MPII_16, places, heights >= _SEEN)
    overlays = [
        _overlay(image if photos else np.zeros_like(image), one) for image, one in zip(images, maps, strict=True)
    ]
    lines = [np.full((_LINE, PANEL, 3), 255, np.uint8) for _ in chosen]
    for line, error in zip(lines, errors[chosen], strict=True):
        text = f"MPJPE {error:.0f} mm"
        cv2.putText(line, text, (8, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    shown = [*([list(images)] if photos else []), overlays, joints, *pose_panels(found[chosen], truth[chosen]), lines]
    return np.concatenate([side_by_side(row) for row in shown])


def _overlay(image: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """(P, P, 3) uint8: a crop, darkened, under the maximum of its maps (16, M, M)."""
    height = cv2.resize(maps.max(0), image.shape[1::-1], interpolation=cv2.INTER_LINEAR).clip(0, 1)
    colour = cv2.applyColorMap((63 + 192 * height).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    grey = 0.55 * image.mean(-1, keepdims=True)
    return (grey * (1 - height[..., None]) + colour * height[..., None]).astype(np.uint8)
