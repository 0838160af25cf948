"""Fit the confidence to validation photos: ``python -m train.calibrate --data DIR --checkpoint DIR``.

The even validation people teach what a peak's height means and from which score on there is a person; the odd ones
are left for ``train.evaluate`` to test it on.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

import numpy as np
from scipy.optimize import isotonic_regression

from fusion_model.config import CalibrationConfig
from fusion_model.crops import crop_of_box
from fusion_model.estimator import PoseEstimator
from fusion_model.heatmaps import decode_pairs
from fusion_model.hub.checkpoints import CARD_FILE, read_metrics, update_checkpoint
from fusion_model.metrics import correct_keypoints
from fusion_model.skeletons import MPII_16
from train.command import new_parser, run_command
from train.data.source import SYNTHETIC, Source
from train.data.sources import find_sources
from train.evaluation.card import STALE
from train.evaluation.end_to_end import LIMBS_16, Truth, labelled_people
from train.evaluation.negatives import negative_crops

_KNOTS = 14
_MIN_PERSON = 0.45  # below it people of the fitting half are drawn wrongly too often to be of use
_MAX_NEGATIVES = 0.06  # fraction of negatives that may pass on the fitting half; a higher bar drops portraits


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = new_parser("calibrate", __doc__)
    arguments.add_argument("--data", type=Path, required=True, help="folder with lspet/ and people_*.npz + .zip")
    arguments.add_argument("--checkpoint", type=Path, required=True, help="checkpoint folder, rewritten in place")
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    found = find_sources(arguments.data)
    sources = [source for source in found if source.name != SYNTHETIC] or found  # rendered people where no photo is
    people = labelled_people([source for source in sources if source.validation.any()])
    estimator = PoseEstimator.from_pretrained(arguments.checkpoint)
    pairs = [_peaks_and_hits(estimator, source, truth) for source, truth in people]
    peaks, hits = (np.concatenate(column) for column in zip(*pairs, strict=True))
    calibration = fit_calibration(peaks, hits)
    estimator = with_calibration(estimator, calibration)
    # Every person score may pass while those of the negatives are collected.
    negatives = [crop for source, _ in people for crop in negative_crops(source)[::2]]
    scores = [float(estimator.find_people(crop)[1].max(initial=0.0)) for crop in negatives]
    person = max(_MIN_PERSON, float(np.quantile(scores, 1 - _MAX_NEGATIVES))) if scores else CalibrationConfig.person
    estimator = with_calibration(estimator, dataclasses.replace(calibration, person=round(person, 3)))
    card = (arguments.checkpoint / CARD_FILE).read_text(encoding="utf-8")
    update_checkpoint(arguments.checkpoint, estimator.config, card, read_metrics(arguments.checkpoint))
    for peak, confidence in zip(calibration.peak, calibration.confidence, strict=True):
        print(f"peak {peak:.3f} -> confidence {confidence:.3f}")
    print(f"{len(peaks)} joints; person threshold {person:.3f} from {len(scores)} negatives")
    print(STALE.format(folder=arguments.checkpoint))
    return 0


def with_calibration(estimator: PoseEstimator, calibration: CalibrationConfig) -> PoseEstimator:
    """The same networks with another calibration."""
    return estimator.with_config(dataclasses.replace(estimator.config, calibration=calibration))


def fit_calibration(peaks: np.ndarray, hits: np.ndarray) -> CalibrationConfig:
    """Rising knots through the fraction of right joints in bins of equal count.

    Args:
        peaks: (N,) heights.
        hits: (N,) bool, within 0.2 torso lengths.
    """
    order = np.argsort(peaks)
    bins = np.array_split(order, min(_KNOTS, len(order)))
    heights = np.array([peaks[rows].mean() for rows in bins])
    fractions = isotonic_regression([hits[rows].mean() for rows in bins], weights=[len(rows) for rows in bins]).x
    knots, values = [0.0], [0.0]
    for height, fraction in zip(heights, fractions, strict=True):
        if height > knots[-1] + 1e-3:
            knots.append(round(float(height), 4))
            values.append(round(float(fraction), 4))
    return CalibrationConfig(peak=tuple(knots), confidence=tuple(values), seen=0.5, person=0.0)


def _peaks_and_hits(estimator: PoseEstimator, source: Source, truth: Truth) -> tuple[np.ndarray, np.ndarray]:
    """Heights (N,) and correctness (N,) of the labelled limb joints of the even validation people."""
    predictor = estimator.predictor
    size, margin = estimator.config.hourglass.input_size, estimator.config.crop.margin
    rows = np.arange(0, len(truth.rows), 2)
    crops = [crop_of_box(source.box[truth.rows[n]], size, margin) for n in rows]
    photos = [source.photo(truth.rows[n]) for n in rows]
    predictions = predictor.flip_test(predictor.predict(photos, crops))
    part = truth.of(list(truth.rows[rows]), truth.joints[rows])
    hits = correct_keypoints(np.array([one.points for one in predictions]), part.joints, MPII_16)
    peaks = np.array([decode_pairs(one.maps, MPII_16.mirror)[1].numpy() for one in predictions])
    labelled = part.labelled[:, LIMBS_16]
    return peaks[:, LIMBS_16][labelled], hits[:, LIMBS_16][labelled]


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
