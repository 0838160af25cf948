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
from train.data.sources import find_people
from train.engine.loop import Loop, start_warm
from train.engine.provenance import begin_provenance
from train.losses import heatmap_loss
from train.settings import HourglassTrainConfig

SIGMA = 1.25  # of the Gaussian targets, map pixels


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
    check_measurable(held_out)
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
        pictures=lambda network: {"maps": map_sheet(network, held_out, size, margin)},
    )
    if loop.accelerator.is_main_process:
        begin_provenance(run, settings, init_from, people.source, people.names)
    people, held_out, weights = people.to(loop.device), held_out.to(loop.device), weights.to(loop.device)
    loop.accelerator.print(f"{len(people)} people to train on, {len(held_out)} to validate on")
    return loop


LIMBS = [MPII_16.index(name) for name in LIMB_JOINTS]
_BATCH = 64  # people measured at once
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


def maps_pck(network: nn.Module, people: People, size: int, margin: float) -> dict[str, float]:
    """Mean of per-person PCK@0.2 (12 limb joints) for each source, in %, and the ``mean`` over the sources.

    Only people with left shoulder and right hip labelled count; teacher joints count from score 0.9.
    """
    per_person = []
    for start in range(0, len(people), _BATCH):
        part = people.take(torch.arange(start, min(start + _BATCH, len(people)), device=people.photos.device))
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


PANEL = 192  # pixels of a panel's side
_SHOWN = 6  # people
_SEEN = 0.1  # height from which a peak is drawn


@torch.inference_mode()
def map_sheet(network: nn.Module, people: People, size: int, margin: float) -> np.ndarray:
    """A hourglass on a few people: (2 P, n P, 3) uint8, crops with the found skeleton above, the maps' maxima below."""
    part = people.take(even_rows(len(people)))
    images, _ = plain_crops(part, size, margin)
    maps = network(images.contiguous(memory_format=torch.channels_last))[-1].float()
    places, heights = decode_smoothed(maps)
    points = to_crop_coordinates(places).cpu().numpy() * PANEL / size
    crops = panels(images)
    for crop, joints, height in zip(crops, points, heights.cpu().numpy(), strict=True):
        draw_bones(crop, MPII_16, joints, height >= _SEEN)
    return np.concatenate((side_by_side(crops), side_by_side(panels(maps.amax(1, keepdim=True).expand(-1, 3, -1, -1)))))


def even_rows(length: int) -> Tensor:
    """A few rows that lie evenly over a set."""
    return torch.linspace(0, length - 1, min(_SHOWN, length)).long()


def panels(images: Tensor) -> list[np.ndarray]:
    """(N, 3, S, S) in [0, 1] as pictures (P, P, 3) uint8."""
    large = functional.interpolate(images.float(), size=(PANEL, PANEL), mode="bilinear", align_corners=False)
    bytes_ = (large.clamp(0, 1) * 255).byte().permute(0, 2, 3, 1).cpu().numpy()
    return [np.ascontiguousarray(image) for image in bytes_]


def side_by_side(pictures: list[np.ndarray]) -> np.ndarray:
    """One picture of several of one height."""
    return np.concatenate(pictures, 1)
