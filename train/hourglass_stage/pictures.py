"""Sample pictures for the logs: what a hourglass in training makes of a few validation people."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from fusion_model.drawing import draw_bones
from fusion_model.heatmaps import decode_smoothed, to_crop_coordinates
from fusion_model.skeletons import MPII_16
from train.data.augment import plain_crops
from train.data.people import People

PANEL = 192  # pixels of a panel's side
_SEEN = 0.1  # height from which a peak is drawn


@torch.inference_mode()
def map_sheet(network: nn.Module, people: People, size: int, margin: float, count: int = 6) -> np.ndarray:
    """A hourglass on a few people: (2 P, n P, 3) uint8, crops with the found skeleton above, the maps' maxima below."""
    part = people.take(even_rows(len(people), count))
    images, _ = plain_crops(part, size, margin)
    maps = network(images.contiguous(memory_format=torch.channels_last))[-1].float()
    places, heights = decode_smoothed(maps)
    points = to_crop_coordinates(places).cpu().numpy() * PANEL / size
    crops = panels(images)
    for crop, joints, height in zip(crops, points, heights.cpu().numpy(), strict=True):
        draw_bones(crop, MPII_16, joints, height >= _SEEN)
    return np.concatenate((side_by_side(crops), side_by_side(panels(maps.amax(1, keepdim=True).expand(-1, 3, -1, -1)))))


def even_rows(length: int, count: int) -> Tensor:
    """Rows that lie evenly over a set."""
    return torch.linspace(0, length - 1, min(count, length)).long()


def panels(images: Tensor) -> list[np.ndarray]:
    """(N, 3, S, S) in [0, 1] as pictures (P, P, 3) uint8."""
    large = functional.interpolate(images.float(), size=(PANEL, PANEL), mode="bilinear", align_corners=False)
    bytes_ = (large.clamp(0, 1) * 255).byte().permute(0, 2, 3, 1).cpu().numpy()
    return [np.ascontiguousarray(image) for image in bytes_]


def side_by_side(pictures: list[np.ndarray]) -> np.ndarray:
    """One picture of several of one height."""
    return np.concatenate(pictures, 1)
