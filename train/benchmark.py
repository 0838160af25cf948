"""Measure how fast networks train: ``python -m train.benchmark --training --preset compact``.

For the hourglass and the fusion network: images a second of the bare forward pass, backward pass and optimiser step on
tensors that lie ready, beside those of the training loop with its data and augmentation.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from fusion_model.config import PRESETS
from fusion_model.fusion import FusionNetwork, fusion_loss
from fusion_model.hourglass import StackedHourglass
from train import fusion, hourglass
from train.command import positive, run_command
from train.engine.loop import Loop
from train.fusion_stage.training import Trainer

_ROUNDS = 3  # bare and whole take turns, so that a busy machine slows both; the median counts
_Loss = Callable[[nn.Module, int, torch.Generator | None], tuple[Tensor, dict[str, float]]]


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = argparse.ArgumentParser(
        prog="python -m train.benchmark", description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    arguments.add_argument("--training", action="store_true", required=True, help="measure training")
    arguments.add_argument("--data", type=Path, required=True, help="folder of data sets, or what train.pack made")
    arguments.add_argument("--preset", choices=sorted(PRESETS), default="compact", help="sizes of the networks")
    arguments.add_argument("--hourglass-batch", type=positive(int), default=24, help="images a step")
    arguments.add_argument("--fusion-batch", type=positive(int), default=64, help="images a step")
    arguments.add_argument("--steps", type=positive(int), default=30, help="steps of each kind that are timed")
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    with tempfile.TemporaryDirectory() as folder:
        common = ["--data", str(arguments.data), "--preset", arguments.preset, "--log", "csv"]
        options = [*common, "--run", f"{folder}/hourglass", "--batch", str(arguments.hourglass_batch)]
        loop = hourglass.make_loop(hourglass.parser().parse_args(options))
        _compare("hourglass", loop, _bare_hourglass(loop, arguments.hourglass_batch), arguments)
        options = [*common, "--run", f"{folder}/fusion", "--batch", str(arguments.fusion_batch), "--views", "1"]
        settings = fusion.parser().parse_args([*options, "--hourglass", folder])
        config = PRESETS[arguments.preset]
        stacks = StackedHourglass(config.hourglass).eval().to(memory_format=torch.channels_last)
        trainer = Trainer(config, stacks, FusionNetwork(config.fusion), settings)
        trainer.take_views()
        _compare("fusion", trainer.loop, _bare_fusion(trainer.loop, settings), arguments)
    return 0


def _bare_hourglass(loop: Loop, batch: int) -> _Loss:
    """The loss on tensors that lie ready."""
    config = loop.module.config
    images = torch.rand(batch, 3, config.input_size, config.input_size, device=loop.device)
    images = images.to(memory_format=torch.channels_last)
    maps = torch.rand(batch, config.joints, config.map_size, config.map_size, device=loop.device)
    weight = torch.ones(batch, config.joints, device=loop.device)
    return lambda network, _step, _generator: (hourglass.heatmap_loss(network(images), maps, weight), {})


def _bare_fusion(loop: Loop, settings: argparse.Namespace) -> _Loss:
    """The loss on tensors that lie ready."""
    config, batch = loop.module.config, settings.batch
    images = torch.rand(batch, 3, config.input_size, config.input_size, device=loop.device)
    maps = torch.rand(batch, config.map_joints, config.input_size, config.input_size, device=loop.device)
    pose = torch.zeros(batch, config.joints, 3, device=loop.device)
    return lambda network, _step, _generator: (fusion_loss(network(images, maps), pose, loop.module), {})


def _compare(name: str, loop: Loop, bare: _Loss, arguments: argparse.Namespace) -> None:
    """Print the rates of both, and their ratio."""
    calls = {"bare": lambda: _bare_step(loop, bare), "loop": loop.train_step}
    rates: dict[str, list[float]] = {kind: [] for kind in calls}
    steps = max(1, arguments.steps // _ROUNDS)
    for number in range(_ROUNDS + 1):  # the first round only warms up
        for kind, call in calls.items():
            rate = _rate(loop, call, steps if number else min(steps, 3))
            rates[kind] += [rate] if number else []
    print(line(name, rates["bare"], rates["loop"]), flush=True)


def line(name: str, bare: Sequence[float], whole: Sequence[float]) -> str:
    """What is printed for the rates of several rounds."""
    one, other = statistics.median(bare), statistics.median(whole)
    return f"{name:10} bare {one:8.1f} images/s   loop {other:8.1f} images/s   ratio {100 * other / one:5.1f} %"


def _bare_step(loop: Loop, loss: _Loss) -> None:
    """Forward pass, backward pass and optimiser step alone: no clipping, averaging, checks or seeds."""
    loop.network.train()
    value, _ = loss(loop.network, loop.step, None)
    loop.accelerator.backward(value)
    loop.optimiser.step()
    loop.optimiser.zero_grad(set_to_none=True)


def _rate(loop: Loop, call: Callable[[], object], steps: int) -> float:
    """Images a second."""
    began = time.perf_counter()
    for _ in range(steps):
        call()
    if loop.device.type == "cuda":
        torch.cuda.synchronize(loop.device)
    return steps * loop.settings.batch / (time.perf_counter() - began)


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
