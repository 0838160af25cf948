"""Train the detector: ``python -m train.detector --data DIR --run runs/detector``.

Run the same command again to continue a run that was cut; ``train.attach_detector`` puts the best network into a
checkpoint.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fusion_model.config import DetectorConfig
from train.command import common_arguments, new_parser, run_command
from train.detector_stage.training import make_loop
from train.engine.arguments import fraction, positive


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = new_parser("detector", __doc__)
    common_arguments(arguments, batch=32, learning_rate=2e-3, warmup=100, presets=False)
    arguments.add_argument(
        "--width", type=positive(int), default=DetectorConfig.width, help="channels of the backbone; a multiple of 4"
    )
    arguments.add_argument(
        "--hourglass", type=Path, help="run, checkpoint or safetensors file whose hourglass the backbone starts from"
    )
    arguments.add_argument(
        "--input-size", type=positive(int), default=DetectorConfig.input_size, help="pixels of the photo's side"
    )
    arguments.add_argument(
        "--freeze-front",
        action="store_true",
        help="leave the layers before the first halving to 1/8 as they are: faster",
    )
    arguments.add_argument(
        "--scene-fraction", type=fraction, default=0.6, help="fraction of whole photos, where --data has scenes"
    )
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    return 0 if make_loop(arguments).run() else 1


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
