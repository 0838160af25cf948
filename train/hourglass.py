"""Train the stacked hourglass: ``python -m train.hourglass --data DIR --run runs/hourglass``.

Run the same command again to continue a run that was cut.
"""

from __future__ import annotations

import argparse
import sys

from train.command import common_arguments, new_parser, run_command
from train.engine.arguments import positive
from train.hourglass_stage.training import make_loop


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = new_parser("hourglass", __doc__)
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


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
