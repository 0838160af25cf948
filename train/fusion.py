"""Train the fusion network on a trained hourglass: ``python -m train.fusion --hourglass runs/hourglass ...``.

First with soft weights (Eq. 3, loss of Eq. 4), then with the weights hardened to 0 and 1, then pruned; the errors of
all three are printed. Run the same command again to continue a run that was cut. With ``--action-specific`` a network
for each action of a prepared set, in a folder each; ``train.evaluate --protocol`` measures them together.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

import torch

from fusion_model.fusion import FusionNetwork
from train.command import run_command, training_parser
from train.data.sources import find_actions
from train.detector_stage.attach import read_detector
from train.engine.arguments import read_settings
from train.engine.checkpoints import is_released
from train.engine.loop import start_accelerator, start_warm
from train.engine.provenance import begin_provenance
from train.engine.run_files import check_settings
from train.fusion_stage.samples import fusion_fingerprint
from train.fusion_stage.training import (
    ACTIONS,
    Trainer,
    action_checkpoint,
    fusion_config,
    load_hourglass,
    sample_settings,
)
from train.settings import FusionTrainConfig


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = training_parser(FusionTrainConfig, __doc__)
    arguments.add_argument("--hourglass", type=Path, required=True, help="run, checkpoint or safetensors file")
    arguments.add_argument(
        "--action-specific", action="store_true", help="a network for each action of the data, in RUN/<action>"
    )
    arguments.add_argument(
        "--cache", type=Path, help="folder that keeps the crops and their maps, for further runs; default: none is kept"
    )
    arguments.add_argument(
        "--detector",
        type=Path,
        help="run of train.detector, or checkpoint with a detector, to put into the new checkpoint",
    )
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    settings = read_settings(FusionTrainConfig, arguments)
    return 0 if (train_actions if arguments.action_specific else train)(settings, arguments) else 1


def train_actions(settings: FusionTrainConfig, arguments: argparse.Namespace) -> bool:
    """A run for each action of the data, in ``RUN/<action>``, finished ones are kept; False if one was stopped.

    Raises:
        ValueError: if the people have no action, or the folder was begun with other settings.
    """
    out, accelerator = arguments.run, start_accelerator()
    actions = find_actions(arguments.data)
    if (out / "checkpoints").exists():
        raise ValueError(f"{out} is a run for all actions: choose another --run")
    config = fusion_config(settings, arguments.hourglass)
    hourglass, samples = load_hourglass(config, arguments.hourglass), sample_settings(config, settings)
    shared = settings.fixed() | {"actions": actions}
    shared["data and hourglass"] = fusion_fingerprint(arguments.data, samples, hourglass, accelerator.device)
    with accelerator.main_process_first():
        check_settings(out, ACTIONS, shared, option="--run")
    for number, action in enumerate(actions, 1):
        if action_checkpoint(out, action).is_dir():
            accelerator.print(f"{number}/{len(actions)} {action}: finished before")
            continue
        accelerator.print(f"{number}/{len(actions)} {action}")
        own = {"run": out / action, "cache": arguments.cache / action if arguments.cache else None}
        if not train(dataclasses.replace(settings, action=action), argparse.Namespace(**(vars(arguments) | own))):
            return False
    return True


def train(settings: FusionTrainConfig, arguments: argparse.Namespace) -> bool:
    """One run; False if a signal ended it before its last step."""
    run, origin = arguments.run, arguments.hourglass
    detector = read_detector(arguments.detector) if arguments.detector else None  # refused now, not at the end
    config = fusion_config(settings, origin)
    hourglass = load_hourglass(config, origin)
    torch.manual_seed(settings.seed)  # of the initial weights
    network = FusionNetwork(config.fusion)
    start_warm(network, arguments.init_from, run, "fusion")
    if network.config.has_soft_weights and not network.is_soft:
        start_accelerator().print("its weights were hardened before: they stay so, and there is no soft phase")
    trainer = Trainer(config, hourglass, network, settings, run)
    if trainer.loop.step >= settings.steps and is_released(run):
        trainer.loop.accelerator.print(f"finished before: {run / 'checkpoint'} is left as it is")
        return True
    trainer.build_data(arguments.data, arguments.cache)
    if trainer.loop.accelerator.is_main_process:
        source = trainer.samples.source
        begin_provenance(run, trainer.settings, arguments.init_from, source, trainer.names, settings.crops)
    if not trainer.loop.run():
        return False
    if trainer.loop.accelerator.is_main_process:
        trainer.finish(detector, {"hourglass": origin, "detector": arguments.detector})
    return not trainer.loop.stop_reason


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
