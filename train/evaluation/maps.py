"""PCK@0.2 of the bare hourglass in the true box: the quick figure that training watches."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fusion_model.heatmaps import decode, to_crop_coordinates
from fusion_model.skeletons import LIMB_JOINTS, MPII_16
from train.data.augment import plain_crops, transform
from train.data.people import People

LIMBS = [MPII_16.index(name) for name in LIMB_JOINTS]


def maps_pck(network: nn.Module, people: People, size: int, margin: float, batch: int = 64) -> dict[str, float]:
    """Mean of per-person PCK@0.2 (12 limb joints) for each source, in %, and the ``mean`` over the sources.

    Only people with left shoulder and right hip labelled count; teacher joints count from score 0.9.
    """
    per_person: list[Tensor] = []
    for start in range(0, len(people), batch):
        part = people.take(torch.arange(start, min(start + batch, len(people)), device=people.photos.device))
        images, matrices = plain_crops(part, size, margin)
        maps = network(images.contiguous(memory_format=torch.channels_last))[-1]
        found = to_crop_coordinates(decode(maps)[0])
        truth = transform(part.joints, matrices)
        per_person.append(person_pck(found, truth, part.weight))
    scores = torch.cat(per_person)
    figures = {}
    for number, name in enumerate(people.names):
        mine = scores[(people.source == number) & ~scores.isnan()]
        if len(mine):
            figures[name] = 100 * mine.mean().item()
    return {**figures, "mean": sum(figures.values()) / len(figures)}


def person_pck(found: Tensor, truth: Tensor, weight: Tensor, least_weight: float = 0.81) -> Tensor:
    """(N,) fraction of labelled limb joints within 0.2 torso lengths; NaN where the torso is unlabelled.

    Args:
        found: (N, 16, 2).
        truth: (N, 16, 2).
        weight: (N, 16); a joint is labelled from ``least_weight`` (a teacher's weight is its score squared).
        least_weight: see above.
    """
    labelled = weight >= least_weight - 1e-4
    shoulder, hip = MPII_16.index("left_shoulder"), MPII_16.index("right_hip")
    torso = (truth[:, shoulder] - truth[:, hip]).norm(dim=-1)
    right = ((found - truth).norm(dim=-1) <= 0.2 * torso[:, None]) & labelled
    score = right[:, LIMBS].sum(1) / labelled[:, LIMBS].sum(1)
    return torch.where(labelled[:, shoulder] & labelled[:, hip], score, torch.nan)
