"""Train the stacked hourglass: ``python -m train.hourglass --data DIR --run runs/hourglass``.

Run the same command again to continue a run that was cut.
"""

from __future__ import annotations

import argparse
import sys

from train.command import run_command, training_parser
from train.engine.arguments import read_settings
from train.hourglass_stage import make_loop
from train.settings import HourglassTrainConfig


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    return training_parser(HourglassTrainConfig, __doc__)


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    settings = read_settings(HourglassTrainConfig, arguments)
    loop = make_loop(settings, arguments.data, arguments.run, arguments.init_from)
    resumed = "resumed" if loop.resume() else "started"
    loop.accelerator.print(f"{resumed} at step {loop.step} on {loop.device}; each validation prints PCK@0.2 in %")
    return 0 if loop.run() else 1


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
