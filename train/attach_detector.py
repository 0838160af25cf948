"""Put a trained detector into a checkpoint.

``python -m train.attach_detector --detector runs/detector --checkpoint DIR``

The folder is replaced as a whole, with its card and figures as they were; everything else in it stays.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

from fusion_model.estimator import PoseEstimator
from fusion_model.hub.checkpoints import CARD_FILE, read_metrics
from train.command import new_parser, run_command
from train.detector import read_detector
from train.engine.provenance import ENTRY, provenances
from train.evaluation.card import STALE


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = new_parser("attach_detector", __doc__)
    arguments.add_argument("--detector", type=Path, required=True, help="run of train.detector, or checkpoint with one")
    arguments.add_argument("--checkpoint", type=Path, required=True, help="folder that gets it")
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    estimator = PoseEstimator.from_pretrained(arguments.checkpoint, device="cpu")
    card = (arguments.checkpoint / CARD_FILE).read_text(encoding="utf-8")
    metrics = read_metrics(arguments.checkpoint)
    detector = read_detector(arguments.detector)
    others = {part: entry for part, entry in metrics.pop(ENTRY, {}).items() if part != "detector"}
    if known := others | provenances({"detector": arguments.detector}):
        metrics[ENTRY] = known
    config = dataclasses.replace(estimator.config, detector=detector.config)
    networks = (estimator.hourglass, estimator.fusion_network, estimator.name, detector)
    PoseEstimator(config, *networks).save_pretrained(arguments.checkpoint, card, metrics)
    print(f"{arguments.checkpoint} now has the detector of {arguments.detector}")
    print(STALE.format(folder=arguments.checkpoint))
    return 0


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
