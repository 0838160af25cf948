"""Measure a checkpoint on validation people: ``python -m train.evaluate --data DIR --checkpoint DIR``.

In the true box, end to end, on whole photos with everyone boxed, in 3D beside the training set's mean pose, the
calibration of the confidence, and negatives: crops that show nobody. ``--card`` writes the figures into the
checkpoint's card. With ``--protocol``, a published protocol on one folder of ``train.prepare`` instead, beside what the
paper prints.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

from fusion_model.estimator import PoseEstimator
from fusion_model.metrics import expected_calibration_error, reliability_table
from fusion_model.pose import Pose
from fusion_model.skeletons import HUMAN36M_17
from train.command import new_parser, run_command
from train.data.scenes import find_scenes
from train.data.source import SYNTHETIC, Source
from train.data.sources import find_sources
from train.evaluation.card import write_card
from train.evaluation.end_to_end import (
    LIMBS_17,
    TEACHER_SOURCES,
    Truth,
    estimate_people,
    grouped_table,
    labelled_people,
    limb_hits,
    on_canvases,
    person_scores,
    pose_table,
    upside_down,
    with_error,
)
from train.evaluation.negatives import negative_crops
from train.evaluation.registry import NAMES, measure_protocol
from train.evaluation.scenes import scene_figures, scene_lines
from train.fusion_stage.pose_figures import mean_pose

_TIMED = 60  # photos
WHOLE_PHOTOS = ("lspet",)  # sets whose validation photos are whole; people of the others are pasted on canvases


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = new_parser("evaluate", __doc__)
    arguments.add_argument("--data", type=Path, required=True, help="folder with lspet/ and people_*.npz + .zip")
    arguments.add_argument(
        "--checkpoint", type=Path, default=Path("assets/checkpoints/default"), help="what to measure"
    )
    arguments.add_argument(
        "--protocol", choices=NAMES, help="a published protocol, on a folder of train.prepare; people-3d: of data sets"
    )
    arguments.add_argument("--only", nargs="*", help="names of the sources to measure on (default: all)")
    arguments.add_argument("--seed", type=int, default=0, help="of the canvases")
    arguments.add_argument("--out", type=Path, help="also write the figures as JSON; with --protocol a folder")
    arguments.add_argument("--card", action="store_true", help="write the figures into the checkpoint's card")
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    if arguments.protocol:
        return run_protocol(arguments)
    if arguments.card and arguments.only:
        raise ValueError("--card writes the figures of all sources: leave --only away")
    if arguments.out and not arguments.out.parent.is_dir():
        raise FileNotFoundError(f"--out {arguments.out}: there is no folder {arguments.out.parent}")
    estimator = PoseEstimator.from_pretrained(arguments.checkpoint)
    if (joints := estimator.config.fusion.skeleton) != HUMAN36M_17.name:
        raise ValueError(f"{arguments.checkpoint} puts out {joints}, expected {HUMAN36M_17.name}: use --protocol")
    sources = find_sources(arguments.data)
    mean = {name: _training_mean(sources, name) for name in ("photos", SYNTHETIC)}
    if arguments.only:
        if unknown := sorted(set(arguments.only) - {source.name for source in sources}):
            known = ", ".join(sorted({source.name for source in sources}))
            raise ValueError(f"--only {' '.join(unknown)}: {arguments.data} has {known}")
        sources = [source for source in sources if source.name in arguments.only]
    figures = measure(estimator, sources, mean, arguments.seed)
    if not arguments.only and (scenes := find_scenes(arguments.data)):
        figures["scenes"] = scene_figures(estimator, scenes)
    print_figures(figures)
    if arguments.out:
        arguments.out.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    if arguments.card:
        write_card(arguments.checkpoint, estimator, figures)
    return 0


def run_protocol(arguments: argparse.Namespace) -> int:
    """Measure by ``--protocol``, print the table and write it into the folder ``--out``; returns the exit status."""
    if arguments.card or arguments.only:
        raise ValueError("--protocol measures one data set and writes no card: leave --card and --only away")
    if arguments.out and arguments.out.exists() and not arguments.out.is_dir():
        raise ValueError(f"--out {arguments.out} is a file: with --protocol it is the folder that the table goes into")
    table = measure_protocol(arguments.protocol, arguments.data, arguments.checkpoint)
    print(table.to_markdown())
    if arguments.out:
        for path in table.write(arguments.out, arguments.protocol):
            print(f"written: {path}")
    return 0


def measure(estimator: PoseEstimator, sources: list[Source], mean: dict[str, np.ndarray], seed: int) -> dict[str, dict]:
    """All figures of a checkpoint.

    Raises:
        ValueError: if there is nobody to measure on, or two sources of one name have people held out.
    """
    people = labelled_people(sources)
    names = [source.name for source, _ in people]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"several sets called {repeated[0]} have people held out: leave one of them in --data")
    figures: dict[str, dict] = {"true box": {}, "end to end": {}, "3D": {}, "rendered 3D": {}}
    confidence, correct = [], []
    negatives = [negative_crops(source) for source in sources]
    empty = [crop for crops in negatives for crop in crops]
    for source, truth in people:
        poses = estimate_people(estimator, source, truth.rows, boxed=True)
        scores = person_scores(poses, truth)
        _add_rows(figures["true box"], source, truth, scores)
        if source.name == SYNTHETIC:
            figures["rendered 3D"] = grouped_table(poses, source, truth.rows, mean[SYNTHETIC])
            continue
        part = _tested_confidence(poses, truth)
        confidence.append(part[0])
        correct.append(part[1])
        if source.name in WHOLE_PHOTOS:
            found = estimate_people(estimator, source, truth.rows, boxed=False)
            whole = person_scores(found, truth)
            _add_rows(figures["end to end"], source, truth, whole)
        else:
            if pasted := on_canvases(estimator, source, empty, seed):
                figures["end to end"][source.name] = pasted
            if source.pose_weight[truth.rows].any():
                figures["3D"][source.name] = pose_table(poses, source, truth.rows, mean["photos"])
    if any(map(len, confidence)):
        figures["calibration"] = calibration_figures(np.concatenate(confidence), np.concatenate(correct))
    if whole := [source for source in sources if source.name in WHOLE_PHOTOS and source.validation.any()]:
        figures["speed"] = speed_figures(estimator, whole[0])
    if tested := [crop for crops in negatives for crop in crops[1::2]]:  # the others were calibrated on
        figures["negatives"] = negative_figures(estimator, tested)
    return figures


def _training_mean(sources: list[Source], kind: str) -> np.ndarray:
    """(17, 3) mean pose of the training people whose 3D is known: of photos, or of rendered people where there are."""
    training = [source for source in sources if not source.validation.all()]
    chosen = [source for source in training if (source.name == SYNTHETIC) == (kind == SYNTHETIC)] or training or sources
    poses = np.concatenate([source.pose[~source.validation] for source in chosen])
    weight = np.concatenate([source.pose_weight[~source.validation] for source in chosen])
    return mean_pose(poses, weight)


def _add_rows(table: dict[str, dict], source: Source, truth: Truth, scores: np.ndarray) -> None:
    """Mean score, its standard error and n; for whole sports photos upright and upside-down people apart."""
    if source.name not in WHOLE_PHOTOS:
        table[source.name] = with_error(scores)
        return
    inverted = upside_down(source, truth.rows)
    for name, rows in (("upright", ~inverted), ("upside down", inverted)):
        if rows.any():
            table[f"{source.name}, {name}"] = with_error(scores[rows])


def _tested_confidence(poses: list[Pose | None], truth: Truth) -> tuple[np.ndarray, np.ndarray]:
    """Confidence and correctness of the labelled joints of the odd people, which calibration did not see."""
    tested = [number for number in range(1, len(poses), 2) if poses[number] is not None]
    confidence = np.array([poses[number].confidence[LIMBS_17] for number in tested]).reshape(-1, len(LIMBS_17))
    correct, labelled = limb_hits(poses, truth)
    return confidence[labelled[tested]], correct[tested][labelled[tested]]


def calibration_figures(confidence: np.ndarray, correct: np.ndarray) -> dict:
    """Expected calibration error and the reliability table."""
    table = [
        {"confidence": row.confidence, "correct": row.accuracy, "n": row.count}
        for row in reliability_table(confidence, correct)
        if row.count
    ]
    error = expected_calibration_error(confidence, correct)
    return {"n": len(correct), "expected_calibration_error": error, "reliability": table}


def negative_figures(estimator: PoseEstimator, crops: list[np.ndarray]) -> dict[str, float]:
    """Percentage of negatives, crops that show nobody, in which somebody is found."""
    taken = sum(pose is not None for pose in estimator.batch(crops))
    return {"n": len(crops), "taken_for_a_person": 100 * taken / len(crops)}


def speed_figures(estimator: PoseEstimator, source: Source) -> dict[str, float]:
    """Median seconds from a decoded whole photo to the pose of its best person, one photo after another."""
    rows = np.flatnonzero(source.validation)[:_TIMED]
    seconds = []
    for photo in [source.photo(row) for row in rows]:
        began = time.perf_counter()
        estimator.batch([photo])
        seconds.append(time.perf_counter() - began)
    return {"n": len(rows), "seconds a photo": float(np.median(seconds))}


def print_figures(figures: dict[str, dict]) -> None:
    """Print the tables."""
    teachers = ", ".join(TEACHER_SOURCES)
    print(f"PCK@0.2, 12 limb joints, mean over people and its standard error, % (teacher joints for {teachers})")
    for kind in ("true box", "end to end"):
        for name, row in figures[kind].items():
            line = f"  {kind:10}  {name:20} n {row['n']:4}  PCK {row['pck']:5.1f}"
            line += f" +- {row['se']:.1f}" if "se" in row else ""
            if "recall" in row:
                line += f"  recall {row['recall']:.1f} %  false boxes a picture {row['false_boxes']:.2f}"
            print(line)
    if scenes := figures.get("scenes"):
        print("\n".join(("whole photos with everyone boxed", *scene_lines(scenes))))
    for title, table in (("the teacher (pseudo-labels)", "3D"), ("exact labels of rendered people", "rendered 3D")):
        if figures[table]:
            print(f"3D against {title}, 12 limb joints")
            _print_poses(figures[table])
    _print_rest(figures)


def _print_rest(figures: dict[str, dict]) -> None:
    """Print the confidence's figures, and those of time and negatives."""
    if calibration := figures.get("calibration"):
        print(f"expected calibration error {calibration['expected_calibration_error']:.3f} (n {calibration['n']})")
        for row in calibration["reliability"]:
            print(f"  confidence {row['confidence']:.2f}  right {row['correct']:.2f}  n {row['n']}")
    if speed := figures.get("speed"):
        print(f"{speed['seconds a photo']:.3f} s a photo, end to end (median of {speed['n']})")
    if negatives := figures.get("negatives"):
        print(f"negatives taken for a person: {negatives['taken_for_a_person']:.1f} % of {negatives['n']}")


def _print_poses(table: dict[str, dict]) -> None:
    """Print the model's 3D figures beside the mean pose's."""
    for name, rows in table.items():
        for kind in ("model", "mean_pose"):
            row = rows[kind]
            line = f"  {name:10} {kind:9} n {row['n']:4}  MPJPE {row['mpjpe']:5.1f} mm"
            order = f"  pairs in order {row['order']:5.1f} %" if "order" in row else ""
            print(f"{line}  PA-MPJPE {row['pa_mpjpe']:5.1f} mm{order}")


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
