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
import torch

from fusion_model.estimator import PoseEstimator
from fusion_model.metrics import expected_calibration_error, reliability_table
from fusion_model.pose import Pose
from fusion_model.skeletons import HUMAN36M_17, MPII_16
from train.command import new_parser, run_command
from train.data.readers.registry import SETS, data_set
from train.data.scenes import find_scenes
from train.data.source import SYNTHETIC, Source
from train.data.sources import find_sources
from train.evaluation.card import figure_lines, write_card
from train.evaluation.end_to_end import (
    LIMBS_16,
    LIMBS_17,
    PEOPLE,
    Truth,
    estimate_people,
    labelled_people,
    limb_hits,
    mirrored_share,
    person_scores,
    pose_tables,
    second_peaks,
    with_error,
)
from train.evaluation.protocols import NAMES, measure_protocol
from train.evaluation.scenes import scene_figures
from train.fusion_stage.pose_figures import mean_pose

_SECOND_PEAK = 0.5  # of the first one's height, from which a map has two peaks


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


def measure(estimator: PoseEstimator, sources: list[Source], mean: dict[str, np.ndarray]) -> dict[str, dict]:
    """All figures of a checkpoint.

    Args:
        estimator: what to measure.
        sources: data sets, of whose validation people it is measured on those who are labelled.
        mean: (17, 3) mm, the mean pose of the ``photos`` and of the ``synthetic`` people trained on.

    Raises:
        ValueError: if there is nobody to measure on, or two sources of one name have people held out.
    """
    people = labelled_people(sources)
    names = [source.name for source, _ in people]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"several sets called {repeated[0]} have people held out: leave one of them in --data")
    kinds = ("true box", "mirror joints", "end to end", "3D", "rendered 3D", PEOPLE)
    figures: dict[str, dict] = {kind: {} for kind in kinds}
    tested = [np.zeros((0, 3))]
    for source, truth in people:
        rows, known = truth.rows, data_set(source.name)
        poses = estimate_people(estimator, source, rows, boxed=True)
        _add_rows(figures, "true box", source, rows, person_scores(poses, truth))
        _add_rows(figures, "mirror joints", source, rows, mirrored_share(poses, truth))
        if source.name == SYNTHETIC:
            figures["rendered 3D"] = pose_tables(poses, source, rows, mean[SYNTHETIC])
            continue
        if known.whole_photos:
            found = estimate_people(estimator, source, rows, boxed=False)
            _add_rows(figures, "end to end", source, rows, person_scores(found, truth))
        elif source.pose_weight[rows].any():
            figures["3D"][source.name] = pose_tables(poses, source, rows, mean["photos"])["all"]
        if not known.agreed:
            tested.append(_tested_confidence(poses, truth))
    joints = np.concatenate(tested)
    parts = {"calibration": joints, "calibration, two peaks": joints[joints[:, 2] >= _SECOND_PEAK]}
    return figures | {name: _calibration(part[:, 0], part[:, 1] > 0) for name, part in parts.items() if len(part)}


def _training_mean(sources: list[Source], kind: str) -> np.ndarray:
    """(17, 3) mean pose of the training people whose 3D is known: of photos, or of rendered people where there are."""
    training = [source for source in sources if not source.validation.all()]
    chosen = [source for source in training if (source.name == SYNTHETIC) == (kind == SYNTHETIC)] or training or sources
    poses = np.concatenate([source.pose[~source.validation] for source in chosen])
    weight = np.concatenate([source.pose_weight[~source.validation] for source in chosen])
    return mean_pose(poses, weight)


def _add_rows(figures: dict[str, dict], kind: str, source: Source, rows: np.ndarray, scores: np.ndarray) -> None:
    """Mean score (N,), NaN for people without, and each person's; whole sports photos upright and upside down apart."""
    parts = {source.name: np.ones(len(rows), bool)}
    if data_set(source.name).whole_photos:
        neck, pelvis = (source.joints[rows, MPII_16.index(name), 1] for name in ("neck", "pelvis"))
        parts = {f"{source.name}, upright": neck <= pelvis, f"{source.name}, upside down": neck > pelvis}
    unit = "mirrored" if kind == "mirror joints" else "pck"
    for name, part in parts.items():
        mine = part & ~np.isnan(scores)
        if mine.any():
            figures[kind][name] = with_error(scores[mine], unit)
            called = [str(row) if source.photos is None else f"{row} {source.photos[row]}" for row in rows[mine]]
            figures[PEOPLE].setdefault(kind, {})[name] = dict(zip(called, scores[mine].tolist(), strict=True))


def _tested_confidence(poses: list[Pose | None], truth: Truth) -> np.ndarray:
    """(K, 3) confidence, correctness and second peak of the labelled joints of odd people, unseen by calibration."""
    tested = [number for number in range(1, len(poses), 2) if poses[number] is not None]
    shape = (-1, len(LIMBS_17))
    confidence = np.array([poses[number].confidence[LIMBS_17] for number in tested]).reshape(shape)
    peaks = [second_peaks(torch.from_numpy(poses[number].heatmaps))[LIMBS_16].numpy() for number in tested]
    correct, labelled = (values[tested] for values in limb_hits(poses, truth))
    return np.stack((confidence, correct, np.array(peaks).reshape(shape)), -1)[labelled]


def _calibration(confidence: np.ndarray, correct: np.ndarray) -> dict:
    """Expected calibration error and the reliability table."""
    rows = [row for row in reliability_table(confidence, correct) if row.count]
    table = [{"confidence": row.confidence, "correct": row.accuracy, "n": row.count} for row in rows]
    error = expected_calibration_error(confidence, correct)
    return {"n": len(correct), "expected_calibration_error": error, "reliability": table}


def print_figures(figures: dict[str, dict]) -> None:
    """Print the tables, as the card has them."""
    scores = ", ".join(f"{name} from score {one.teacher_score}" for name, one in SETS.items() if one.teacher_score)
    print("PCK@0.2, 12 limb joints, mean over people and its standard error, %")
    print(f"(hand labels or exact ones, but by teachers alone: {scores})\n", *figure_lines(figures), sep="\n")


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
