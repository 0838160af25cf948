"""Train the fusion network on a trained hourglass: ``python -m train.fusion --hourglass runs/hourglass ...``.

First with soft weights (Eq. 3, loss of Eq. 4), then with the weights hardened to 0 and 1, then pruned; the errors of
all three are printed. Run the same command again to continue a run that was cut. With ``--action-specific`` a network
for each action of a prepared set, in a folder each; ``train.evaluate --protocol`` measures them together.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from fusion_model.config import STRATEGIES
from fusion_model.fusion import FusionNetwork
from train.command import common_arguments, new_parser, run_command
from train.detector_stage.attach import read_detector
from train.engine.arguments import at_least, positive, start_warm
from train.engine.checkpoints import is_released
from train.engine.loop import start_accelerator
from train.engine.provenance import begin_provenance
from train.fusion_stage.action_specific import train_actions
from train.fusion_stage.training import OUTPUTS, Trainer, fusion_arguments, fusion_config, load_hourglass


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = new_parser("fusion", __doc__)
    common_arguments(arguments, batch=64, learning_rate=1e-3)
    fusion_arguments(arguments)
    arguments.add_argument("--strategy", choices=STRATEGIES, default="trainable", help="how the streams merge")
    arguments.add_argument(
        "--skeleton", choices=OUTPUTS, default=OUTPUTS[0], help="joints that the network puts out, 17, 16, 14 or 15"
    )
    arguments.add_argument(
        "--action-specific", action="store_true", help="a network for each action of the data, in RUN/<action>"
    )
    arguments.add_argument("--fixed-beta", type=int, help="merging layer of the strategy 'fixed'")
    arguments.add_argument(
        "--cache", type=Path, help="folder that keeps the crops and their maps, for further runs; default: none is kept"
    )
    arguments.add_argument(
        "--pools",
        type=positive(int),
        default=1,
        help="sets of crops, drawn with seeds from --seed on, that take turns epoch by epoch; each takes memory of its "
        "own or, with --cache, files",
    )
    arguments.add_argument(
        "--head-steps",
        type=at_least(0, int),
        default=0,
        help="steps of 512 that train the fully connected layers of the pruned network further, on stored features",
    )
    arguments.add_argument(
        "--detector",
        type=Path,
        help="run of train.detector, or checkpoint with a detector, to put into the new checkpoint",
    )
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    if arguments.action_specific:
        return 0 if train_actions(arguments, train) else 1
    return 0 if train(arguments) else 1


def train(arguments: argparse.Namespace) -> bool:
    """One run; False if a signal or the time limit ended it before its last step."""
    detector = read_detector(arguments.detector) if arguments.detector else None  # refused now, not at the end
    config = fusion_config(arguments, arguments.strategy, arguments.fixed_beta, arguments.skeleton)
    hourglass = load_hourglass(config, arguments.hourglass)
    torch.manual_seed(arguments.seed)  # of the initial weights
    network = FusionNetwork(config.fusion)
    start_warm(network, arguments, "fusion")
    if network.config.has_soft_weights and not network.is_soft:
        start_accelerator().print("its weights were hardened before: they stay so, and there is no soft phase")
    trainer = Trainer(config, hourglass, network, arguments)
    if trainer.loop.step >= arguments.steps and is_released(arguments.run):
        trainer.loop.accelerator.print(f"finished before: {arguments.run / 'checkpoint'} is left as it is")
        return True
    trainer.take_data()
    if trainer.loop.accelerator.is_main_process:
        source = trainer.samples.source[: len(trainer.samples) - arguments.pairs]  # pairs show no person
        begin_provenance(arguments, "fusion", source, trainer.names, arguments.crops)
    if not trainer.loop.run():
        return False
    if trainer.loop.accelerator.is_main_process:
        trainer.finish(detector)
    return not trainer.loop.stop_reason


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
