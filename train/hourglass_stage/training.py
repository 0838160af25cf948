"""Trains a stacked hourglass: its loss, and the loop over its people."""

from __future__ import annotations

import argparse
import dataclasses

import torch
from torch import Tensor, nn

from fusion_model.hourglass import StackedHourglass
from fusion_model.presets import PRESETS
from train.data.augment import AUGMENT, random_crops, target_maps
from train.data.sampling import draw, draw_local, named_rows, sampling_weights
from train.data.sources import find_people
from train.engine.arguments import loop_settings, start_warm
from train.engine.loop import Loop
from train.engine.provenance import begin_provenance
from train.hourglass_stage.map_figures import check_measurable, maps_pck
from train.hourglass_stage.pictures import map_sheet

SIGMA = 1.25  # of the Gaussian targets, map pixels
_FIXED = ("preset", "synthetic_fraction", "augment")  # arguments that may not change while a run goes on


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


def make_loop(arguments: argparse.Namespace) -> Loop:
    """The loop of a run, with its people."""
    preset = PRESETS[arguments.preset]
    size, margin = arguments.input_size or preset.hourglass.input_size, preset.crop.margin
    torch.manual_seed(arguments.seed)  # of the initial weights
    module = StackedHourglass(dataclasses.replace(preset.hourglass, input_size=size))
    module.to(memory_format=torch.channels_last)
    start_warm(module, arguments, "hourglass")
    held_out, people = (find_people(arguments.data, validation=part) for part in (True, False))
    check_measurable(held_out)
    weights = sampling_weights(people.source, people.names, arguments.synthetic_fraction)
    augment = AUGMENT[arguments.augment]

    def loss(network: nn.Module, _step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        local = loop.local_slice(arguments.batch)
        rows, noise = draw_local(weights, arguments.batch, generator, local)
        others = draw(weights, arguments.batch, generator)[local]
        crops = random_crops(people.take(rows), size, margin, augment, noise, lambda where: people.take(others[where]))
        target, weight = target_maps(crops, SIGMA)
        images = crops.images.contiguous(memory_format=torch.channels_last)
        return heatmap_loss(network(images), target, weight), {}

    def describe(generator: torch.Generator) -> str:
        rows, _ = draw_local(weights, arguments.batch, generator, loop.local_slice(arguments.batch))
        return named_rows(rows, people.source, people.names)

    loop = Loop(
        module,
        loss,
        lambda network: maps_pck(network, held_out, size, margin),
        dataclasses.replace(loop_settings(arguments), freeze_norm=arguments.freeze_norm),
        arguments.run,
        better="mean",
        fingerprint={name: getattr(arguments, name) for name in _FIXED} | {"input_size": size},
        describe=describe,
        pictures=lambda network: {"maps": map_sheet(network, held_out, size, margin)},
    )
    if loop.accelerator.is_main_process:
        begin_provenance(arguments, "hourglass", people.source, people.names)
    people, held_out, weights = people.to(loop.device), held_out.to(loop.device), weights.to(loop.device)
    loop.accelerator.print(f"{len(people)} people to train on, {len(held_out)} to validate on")
    return loop
