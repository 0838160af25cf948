"""Train the stacked hourglass: ``python -m train.hourglass --data DIR --run runs/hourglass``.

Run the same command again to continue a run that was cut.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys

import torch
from torch import Tensor, nn

from fusion_model.config import PRESETS
from fusion_model.hourglass import StackedHourglass
from train.command import common_arguments, loop_settings, positive, run_command, start_warm
from train.data.augment import AUGMENT, random_crops, target_maps
from train.data.sampling import draw, draw_local, named_rows, sampling_weights
from train.data.sources import find_people
from train.engine.loop import Loop
from train.engine.provenance import begin_provenance
from train.evaluation.maps import maps_pck
from train.pictures import map_sheet

SIGMA = 1.25  # of the Gaussian targets, map pixels


def heatmap_loss(outputs: list[Tensor], target: Tensor, weight: Tensor) -> Tensor:
    """Weighted squared error, summed over the stacks.

    Pixels near a peak count up to ten times as much: a plain mean stays on the all-zero plateau for tens of
    thousands of images.

    Args:
        outputs: one (N, J, H, W) a stack.
        target: (N, J, H, W).
        weight: (N, J) of each map.
    """
    pixel = (1 + 9 * target) * weight[..., None, None]
    return sum(1000 * (pixel * (output.float() - target) ** 2).mean() for output in outputs) / len(outputs)


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = argparse.ArgumentParser(prog="python -m train.hourglass", description=__doc__)
    common_arguments(arguments, batch=24, learning_rate=1.5e-3)
    arguments.add_argument(
        "--input-size", type=positive(int), help="pixels of the crop's side while training (default: preset)"
    )
    arguments.add_argument(
        "--freeze-norm", action="store_true", help="keep the statistics of batch normalisation, to fine-tune"
    )
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    loop = make_loop(arguments)
    resumed = "resumed" if loop.resume() else "started"
    loop.accelerator.print(f"{resumed} at step {loop.step} on {loop.device}")
    return 0 if loop.run() else 1


def make_loop(arguments: argparse.Namespace) -> Loop:
    """The loop of a run, with its people."""
    preset = PRESETS[arguments.preset]
    size, margin = arguments.input_size or preset.hourglass.input_size, preset.crop.margin
    torch.manual_seed(arguments.seed)  # of the initial weights
    module = StackedHourglass(dataclasses.replace(preset.hourglass, input_size=size)).to(
        memory_format=torch.channels_last
    )
    start_warm(module, arguments, "hourglass")
    held_out = find_people(arguments.data, validation=True)
    people = find_people(arguments.data, validation=False)
    weights = sampling_weights(people.source, people.names, arguments.synthetic_fraction)
    augment = AUGMENT[arguments.augment]

    def loss(network: nn.Module, _step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        share = loop.local_slice(arguments.batch)
        rows, noise = draw_local(weights, arguments.batch, generator, share)
        others = draw(weights, arguments.batch, generator)[share]
        views = random_crops(people.take(rows), size, margin, augment, noise, lambda where: people.take(others[where]))
        target, weight = target_maps(views, SIGMA)
        images = views.images.contiguous(memory_format=torch.channels_last)
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
        fingerprint={
            "preset": arguments.preset,
            "input_size": size,
            "synthetic_fraction": arguments.synthetic_fraction,
            "augment": arguments.augment,
        },
        describe=describe,
        pictures=lambda network: {"maps": map_sheet(network, held_out, size, margin)},
    )
    if loop.accelerator.is_main_process:
        begin_provenance(arguments, "hourglass", people.source, people.names)
    people, held_out, weights = people.to(loop.device), held_out.to(loop.device), weights.to(loop.device)
    loop.accelerator.print(f"{len(people)} people to train on, {len(held_out)} to validate on")
    return loop


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
