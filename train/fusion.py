"""Train the fusion network on a trained hourglass: ``python -m train.fusion --hourglass runs/hourglass ...``.

First with soft weights (Eq. 3, loss of Eq. 4), then with the weights hardened to 0 and 1, then pruned; the errors of
all three are printed. Run the same command again to continue a run that was cut.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from fusion_model.fusion import FusionNetwork
from train.command import run_command, training_parser
from train.data.sources import data_fingerprint
from train.detector import read_detector
from train.engine.arguments import read_settings
from train.engine.checkpoints import is_released
from train.engine.loop import start_accelerator, start_warm
from train.engine.provenance import begin_provenance
from train.fusion_stage.training import Trainer, fusion_config, load_hourglass
from train.settings import FusionTrainConfig


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = training_parser(FusionTrainConfig, __doc__)
    arguments.add_argument("--hourglass", type=Path, required=True, help="run, checkpoint or safetensors file")
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
    """Run the command; returns the exit status: 1 if a signal ended the run before its last step."""
    settings, run, origin = read_settings(FusionTrainConfig, arguments), arguments.run, arguments.hourglass
    detector = read_detector(arguments.detector) if arguments.detector else None  # refused now, not at the end
    config = fusion_config(settings, origin)
    hourglass = load_hourglass(config, origin)
    torch.manual_seed(settings.seed)  # of the initial weights
    network = FusionNetwork(config.fusion)
    start_warm(network, arguments.init_from, run, "fusion")
    if network.config.has_soft_weights and not network.is_soft:
        start_accelerator().print("its weights were hardened before: they stay so, and there is no soft phase")
    trainer = Trainer(config, hourglass, network, settings, run, data_fingerprint(arguments.data))
    loop = trainer.loop
    if loop.step >= settings.steps and is_released(run):
        loop.accelerator.print(f"finished before: {run / 'checkpoint'} is left as it is")
        return 0
    trainer.build_data(arguments.data, arguments.cache)
    if loop.accelerator.is_main_process:
        source = trainer.samples.source
        begin_provenance(run, trainer.settings, arguments.init_from, source, trainer.names, settings.crops)
    finished = loop.run()
    if finished and loop.accelerator.is_main_process:
        trainer.finish(detector, {"hourglass": origin, "detector": arguments.detector})
    return 0 if finished and not loop.stop_reason else 1


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
