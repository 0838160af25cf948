"""Train the detector: ``python -m train.detector --data DIR --run runs/detector``.

Run the same command again to continue a run that was cut; ``train.attach_detector`` puts the best network into a
checkpoint.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from train.command import run_command, training_parser
from train.detector_stage.training import make_loop
from train.engine.arguments import read_settings
from train.settings import DetectorTrainConfig


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = training_parser(DetectorTrainConfig, __doc__)
    arguments.add_argument(
        "--hourglass", type=Path, help="run, checkpoint or safetensors file whose hourglass the backbone starts from"
    )
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    settings = read_settings(DetectorTrainConfig, arguments)
    loop = make_loop(settings, arguments.data, arguments.run, arguments.init_from, arguments.hourglass)
    return 0 if loop.run() else 1


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
