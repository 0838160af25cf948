"""PCK@0.2 of the hourglass alone in the true box: the quick figure that training watches."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from fusion_model import metrics
from fusion_model.heatmaps import decode_smoothed, to_crop_coordinates
from fusion_model.skeletons import LIMB_JOINTS, MPII_16
from train.data.augment import plain_crops, transform
from train.data.people import People

LIMBS = [MPII_16.index(name) for name in LIMB_JOINTS]
_MIN_WEIGHT = 0.81 - 1e-4  # of a labelled joint: a teacher's weight is its score squared


def check_measurable(people: People) -> None:
    """Refuse validation people of whom :func:`maps_pck` measures none, before anything is trained.

    Raises:
        ValueError: says what they lack.
    """
    torso = people.weight[:, [MPII_16.index("left_shoulder"), MPII_16.index("right_hip")]] >= _MIN_WEIGHT
    if not torso.all(1).any():
        raise ValueError(
            f"none of {len(people)} validation people has both left shoulder and right hip labelled, which PCK is "
            "measured by: label them, or hold out people who have both"
        )


def maps_pck(network: nn.Module, people: People, size: int, margin: float, batch: int = 64) -> dict[str, float]:
    """Mean of per-person PCK@0.2 (12 limb joints) for each source, in %, and the ``mean`` over the sources.

    Only people with left shoulder and right hip labelled count; teacher joints count from score 0.9.
    """
    per_person = []
    for start in range(0, len(people), batch):
        part = people.take(torch.arange(start, min(start + batch, len(people)), device=people.photos.device))
        images, matrices = plain_crops(part, size, margin)
        maps = network(images.contiguous(memory_format=torch.channels_last))[-1]
        found = to_crop_coordinates(decode_smoothed(maps)[0])
        per_person.append(person_pck(found, transform(part.joints, matrices), part.weight))
    scores, source = np.concatenate(per_person), people.source.cpu().numpy()
    figures = {}
    for number, name in enumerate(people.names):
        mine = scores[(source == number) & ~np.isnan(scores)]
        if len(mine):
            figures[name] = 100 * float(mine.mean())
    return {**figures, "mean": sum(figures.values()) / len(figures)}


def person_pck(found: Tensor, truth: Tensor, weight: Tensor) -> np.ndarray:
    """(N,) fraction of labelled limb joints within 0.2 torso lengths; NaN where the torso is unlabelled.

    Args:
        found: (N, 16, 2).
        truth: (N, 16, 2).
        weight: (N, 16) trust in each joint.
    """
    found, truth, weight = (values.float().cpu().numpy() for values in (found, truth, weight))
    return metrics.person_pck(found, truth, MPII_16, weight >= _MIN_WEIGHT, joints=LIMBS)
