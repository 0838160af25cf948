"""Measure how fast networks train, ``python -m train.benchmark --training --data data``, or photos become poses.

``--training``, for the hourglass and the fusion network: images a second of the bare forward pass, backward pass and
optimiser step on inputs that lie ready, beside those of the training loop with its data and augmentation.

``--inference``: seconds a photo of one person, end to end and in the bare networks, alone and beside a busy process,
which it starts; and with other ways of sharing the work among threads.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from fusion_model.estimator import PoseEstimator
from fusion_model.fusion import FusionNetwork
from fusion_model.hourglass import StackedHourglass
from fusion_model.hub.checkpoints import DEFAULT
from fusion_model.presets import PRESETS
from train.command import new_parser, run_command
from train.engine.arguments import positive
from train.engine.loop import Loop
from train.evaluation.inference_times import photos_of_one, report
from train.fusion_stage.timing import random_inputs, take_turns
from train.fusion_stage.training import Trainer
from train.hourglass_stage import make_loop
from train.losses import fusion_loss, heatmap_loss
from train.settings import FusionTrainConfig, HourglassTrainConfig

_ROUNDS = 3  # bare and whole take turns, so that a busy machine slows both; the median counts
_Loss = Callable[[nn.Module, int, torch.Generator | None], tuple[Tensor, dict[str, float]]]


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = new_parser("benchmark", __doc__)
    what = arguments.add_mutually_exclusive_group(required=True)
    what.add_argument("--training", action="store_true", help="measure training")
    what.add_argument("--inference", action="store_true", help="measure estimates")
    arguments.add_argument("--checkpoint", default=DEFAULT, help="--inference: a folder, a Hub id, or the bundled one")
    arguments.add_argument(
        "--photos", type=Path, default=Path("assets/examples"), help="--inference: folder or zip of photos"
    )
    arguments.add_argument("--count", type=positive(int), default=16, help="--inference: photos of one person, at most")
    arguments.add_argument("--rounds", type=positive(int), default=10, help="--inference: over the photos")
    arguments.add_argument("--data", type=Path, help="--training: folder of data sets, or what train.pack made")
    arguments.add_argument("--preset", choices=sorted(PRESETS), default="compact", help="sizes of the networks")
    arguments.add_argument("--hourglass-batch", type=positive(int), default=24, help="images a step")
    arguments.add_argument("--fusion-batch", type=positive(int), default=64, help="images a step")
    arguments.add_argument("--steps", type=positive(int), default=30, help="steps of each kind that are timed")
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    if arguments.inference:
        estimator = PoseEstimator.from_pretrained(arguments.checkpoint)
        photos = photos_of_one(estimator, arguments.photos, arguments.count)
        print(*report(arguments.checkpoint, photos, arguments.rounds), sep="\n")
    elif arguments.data is None:
        parser().error("--training needs --data")
    else:
        _measure_training(arguments)
    return 0


def _measure_training(arguments: argparse.Namespace) -> None:
    """Print the rates of both networks."""
    with tempfile.TemporaryDirectory() as folder:
        common = {"preset": arguments.preset, "log": "csv"}
        settings = HourglassTrainConfig(batch=arguments.hourglass_batch, **common)
        loop = make_loop(settings, arguments.data, Path(folder, "hourglass"))
        _compare("hourglass", loop, _bare_hourglass(loop, arguments.hourglass_batch), arguments)
        settings = FusionTrainConfig(batch=arguments.fusion_batch, crops=1, **common)
        config = PRESETS[arguments.preset]
        stacks = StackedHourglass(config.hourglass).eval().to(memory_format=torch.channels_last)
        trainer = Trainer(config, stacks, FusionNetwork(config.fusion), settings, Path(folder, "fusion"))
        trainer.build_data(arguments.data)
        _compare("fusion", trainer.loop, _bare_fusion(trainer.loop, settings.batch), arguments)


def _bare_hourglass(loop: Loop, batch: int) -> _Loss:
    """The loss on tensors that lie ready."""
    config = loop.module.config
    (images,) = random_inputs(loop.module, batch)
    maps = torch.rand(batch, config.joints, config.map_size, config.map_size, device=loop.device)
    weight = torch.ones(batch, config.joints, device=loop.device)
    return lambda network, _step, _generator: (heatmap_loss(network(images), maps, weight), {})


def _bare_fusion(loop: Loop, batch: int) -> _Loss:
    """The loss on tensors that lie ready."""
    config = loop.module.config
    inputs = random_inputs(loop.module, batch)
    pose = torch.zeros(batch, config.joints, 3, device=loop.device)
    return lambda network, _step, _generator: (fusion_loss(network(*inputs), pose, loop.module), {})


def _compare(name: str, loop: Loop, bare: _Loss, arguments: argparse.Namespace) -> None:
    """Print the rates of both, and their ratio."""
    steps = max(1, arguments.steps // _ROUNDS)
    calls = {"bare": lambda: _bare_step(loop, bare), "loop": loop.train_step}
    rounds = {kind: lambda call=call: [call() for _ in range(steps)] for kind, call in calls.items()}
    seconds = take_turns(rounds, loop.device, _ROUNDS)
    images = steps * loop.settings.batch
    print(line(name, images / seconds["bare"], images / seconds["loop"]), flush=True)


def line(name: str, bare: float, loop: float) -> str:
    """What is printed for two rates, images a second."""
    return f"{name:10} bare {bare:8.4g} images/s   loop {loop:8.4g} images/s   ratio {100 * loop / bare:5.1f} %"


def _bare_step(loop: Loop, loss: _Loss) -> None:
    """Forward pass, backward pass and optimiser step alone: no clipping, averaging, checks or seeds."""
    loop.network.train()
    value, _ = loss(loop.network, loop.step, None)
    loop.accelerator.backward(value)
    loop.optimiser.step()
    loop.optimiser.zero_grad(set_to_none=True)


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
