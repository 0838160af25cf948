"""What each network is trained to lower: errors of maps, of 3D poses (Eq. 4), of boxes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from fusion_model.detection.network import STRIDE, cell_boxes
from fusion_model.fusion import SHARPNESS, FusionNetwork

_MIN_SIGMA = 0.7  # cells, of the target's bell round the middle of a box
_SIGMA = 0.1  # of the bell, in sides of the box
_FAR, _CLOSE = 100.0, 20.0  # mm: factor of a distance, and up to where it is round like a square
_UNLIKELY = 1000.0  # mm^2
_NEAR = 0.5  # height of the bell from which a cell learns the box


def heatmap_loss(outputs: list[Tensor], target: Tensor, weight: Tensor) -> Tensor:
    """1000 times the mean over stacks, people, joints and pixels of the weighted squared error.

    Pixels near a peak count up to ten times as much: a plain mean stays on the all-zero plateau for tens of
    thousands of images.

    Args:
        outputs: one (N, J, H, W) a stack.
        target: (N, J, H, W).
        weight: (N, J) of each map.
    """
    pixel = (1 + 9 * target) * weight[..., None, None]
    return sum(1000 * (pixel * (output.float() - target) ** 2).mean() for output in outputs) / len(outputs)


def fusion_loss(
    prediction: Tensor,
    target: Tensor,
    network: FusionNetwork,
    joint_weights: Tensor | None = None,
    sharpness: float = SHARPNESS,
    *,
    centring: float = 0.0,
    squared: bool = True,
) -> Tensor:
    """Eq. 4: half the squared error, summed over the joints and averaged over the batch, plus the sharpness term.

    Or a distance for the squared error, which minds outliers less and is what MPJPE measures: 100 mm times it, so that
    the terms stay of like size.

    Args:
        prediction: (N, J, 3) millimetres.
        target: (N, J, 3) millimetres.
        network: gives alpha.
        joint_weights: (J,) or (N, J) factors on the joints' squared errors; None for 1.
        sharpness: lambda of Eq. 4 in mm**2.
        centring: of :meth:`FusionNetwork.fusion_penalty`.
        squared: as in Eq. 4.

    Returns:
        () loss in mm**2.
    """
    errors = ((prediction.float() - target.float()) ** 2).sum(-1)
    errors = errors / 2 if squared else _FAR * (errors + _CLOSE**2).sqrt()
    errors = errors if joint_weights is None else errors * joint_weights
    return errors.sum(1).mean() + network.fusion_penalty(sharpness, centring)


def spread_loss(spread: Tensor, pose: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """How unlikely the errors of poses are by Laplace distributions of the spreads that a network says.

    The poses learn nothing from it.

    Args:
        spread: (N, J, 2) millimetres, across and in depth.
        pose: (N, J, 3) millimetres.
        target: (N, J, 3) millimetres.
        weight: (N, J) of each joint.

    Returns:
        () negative log-likelihood, summed over the joints; times 1000 mm**2, to be of the size of the other terms.
    """
    size, off = spread[..., [0, 0, 1]], (pose.detach().float() - target).abs()
    unlikely = (size.log() + off / size).sum(-1)
    return _UNLIKELY * (unlikely * weight).sum(1).mean()


def detector_loss(
    output: Tensor, boxes: Tensor, axes: Tensor, there: Tensor, trust: Tensor
) -> tuple[Tensor, dict[str, float]]:
    """Focal loss of the heat map as in CenterNet, generalised IoU of the boxes, squared error of the body axis.

    Args:
        output: (N, 7, H, W) of the network.
        boxes: (N, K, 4) pixels.
        axes: (N, K, 2), zeros where unknown.
        there: (N, K) bool.
        trust: (N, H, W), how far to believe that no person is there.
    """
    output = output.float()
    height, nearest = _bells(boxes, there, output.shape[-1]).max(1)
    logit = output[:, 0]
    chance = logit.sigmoid()
    yes = -(1 - chance).square() * functional.logsigmoid(logit)
    no = -((1 - height) ** 4) * trust * chance.square() * functional.logsigmoid(-logit)
    people = there.sum().clamp_min(1)
    heat = torch.where(height == 1, yes, no).sum() / people
    weight = torch.where(height >= _NEAR, height, 0.0)
    picture = torch.arange(len(output), device=output.device)[:, None, None]
    giou = generalised_iou(cell_boxes(output).permute(0, 2, 3, 1), boxes[picture, nearest])
    total = weight.sum().clamp_min(1e-6)
    box = (weight * (1 - giou)).sum() / total
    axis = axes[picture, nearest]
    known = weight * axis.abs().amax(-1).gt(0)
    turn = (known * (output[:, 5:7].permute(0, 2, 3, 1) - axis).square().sum(-1)).sum() / total
    return heat + 2 * box + 0.3 * turn, {"heat": heat.item(), "box": box.item(), "turn": turn.item()}


def _bells(boxes: Tensor, there: Tensor, side: int) -> Tensor:
    """(N, K, side, side): a bell of height 1 at the cell of each box's middle, the wider the larger the box."""
    cell = (((boxes[..., :2] + boxes[..., 2:]) / 2 + 0.5) / STRIDE).floor().clamp(0, side - 1)
    sigma = (_SIGMA * (boxes[..., 2:] - boxes[..., :2]) / STRIDE).clamp_min(_MIN_SIGMA)
    axis = torch.arange(side, device=boxes.device)
    x, y = ((axis - cell[..., [k]]) / sigma[..., [k]] for k in (0, 1))
    return torch.exp(-(y[..., :, None] ** 2 + x[..., None, :] ** 2) / 2) * there[..., None, None]


def generalised_iou(boxes: Tensor, others: Tensor) -> Tensor:
    """(...) of boxes (..., 4) pair by pair, from -1 to 1."""
    low, high = torch.maximum(boxes[..., :2], others[..., :2]), torch.minimum(boxes[..., 2:], others[..., 2:])
    common = (high - low).clamp_min(0).prod(-1)
    area, other = ((one[..., 2:] - one[..., :2]).clamp_min(0).prod(-1) for one in (boxes, others))
    union = (area + other - common).clamp_min(1e-6)
    hull = torch.maximum(boxes[..., 2:], others[..., 2:]) - torch.minimum(boxes[..., :2], others[..., :2])
    hull = hull.prod(-1).clamp_min(1e-6)
    return common / union - (hull - union) / hull
