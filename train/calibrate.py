"""Fit the confidence to validation photos: ``python -m train.calibrate --data DIR --checkpoint DIR``.

The even validation people teach what the height of a peak means, and that of its map elsewhere, how far the 3D of a
checkpoint that does so follows its 2D joints, and how far it is off; every other validation scene, where there are
scenes, what the score of a person weighs and from which score on there is one. ``train.evaluate`` tests the confidence
and its own crosswise operating points on the rest, ``--protocol people-3d`` the 3D.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.optimize import isotonic_regression, minimize
from scipy.special import expit
from tqdm import tqdm

from fusion_model.config import CalibrationConfig, FollowingConfig, SpreadConfig
from fusion_model.crop_inference import calibrated
from fusion_model.detection.candidates import log_odds
from fusion_model.estimator import PoseEstimator
from fusion_model.following import LIMB_LENGTHS, follow, limb_lengths
from fusion_model.heatmaps import decode_smoothed, rival_heights
from fusion_model.hub.checkpoints import CARD_FILE, read_metrics, update_checkpoint
from fusion_model.metrics import correct_keypoints
from fusion_model.skeletons import HUMAN36M_17, MPII_16
from fusion_model.spread import HOLDS, REACH
from train.command import new_parser, run_command
from train.data.readers.registry import data_set
from train.data.scenes import Scenes, find_scenes
from train.data.source import SYNTHETIC, Source
from train.data.sources import find_sources
from train.detector_stage.figures import kinds, mark, operating_point
from train.evaluation.card import STALE
from train.evaluation.end_to_end import LIMBS_16, Truth, labelled_people
from train.evaluation.three_d import OURS, Member, People, find, held_out, predictions
from train.fusion_stage.pose_figures import pose_figures

_KNOTS = 14
_RIVALS = [number / 20 for number in range(21)]
_BOX_CONFIDENCE = 0.2  # of the joints in a caller's box, from which somebody is in it
_LIMBS, _PLANE, _DEPTH = (0, 0.25, 0.5, 0.75, 0.9, 1, 1.1, 1.2), (0, 0.5, 0.75, 0.9, 1), (0, 0.25, 0.5, 0.75, 1)
_OFF, _OFF_MM = 4.0, 5.0  # percent that limbs may be off for nothing, and the price of another percent
_FALSE_BOXES, _BESIDE = 0.05, 0.1  # that are allowed on a photo without people, and on one with


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = new_parser("calibrate", __doc__)
    arguments.add_argument("--data", type=Path, required=True, help="folder of data sets, see docs/data.md")
    arguments.add_argument("--checkpoint", type=Path, required=True, help="checkpoint folder, rewritten in place")
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    estimator, sources = PoseEstimator.from_pretrained(arguments.checkpoint), find_sources(arguments.data)
    estimator = _with_confidence(estimator, sources)
    if scenes := find_scenes(arguments.data):
        estimator = fit_scores(estimator, scenes)
        search = estimator.config.search
        print(f"weights of a person's score {search.score}, from {search.person} on a person")
    if estimator.config.fusion.skeleton == HUMAN36M_17.name:  # poses of other joint sets are not corrected
        estimator = _with_poses(estimator, list(held_out(sources, 0).values()))
    card = (arguments.checkpoint / CARD_FILE).read_text(encoding="utf-8")
    update_checkpoint(arguments.checkpoint, estimator.config, card, read_metrics(arguments.checkpoint))
    print(STALE.format(folder=arguments.checkpoint))
    return 0


def changed(estimator: PoseEstimator, **settings: Any) -> PoseEstimator:
    """The same networks with other settings."""
    return estimator.with_config(dataclasses.replace(estimator.config, **settings))


def _with_confidence(estimator: PoseEstimator, sources: list[Source]) -> PoseEstimator:
    """The same networks with fitted confidence."""
    held = [source for source in sources if source.validation.any()]
    photos = [source for source in held if source.name != SYNTHETIC and not data_set(source.name).agreed]
    evidence = [_heights_and_hits(estimator, *one) for one in labelled_people(photos or held)]
    peaks, rivals, hits = (np.concatenate(column) for column in zip(*evidence, strict=True))
    calibration = fit_calibration(peaks, rivals, hits)
    print(f"{len(peaks)} joints: height of the peak less {calibration.rival} of the map's height elsewhere")
    print(f"from this evidence to confidence: {dict(zip(calibration.peak, calibration.confidence, strict=True))}")
    return changed(estimator, calibration=calibration)


def _heights_and_hits(estimator: PoseEstimator, source: Source, truth: Truth) -> tuple[np.ndarray, ...]:
    """Heights at the labelled limb joints (N,) of the even validation people and elsewhere, and which are right."""
    rows = np.arange(0, len(truth.rows), 2)
    members = [(source, row) for row in truth.rows[rows]]
    found = [one for part in predictions(estimator, members) for one in part]
    hits = correct_keypoints(np.array([one.points for one in found]), truth.joints[rows], MPII_16)
    maps = torch.stack([one.maps for one in found])
    points, peaks = decode_smoothed(maps)
    heights = (peaks.numpy(), rival_heights(maps, points).numpy())
    return tuple(values[:, LIMBS_16][truth.limbs[rows]] for values in (*heights, hits))


def _with_poses(estimator: PoseEstimator, kinds: list[list[Member]]) -> PoseEstimator:
    """The same networks with 3D that follows its 2D joints as far as serves these people best, and tells its errors."""
    if (usual := estimator.config.following) is not None:
        plain = changed(estimator, following=None)
        following = fit_following([find(plain, members) for members in kinds], usual)
        print(f"3D follows by {following.limbs} of the limbs, {following.plane} in x and y, {following.depth} in z")
        estimator = changed(estimator, following=following)
    if estimator.config.fusion.spreads and kinds:
        told = changed(estimator, spread=SpreadConfig(1.0, 1.0))
        people = [find(told, members) for members in kinds]
        errors, spreads = ([one.poses[OURS] - one.truth for one in people], [one.spreads[OURS] for one in people])
        spread = fit_spread(np.concatenate(errors), np.concatenate(spreads))
        print(f"3D is off by {spread.across} times what the network says across, {spread.depth} times in depth")
        estimator = changed(estimator, spread=spread)
    return estimator


def fit_spread(errors: np.ndarray, told: np.ndarray) -> SpreadConfig:
    """Factors by which 68 % of the joints are in their ellipsoids, and as many within one spread across as in depth.

    Of errors (N, 17, 3) mm relative to the pelvis, and the spreads that the network has told, alike.
    """
    ratios = np.abs(np.delete(errors, HUMAN36M_17.root, 1) / np.delete(told, HUMAN36M_17.root, 1))
    across, depth = np.quantile(ratios[..., :2], HOLDS), np.quantile(ratios[..., 2], HOLDS)
    reached = np.sqrt(((ratios / (across, across, depth)) ** 2).sum(-1))
    scale = np.quantile(reached, HOLDS) / REACH
    return SpreadConfig(*(round(float(scale * factor), 3) for factor in (across, depth)))


def fit_scores(estimator: PoseEstimator, scenes: Scenes) -> PoseEstimator:
    """The same networks with person scores that mean what they say on every other validation photo.

    The score from which a person is there leaves at most 0.05 false boxes on a photo without people, and 0.1 on one
    with.
    """
    rows = np.flatnonzero(scenes.validation)[::2]
    found, evidence, kind = [], [], []
    for row in tqdm(rows, desc="scenes", unit="photo"):
        people = estimator.search.find([scenes.photo(row)], [None], 0.0)[0]
        boxes = np.array([one.box for one in people]).reshape(-1, 4)
        kind.append(kinds(scenes, row, boxes, np.array([one.score for one in people])))
        found.append(boxes)
        evidence += [one.evidence for one in people]
    features = np.array(evidence)
    hit, counted = np.concatenate(kind) == "hit", np.concatenate(kind) != ""
    weights = fit_logistic(features[counted], hit[counted])
    scores = expit(weights[0] + features @ weights[1:])
    starts = np.cumsum([len(boxes) for boxes in found])[:-1]
    marks = mark(scenes, rows, list(zip(found, np.split(scores, starts), strict=True)))
    point = min(0.99, operating_point(marks, _FALSE_BOXES, _BESIDE))
    left = log_odds(point) - weights[0] - weights[1:] @ [0.0, _BOX_CONFIDENCE, 0.5]
    search = dataclasses.replace(
        estimator.config.search,
        score=tuple(round(float(one), 3) for one in weights),
        person=round(point, 3),
        # held off 0 and 1: where the detector tells little, the joints alone may lead beyond what it can say
        box_score=round(float(expit(left / weights[1]).clip(0.001, 0.999)), 3) if weights[1] > 0 else 0.5,
    )
    return changed(estimator, search=search)


def fit_following(kinds: list[People], usual: FollowingConfig) -> FollowingConfig:
    """How far poses are to follow their 2D joints.

    MPJPE of each kind of people, whom the uncorrected networks found, counts alike. Their mean limb lengths are to stay
    within 5 % of a person's: from 4 % on, each percent costs as much as 5 mm. The usual shares stay where nothing is
    better, or nobody's 3D is known.
    """

    def cost(config: FollowingConfig) -> float:
        total = 0.0
        for people in kinds:
            found = follow(people.poses[OURS], people.points, people.confidence, config)
            off = [100 * abs(limb.mean() / LIMB_LENGTHS[name] - 1) for name, limb in limb_lengths(found).items()]
            total += pose_figures(found, people.truth)["mpjpe"] + _OFF_MM * np.maximum(np.subtract(off, _OFF), 0).sum()
        return total

    tried = [FollowingConfig(*shares, usual.unsure) for shares in itertools.product(_LIMBS, _PLANE, _DEPTH)]
    return min([usual, *tried], key=cost)


def fit_logistic(features: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Bias and weights (1 + F,) of a logistic regression of ``right`` (N,) on features (N, F), a little regularised."""
    design = np.column_stack((np.ones(len(features)), features))

    def loss(weights: np.ndarray) -> float:
        logit = design @ weights
        return float(np.logaddexp(0, np.where(right, -logit, logit)).mean() + 1e-4 * (weights**2).sum())

    return minimize(loss, np.zeros(design.shape[1])).x


def fit_calibration(peaks: np.ndarray, rivals: np.ndarray, hits: np.ndarray) -> CalibrationConfig:
    """The weight of rivals, and the knots for it, that make the hits (N,), within 0.2 torso lengths, likeliest.

    Peaks (N,) are the heights at the joints, rivals (N,) those of their maps elsewhere; the loss is the log loss.
    """

    def loss(calibration: CalibrationConfig) -> float:
        confidence = calibrated(peaks, rivals, calibration).clip(1e-3, 1 - 1e-3)
        return float(-np.log(np.where(hits, confidence, 1 - confidence)).mean())

    fits = [dataclasses.replace(fit_knots(peaks - rival * rivals, hits), rival=rival) for rival in _RIVALS]
    return min(fits, key=loss)


def fit_knots(heights: np.ndarray, hits: np.ndarray) -> CalibrationConfig:
    """Rising knots through the fraction of hits (N,) in bins of equal count of the heights (N,)."""
    order = np.argsort(heights)
    bins = np.array_split(order, min(_KNOTS, len(order)))
    means = np.array([heights[rows].mean() for rows in bins])
    fractions = isotonic_regression([hits[rows].mean() for rows in bins], weights=[len(rows) for rows in bins]).x
    knots, values = [0.0], [0.0]
    for height, fraction in zip(means, fractions, strict=True):
        if height > knots[-1] + 1e-3:
            knots.append(round(float(height), 4))
            values.append(round(float(fraction), 4))
    if len(knots) == 1:  # nothing speaks for any joint
        return CalibrationConfig()
    return CalibrationConfig(peak=tuple(knots), confidence=tuple(values), seen=0.5)


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
