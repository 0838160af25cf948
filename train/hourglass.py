"""Train the stacked hourglass: ``python -m train.hourglass --data DIR --run runs/hourglass``.

Run the same command again to continue a run that was cut.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from pathlib import Path

import torch
from torch import Tensor, nn

from fusion_model.config import PRESETS
from fusion_model.hourglass import StackedHourglass
from train.command import common_arguments, loop_settings, run_command
from train.data.augment import AugmentConfig, random_views, target_maps
from train.data.people import load_people
from train.data.sampling import draw, sampling_weights
from train.data.sources import find_sources
from train.engine.checkpoints import read_weights
from train.engine.loop import Loop, load_matching
from train.protocols.maps import maps_pck

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
    arguments.add_argument("--input-size", type=int, help="pixels of the crop's side while training (default: preset)")
    arguments.add_argument("--init-from", type=Path, help="run folder or safetensors file to warm-start from")
    arguments.add_argument("--benchmark", action="store_true", help="print images/s of loop and bare network, and stop")
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    preset = PRESETS[arguments.preset]
    size, margin = arguments.input_size or preset.hourglass.input_size, preset.crop.margin
    sources = find_sources(arguments.data)
    torch.manual_seed(arguments.seed)  # of the initial weights
    module = StackedHourglass(dataclasses.replace(preset.hourglass, input_size=size)).to(
        memory_format=torch.channels_last
    )
    if arguments.init_from:
        skipped = load_matching(module, read_weights(arguments.init_from))
        print(f"warm start from {arguments.init_from}; skipped: {', '.join(skipped) or 'nothing'}")
    held_out = load_people(sources, validation=True)
    people = load_people(sources, validation=False)
    augment = AugmentConfig()

    def loss(network: nn.Module, _step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        batch = people.take(draw(weights, arguments.batch, generator))
        views = random_views(batch, size, margin, augment, generator)
        target, weight = target_maps(views, SIGMA)
        images = views.images.contiguous(memory_format=torch.channels_last)
        return heatmap_loss(network(images), target, weight), {}

    loop = Loop(
        module,
        loss,
        lambda network: maps_pck(network, held_out, size, margin),
        loop_settings(arguments),
        arguments.run,
        better="mean",
        fingerprint={"preset": arguments.preset, "input_size": size, "batch": arguments.batch},
    )
    people, held_out = people.to(loop.device), held_out.to(loop.device)
    weights = sampling_weights(people.source, people.names, arguments.synthetic_share)
    if arguments.benchmark:
        _benchmark(loop, arguments.batch, size)
        return 0
    print("resumed" if loop.resume() else "started", f"at step {loop.step} with {len(people)} people on {loop.device}")
    return 0 if loop.run() else 1


def _benchmark(loop: Loop, batch: int, size: int, steps: int = 30) -> None:
    """Print the rate of the whole loop beside that of the bare network on the same tensors."""
    images = torch.rand(batch, 3, size, size, device=loop.device).to(memory_format=torch.channels_last)
    maps = torch.rand(batch, loop.module.config.joints, size // 4, size // 4, device=loop.device)
    weight = torch.ones(batch, loop.module.config.joints, device=loop.device)
    whole = loop.loss

    def bare(network: nn.Module, _step: int, _generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        return heatmap_loss(network(images), maps, weight), {}

    rates = {}
    for name, function in (("bare network", bare), ("whole loop", whole)):
        loop.loss = function
        for _ in range(3):
            loop.train_step()
        began = time.perf_counter()
        for _ in range(steps):
            loop.train_step()
        rates[name] = steps * batch / (time.perf_counter() - began)
        print(f"{name}: {rates[name]:.1f} images/s")
    print(f"the loop reaches {100 * rates['whole loop'] / rates['bare network']:.0f} % of the bare network's rate")


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
