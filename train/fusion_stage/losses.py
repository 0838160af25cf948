"""Losses that are not the paper's."""

from __future__ import annotations

import torch
from torch import Tensor

from fusion_model.skeletons import MPII_IN_HUMAN36M

_MIN_JOINTS = 4  # fewer say nothing of a pose


def reprojection_loss(pose: Tensor, points: Tensor, weight: Tensor) -> Tensor:
    """How far a pose, seen from straight ahead, is off the labelled 2D joints: for photos whose 3D is not known.

    The scale and place that fit best (weak perspective, least squares) are taken as given: no gradient flows through
    them, so that the loss cannot be lowered by a smaller pose.

    Args:
        pose: (N, 17, 3) mm, Human3.6M's order.
        points: (N, 16, 2) pixels, MPII's order.
        weight: (N, 16) trust in each, 0 where unknown.

    Returns:
        () mm**2: half the squared distance, summed over the joints and averaged over the batch, as in Eq. 4.
    """
    flat = pose[:, list(MPII_IN_HUMAN36M), :2].float()
    known = (weight > 0).sum(1) >= _MIN_JOINTS
    weight = weight * known[:, None]
    total = weight.sum(1).clamp_min(1e-6)[:, None]
    with torch.no_grad():
        middle = (points * weight[..., None]).sum(1) / total
        offset = points - middle[:, None]
    here = (flat * weight[..., None]).sum(1) / total
    seen = flat - here[:, None]
    with torch.no_grad():
        along = (weight[..., None] * seen * offset).sum((1, 2))
        size = (weight[..., None] * offset.square()).sum((1, 2)).clamp_min(1e-6)
        scale = (along / size).clamp_min(0)  # mm a pixel
    squared = (seen - scale[:, None, None] * offset).square().sum(-1)
    return (weight * squared).sum(1).mean() / 2
