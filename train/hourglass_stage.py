"""Trains a stacked hourglass: the loop over its people, the figure that it watches, pictures for the logs."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from fusion_model import metrics
from fusion_model.drawing import draw_bones
from fusion_model.heatmaps import decode_smoothed, to_crop_coordinates
from fusion_model.hourglass import StackedHourglass
from fusion_model.presets import PRESETS
from fusion_model.skeletons import LIMB_JOINTS, MPII_16
from train.data.augment import AUGMENT, plain_crops, random_crops, target_maps, transform
from train.data.people import People
from train.data.sampling import draw, draw_local, sampling_weights
from train.data.sources import data_fingerprint, find_people
from train.engine.loop import Loop, start_warm
from train.engine.provenance import begin_provenance
from train.losses import heatmap_loss
from train.settings import HourglassTrainConfig

SIGMA = 1.25  # of the Gaussian targets, map pixels
_LIMBS = [MPII_16.index(name) for name in LIMB_JOINTS]
_TORSO = [MPII_16.index("left_shoulder"), MPII_16.index("right_hip")]
_BATCH = 64  # people measured at once
_MIN_WEIGHT = 0.81 - 1e-4  # of a labelled joint: a teacher's weight is its score squared
PANEL = 192  # pixels of a panel's side
_SHOWN = 6  # people
_SEEN = 0.1  # height from which a peak is drawn


def make_loop(settings: HourglassTrainConfig, data: Path, run: Path, init_from: Path | None = None) -> Loop:
    """The loop of a run, with its people."""
    preset = PRESETS[settings.preset]
    size, margin = settings.input_size or preset.hourglass.input_size, preset.crop.margin
    settings = dataclasses.replace(settings, input_size=size)
    torch.manual_seed(settings.seed)  # of the initial weights
    module = StackedHourglass(dataclasses.replace(preset.hourglass, input_size=size))
    module.to(memory_format=torch.channels_last)
    start_warm(module, init_from, run, "hourglass")
    held_out, people = (find_people(data, validation=part) for part in (True, False))
    if not (held_out.weight[:, _TORSO] >= _MIN_WEIGHT).all(1).any():
        raise ValueError(
            f"none of {len(held_out)} validation people has both left shoulder and right hip labelled, which PCK is "
            "measured by: label them, or hold out people who have both"
        )
    weights = sampling_weights(people.source, people.names, settings.synthetic_fraction)
    augment = AUGMENT[settings.augment]

    def loss(network: nn.Module, _step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        local = loop.local_slice(settings.batch)
        rows, noise = draw_local(weights, settings.batch, generator, local)
        others = draw(weights, settings.batch, generator)[local]
        crops = random_crops(people.take(rows), size, margin, augment, noise, lambda where: people.take(others[where]))
        target, weight = target_maps(crops, SIGMA)
        images = crops.images.contiguous(memory_format=torch.channels_last)
        return heatmap_loss(network(images), target, weight), {}

    loop = Loop(
        module,
        loss,
        lambda network: maps_pck(network, held_out, size, margin),
        settings,
        run,
        better="mean",
        fingerprint={"data": data_fingerprint(data)},
        pictures=lambda network: {"maps": map_sheet(network, held_out, size, margin)},
    )
    if loop.accelerator.is_main_process:
        begin_provenance(run, settings, init_from, people.source, people.names)
    people, held_out, weights = people.to(loop.device), held_out.to(loop.device), weights.to(loop.device)
    loop.accelerator.print(f"{len(people)} people to train on, {len(held_out)} to validate on")
    return loop


def maps_pck(network: nn.Module, people: People, size: int, margin: float) -> dict[str, float]:
    """Mean of per-person PCK@0.2 (12 limb joints) for each source, in %, and the ``mean`` over the sources.

    Only people with left shoulder and right hip labelled count; teacher joints count from score 0.9.
    """
    found, truth = [], []
    for start in range(0, len(people), _BATCH):
        part = people.take(torch.arange(start, min(start + _BATCH, len(people))))
        images, matrices = plain_crops(part, size, margin)
        maps = network(images.contiguous(memory_format=torch.channels_last))[-1]
        found.append(to_crop_coordinates(decode_smoothed(maps)[0]).float())
        truth.append(transform(part.joints, matrices))
    points = (torch.cat(one).cpu().numpy() for one in (found, truth))
    labelled, sets = (people.weight >= _MIN_WEIGHT).cpu().numpy(), np.array(people.names)[people.source.cpu().numpy()]
    scores = 100 * metrics.person_pck(*points, MPII_16, labelled, joints=_LIMBS)
    mine = {name: scores[(sets == name) & ~np.isnan(scores)] for name in people.names}
    figures = {name: float(one.mean()) for name, one in mine.items() if len(one)}
    return {**figures, "mean": sum(figures.values()) / len(figures)}


@torch.inference_mode()
def map_sheet(network: nn.Module, people: People, size: int, margin: float) -> np.ndarray:
    """A hourglass on a few people: (2 P, n P, 3) uint8, crops with the found skeleton above, the maps' maxima below."""
    part = people.take(torch.linspace(0, len(people) - 1, min(_SHOWN, len(people))).long())
    images, _ = plain_crops(part, size, margin)
    maps = network(images.contiguous(memory_format=torch.channels_last))[-1].float()
    places, heights = decode_smoothed(maps)
    points = to_crop_coordinates(places).cpu().numpy() * PANEL / size
    crops, below = (panels(one) for one in (images, maps.amax(1, keepdim=True).expand(-1, 3, -1, -1)))
    for crop, joints, height in zip(crops, points, heights.cpu().numpy(), strict=True):
        draw_bones(crop, MPII_16, joints, height >= _SEEN)
    return np.concatenate((side_by_side(crops), side_by_side(below)))


def panels(images: Tensor) -> list[np.ndarray]:
    """(N, 3, S, S) in [0, 1] as pictures (P, P, 3) uint8."""
    large = functional.interpolate(images.float(), size=(PANEL, PANEL), mode="bilinear", align_corners=False)
    return list((large.clamp(0, 1) * 255).byte().permute(0, 2, 3, 1).contiguous().cpu().numpy())


def side_by_side(pictures: list[np.ndarray]) -> np.ndarray:
    """One picture of several of one height."""
    return np.concatenate(pictures, 1)
