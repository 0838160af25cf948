"""Sample pictures for the logs: what a network in training makes of a few validation people."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from fusion_model.drawing import draw_bones
from fusion_model.fusion import FusionNetwork
from fusion_model.heatmaps import decode, to_crop_coordinates
from fusion_model.skeletons import HUMAN36M_17, MPII_16, SKELETONS, conversion_matrix
from train.data.augment import plain_crops
from train.data.people import People
from train.fusion_stage.samples import FusionSamples

_GREY = (110, 110, 110)
_PANEL = 192  # pixels of a panel's side
_SEEN = 0.1  # height from which a peak is drawn
_REACH_MM = 1100.0  # from the pelvis to the edge of a panel


@torch.inference_mode()
def map_sheet(network: nn.Module, people: People, size: int, margin: float, count: int = 6) -> np.ndarray:
    """A hourglass on a few people: (2 P, n P, 3) uint8, crops with the found skeleton above, the maps' maxima below."""
    part = people.take(_even_rows(len(people), count))
    images, _ = plain_crops(part, size, margin)
    maps = network(images.contiguous(memory_format=torch.channels_last))[-1].float()
    places, heights = decode(maps)
    points = to_crop_coordinates(places).cpu().numpy() * _PANEL / size
    crops = _panels(images)
    for crop, joints, height in zip(crops, points, heights.cpu().numpy(), strict=True):
        draw_bones(crop, MPII_16, joints, height >= _SEEN)
    return np.concatenate((_row(crops), _row(_panels(maps.amax(1, keepdim=True).expand(-1, 3, -1, -1)))))


@torch.inference_mode()
def pose_sheet(network: FusionNetwork, samples: FusionSamples, count: int = 6) -> np.ndarray:
    """A fusion network on a few people: (3 P, n P, 3) uint8, crops, found poses from ahead, found poses from the side.

    The true pose lies under the found one, in grey.
    """
    rows = _even_rows(len(samples), count).to(samples.source.device)
    images, maps = samples.inputs(rows)
    carried = conversion_matrix(SKELETONS[network.config.skeleton], HUMAN36M_17)
    found, truth = carried @ network(images, maps).float().cpu().numpy(), samples.pose[rows].cpu().numpy()
    poses = []
    for axes in ((0, 1), (2, 1)):
        panels = []
        for pose, true in zip(found, truth, strict=True):
            panel = np.full((_PANEL, _PANEL, 3), 30, np.uint8)
            for joints, colour in ((true, _GREY), (pose, None)):
                flat = (joints[:, axes] / _REACH_MM + 1) * _PANEL / 2
                draw_bones(panel, HUMAN36M_17, flat, carried.any(1), colour=colour)
            panels.append(panel)
        poses.append(_row(panels))
    return np.concatenate((_row(_panels(images)), *poses))


def _even_rows(length: int, count: int) -> Tensor:
    """Rows that lie evenly over a set."""
    return torch.linspace(0, length - 1, min(count, length)).long()


def _panels(images: Tensor) -> list[np.ndarray]:
    """(N, 3, S, S) in [0, 1] as pictures (P, P, 3) uint8."""
    large = functional.interpolate(images.float(), size=(_PANEL, _PANEL), mode="bilinear", align_corners=False)
    bytes_ = (large.clamp(0, 1) * 255).byte().permute(0, 2, 3, 1).cpu().numpy()
    return [np.ascontiguousarray(image) for image in bytes_]


def _row(panels: list[np.ndarray]) -> np.ndarray:
    """Panels side by side."""
    return np.concatenate(panels, 1)
