"""Put a trained finder into a checkpoint: ``python -m train.attach_finder --finder runs/finder --checkpoint DIR``.

The folder is replaced as a whole, with its card and figures as they were; everything else in it stays.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from fusion_model.checkpoints import CARD_FILE, check_state, read_metrics
from fusion_model.config import FinderConfig
from fusion_model.estimator import PoseEstimator
from fusion_model.finder import FinderNetwork
from train.card import STALE
from train.command import run_command
from train.engine.budget import ENTRY, budgets
from train.engine.checkpoints import read_weights

CONFIG_FILE = "finder.json"  # in the run's folder


def read_finder(source: Path) -> tuple[FinderConfig, FinderNetwork]:
    """The finder of a run of ``train.finder``, or of a checkpoint that has one.

    Raises:
        FileNotFoundError: if there is neither.
        ValueError: if the checkpoint has no finder, or the tensors do not fit; says so.
    """
    path = source / CONFIG_FILE
    if not path.is_file():
        estimator = PoseEstimator.from_pretrained(source, device="cpu")
        if estimator.finder is None:
            raise ValueError(f"{source} is a checkpoint without a finder: name a run of train.finder instead")
        return estimator.config.finder, estimator.finder
    try:
        config = FinderConfig(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}): run train.finder again") from error
    network, weights = FinderNetwork(config), read_weights(source)
    check_state(network, weights)
    network.load_state_dict(weights)
    return config, network


def attach(estimator: PoseEstimator, config: FinderConfig, network: FinderNetwork) -> PoseEstimator:
    """The same estimator with that finder."""
    return PoseEstimator(
        dataclasses.replace(estimator.config, finder=config),
        estimator.hourglass,
        estimator.fusion_network,
        estimator.name,
        network,
    )


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = argparse.ArgumentParser(prog="python -m train.attach_finder", description=__doc__)
    arguments.add_argument(
        "--finder", type=Path, required=True, help="run of train.finder, or checkpoint with a finder"
    )
    arguments.add_argument("--checkpoint", type=Path, required=True, help="folder that gets it")
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    estimator = PoseEstimator.from_pretrained(arguments.checkpoint, device="cpu")
    card = (arguments.checkpoint / CARD_FILE).read_text(encoding="utf-8")
    metrics = read_metrics(arguments.checkpoint)
    finder = read_finder(arguments.finder)
    others = {part: budget for part, budget in metrics.pop(ENTRY, {}).items() if part != "finder"}
    if known := others | budgets({"finder": arguments.finder}):
        metrics[ENTRY] = known
    attach(estimator, *finder).save_pretrained(arguments.checkpoint, card, metrics)
    print(f"{arguments.checkpoint} now has the finder of {arguments.finder}")
    print(STALE.format(folder=arguments.checkpoint))
    return 0


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
