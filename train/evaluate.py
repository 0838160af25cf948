"""Measure a checkpoint on validation people: ``python -m train.evaluate --data DIR --checkpoint DIR``.

In the true box, end to end, on whole photos with everyone boxed, in 3D beside the mean pose of the training people in
``--data``, and the calibration of the confidence. ``--card`` writes the figures into the checkpoint's card, ``--out``
with each person's scores into a file, which ``train.compare`` takes. With ``--protocol``, a published protocol on one
folder of ``train.prepare`` instead, beside what the paper prints.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from fusion_model.estimator import PoseEstimator
from fusion_model.skeletons import HUMAN36M_17
from train.command import new_parser, run_command
from train.data.readers.registry import SETS
from train.data.scenes import find_scenes
from train.data.source import SYNTHETIC, Source
from train.data.sources import find_sources
from train.evaluation.card import figure_lines, write_card
from train.evaluation.end_to_end import measure
from train.evaluation.protocols import NAMES, measure_protocol
from train.evaluation.scenes import scene_figures
from train.fusion_stage.pose_figures import mean_pose


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = new_parser("evaluate", __doc__)
    arguments.add_argument("--data", type=Path, required=True, help="folder of data sets, see docs/data.md")
    arguments.add_argument(
        "--checkpoint", type=Path, default=Path("assets/checkpoints/default"), help="what to measure"
    )
    arguments.add_argument(
        "--protocol", choices=NAMES, help="a published protocol, on a folder of train.prepare; people-3d: of data sets"
    )
    arguments.add_argument("--out", type=Path, help="also write the figures as JSON; with --protocol a folder")
    arguments.add_argument("--card", action="store_true", help="write the figures into the checkpoint's card")
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    if arguments.protocol:
        return run_protocol(arguments)
    if arguments.out and not arguments.out.parent.is_dir():
        raise FileNotFoundError(f"--out {arguments.out}: there is no folder {arguments.out.parent}")
    estimator = PoseEstimator.from_pretrained(arguments.checkpoint)
    if (joints := estimator.config.fusion.skeleton) != HUMAN36M_17.name:
        raise ValueError(f"{arguments.checkpoint} puts out {joints}, expected {HUMAN36M_17.name}: use --protocol")
    sources = find_sources(arguments.data)
    mean = {name: _training_mean(sources, name) for name in ("photos", SYNTHETIC)}
    figures = measure(estimator, sources, mean)
    if scenes := find_scenes(arguments.data):
        figures["scenes"] = scene_figures(estimator, scenes)
    print_figures(figures)
    if arguments.out:
        arguments.out.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    if arguments.card:
        write_card(arguments.checkpoint, estimator, figures)
    return 0


def run_protocol(arguments: argparse.Namespace) -> int:
    """Measure by ``--protocol``, print the table and write it into the folder ``--out``; returns the exit status."""
    if arguments.card:
        raise ValueError("--protocol measures one data set and writes no card: leave --card away")
    if arguments.out and arguments.out.is_file():
        raise ValueError(f"--out {arguments.out} is a file: with --protocol it is the folder that the table goes into")
    table = measure_protocol(arguments.protocol, arguments.data, arguments.checkpoint)
    print(table.to_markdown())
    if arguments.out:
        for path in table.write(arguments.out, arguments.protocol):
            print(f"written: {path}")
    return 0


def _training_mean(sources: list[Source], kind: str) -> np.ndarray:
    """(17, 3) mean pose of the training people whose 3D is known: of photos, or of rendered people where there are."""
    training = [source for source in sources if not source.validation.all()]
    chosen = [source for source in training if (source.name == SYNTHETIC) == (kind == SYNTHETIC)] or training or sources
    poses = np.concatenate([source.pose[~source.validation] for source in chosen])
    weight = np.concatenate([source.pose_weight[~source.validation] for source in chosen])
    return mean_pose(poses, weight)


def print_figures(figures: dict[str, dict]) -> None:
    """Print the tables, as the card has them."""
    scores = ", ".join(f"{name} from score {one.teacher_score}" for name, one in SETS.items() if one.teacher_score)
    print("PCK@0.2, 12 limb joints, mean over people and its standard error, %")
    print(f"(hand labels or exact ones, but by teachers alone: {scores})\n", *figure_lines(figures), sep="\n")


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
