"""Put a trained detector into a checkpoint: ``python -m train.attach_detector --detector runs/detector --checkpoint DIR``.

The folder is replaced as a whole, with its card and figures as they were; everything else in it stays.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from fusion_model.config import DetectorConfig
from fusion_model.detection.detector import PersonDetector
from fusion_model.estimator import PoseEstimator
from fusion_model.hub.checkpoints import CARD_FILE, check_state, read_metrics
from train.command import run_command
from train.engine.checkpoints import read_weights
from train.engine.provenance import ENTRY, provenances
from train.evaluation.card import STALE

CONFIG_FILE = "detector.json"  # in the run's folder


def read_detector(source: Path) -> tuple[DetectorConfig, PersonDetector]:
    """The detector of a run of ``train.detector``, or of a checkpoint that has one.

    Raises:
        FileNotFoundError: if there is neither.
        ValueError: if the checkpoint has no detector, or the tensors do not fit; says so.
    """
    path = source / CONFIG_FILE
    if not path.is_file():
        estimator = PoseEstimator.from_pretrained(source, device="cpu")
        if estimator.detector is None:
            raise ValueError(f"{source} is a checkpoint without a detector: name a run of train.detector instead")
        return estimator.config.detector, estimator.detector
    try:
        config = DetectorConfig(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}): run train.detector again") from error
    network, weights = PersonDetector(config), read_weights(source)
    check_state(network, weights)
    network.load_state_dict(weights)
    return config, network


def attach(estimator: PoseEstimator, config: DetectorConfig, network: PersonDetector) -> PoseEstimator:
    """The same estimator with that detector."""
    return PoseEstimator(
        dataclasses.replace(estimator.config, detector=config),
        estimator.hourglass,
        estimator.fusion_network,
        estimator.name,
        network,
    )


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = argparse.ArgumentParser(prog="python -m train.attach_detector", description=__doc__)
    arguments.add_argument(
        "--detector", type=Path, required=True, help="run of train.detector, or checkpoint with a detector"
    )
    arguments.add_argument("--checkpoint", type=Path, required=True, help="folder that gets it")
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    estimator = PoseEstimator.from_pretrained(arguments.checkpoint, device="cpu")
    card = (arguments.checkpoint / CARD_FILE).read_text(encoding="utf-8")
    metrics = read_metrics(arguments.checkpoint)
    detector = read_detector(arguments.detector)
    others = {part: budget for part, budget in metrics.pop(ENTRY, {}).items() if part != "detector"}
    if known := others | provenances({"detector": arguments.detector}):
        metrics[ENTRY] = known
    attach(estimator, *detector).save_pretrained(arguments.checkpoint, card, metrics)
    print(f"{arguments.checkpoint} now has the detector of {arguments.detector}")
    print(STALE.format(folder=arguments.checkpoint))
    return 0


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
