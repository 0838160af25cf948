"""Sheets of people, as the paper's Figures 4 and 6: crop, maps, joints, and the 3D over the reference."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from fusion_model.drawing import draw_bones
from fusion_model.estimator import PoseEstimator
from fusion_model.metrics import joint_errors
from fusion_model.skeletons import MPII_16
from train.evaluation.three_d import OURS, Member, find, predictions
from train.fusion_stage.pose_figures import LIMBS, pose_panels
from train.hourglass_stage import PANEL, panels, side_by_side

_SEEN = 0.1  # height of a peak from which its joint is drawn
_LINE = 26  # pixels of the line with the errors


def sheet(estimator: PoseEstimator, members: list[Member], count: int, *, photos: bool) -> np.ndarray:
    """People from good to bad, a column each: those at even steps of the error from the 5th to the 95th of 100.

    Args:
        estimator: of Human3.6M's 17 joints.
        members: whom to choose from.
        count: at most so many.
        photos: whether their pictures are shown.

    Returns:
        (H, W, 3) uint8 RGB; found poses lie over the reference, in grey, and below is the error of the limb joints.
    """
    people = find(estimator, members)
    found, truth = people.poses[OURS], people.truth
    errors = joint_errors(found[:, LIMBS], truth[:, LIMBS]).mean(1)
    ranks = np.unique((np.linspace(0.05, 0.95, min(count, len(errors))) * (len(errors) - 1)).round().astype(int))
    chosen = np.argsort(errors, kind="stable")[ranks]
    shown = [one for part in predictions(estimator, [members[number] for number in chosen]) for one in part]
    images = torch.stack([one.image for one in shown])
    pictures = panels(images if photos else torch.zeros_like(images))
    joints, lines = [picture.copy() for picture in pictures], []
    for picture, one, error in zip(joints, shown, errors[chosen], strict=True):
        points = one.crop.to_crop(one.points) * PANEL / images.shape[-1]
        draw_bones(picture, MPII_16, points, one.maps.amax((1, 2)).numpy() >= _SEEN)
        line = np.full((_LINE, PANEL, 3), 255, np.uint8)
        text = f"MPJPE {error:.0f} mm"
        lines.append(cv2.putText(line, text, (8, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA))
    overlays = [_overlay(picture, one.maps.numpy()) for picture, one in zip(pictures, shown, strict=True)]
    rows = [pictures] * photos + [overlays, joints, *pose_panels(found[chosen], truth[chosen]), lines]
    return np.concatenate([side_by_side(row) for row in rows])


def _overlay(image: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """(P, P, 3) uint8: a crop, darkened, under the maximum of its maps (16, M, M)."""
    height = cv2.resize(maps.max(0), image.shape[1::-1], interpolation=cv2.INTER_LINEAR).clip(0, 1)
    colour = cv2.applyColorMap((63 + 192 * height).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    grey = 0.55 * image.mean(-1, keepdims=True)
    return (grey * (1 - height[..., None]) + colour * height[..., None]).astype(np.uint8)
