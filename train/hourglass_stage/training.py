"""Trains a stacked hourglass: the loop over its people."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch
from torch import Tensor, nn

from fusion_model.hourglass import StackedHourglass
from fusion_model.presets import PRESETS
from train.data.augment import AUGMENT, random_crops, target_maps
from train.data.sampling import draw, draw_local, named_rows, sampling_weights
from train.data.sources import find_people
from train.engine.loop import Loop, start_warm
from train.engine.provenance import begin_provenance
from train.hourglass_stage.map_figures import check_measurable, maps_pck
from train.hourglass_stage.pictures import map_sheet
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

    def describe(generator: torch.Generator) -> str:
        rows, _ = draw_local(weights, settings.batch, generator, loop.local_slice(settings.batch))
        return named_rows(rows, people.source, people.names)

    loop = Loop(
        module,
        loss,
        lambda network: maps_pck(network, held_out, size, margin),
        settings,
        run,
        better="mean",
        describe=describe,
        pictures=lambda network: {"maps": map_sheet(network, held_out, size, margin)},
    )
    if loop.accelerator.is_main_process:
        begin_provenance(run, settings, init_from, people.source, people.names)
    people, held_out, weights = people.to(loop.device), held_out.to(loop.device), weights.to(loop.device)
    loop.accelerator.print(f"{len(people)} people to train on, {len(held_out)} to validate on")
    return loop
