"""Measure how fast photos become poses: ``python -m train.benchmark --inference``.

Seconds a photo of one person, end to end and in the bare networks, alone and beside a busy process, which it starts;
and with other ways of sharing the work among threads.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fusion_model.estimator import PoseEstimator
from fusion_model.hub.checkpoints import DEFAULT
from train.command import new_parser, run_command
from train.engine.arguments import positive
from train.evaluation.inference_times import photos_of_one, report


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = new_parser("benchmark", __doc__)
    arguments.add_argument("--inference", action="store_true", required=True, help="what is measured: estimates")
    arguments.add_argument("--checkpoint", default=DEFAULT, help="a folder, a Hub id, or the bundled one")
    arguments.add_argument("--photos", type=Path, default=Path("assets/examples"), help="folder of photos")
    arguments.add_argument("--count", type=positive(int), default=16, help="photos of one person, at most")
    arguments.add_argument("--rounds", type=positive(int), default=10, help="over the photos")
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    estimator = PoseEstimator.from_pretrained(arguments.checkpoint)
    photos = photos_of_one(estimator, arguments.photos, arguments.count)
    print(*report(arguments.checkpoint, photos, arguments.rounds), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
