"""3D of held-out people, how far it is off and from what it was read: ``train.evaluate --protocol people-3d``.

Photos and rendered people apart, in the labelled box: errors of the 12 limb joints relative to the pelvis, the lengths
of the limbs beside a person's (:mod:`fusion_model.following`), signed errors in depth by the pitch of the camera, and
how far the projected pose lies from its own sure 2D joints. Beside the checkpoint stand poses of altered inputs and the
mean pose. Every other held-out person is measured, the odd ones: constants are chosen on the even ones.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from fusion_model import metrics
from fusion_model.config import ModelConfig
from fusion_model.crop_inference import CropPrediction
from fusion_model.crops import crop_of_box
from fusion_model.estimator import PoseEstimator
from fusion_model.following import LIMB_LENGTHS, limb_lengths
from fusion_model.projection import fit_camera, to_photo_joints
from fusion_model.skeletons import HUMAN36M_17, MPII_16
from fusion_model.spread import within
from train.data.source import SYNTHETIC, Source
from train.data.sources import find_sources
from train.evaluation.tables import Table
from train.fusion_stage.pose_figures import LIMBS, crossing_order

NAME = "people-3d"
MPJPE, MORE = "MPJPE, mm", "MPJPE more than of this checkpoint, mm"
OURS, UNCORRECTED = "this checkpoint", "without its correction"
IN_PLANE = "in-plane distance to its sure 2D joints, median, % of the torso"
_BATCH = 32  # people; each takes photo and maps of the next of them
_DEPTHS = ("knee", "ankle")

Member = tuple[Source, int]


@dataclass(frozen=True)
class People:
    """What was found of N people of one kind.

    Attributes:
        poses: (N, 17, 3) mm by the input that they were made from, pelvis at the origin.
        spreads: (N, 17, 3) mm of the poses of the same name; none where the checkpoint has none.
        points: (N, 16, 2) MPII's joints in pixels of the photos, with their ``confidence`` (N, 16).
        truth: (N, 17, 3) mm, as the poses.
        camera: (N,) where the camera looks, empty where it is not known.
    """

    poses: dict[str, np.ndarray]
    spreads: dict[str, np.ndarray]
    points: np.ndarray
    confidence: np.ndarray
    truth: np.ndarray
    camera: np.ndarray


def table(folder: Path, checkpoint: Path) -> Table:
    """The figures of a checkpoint on the odd held-out people of a folder of data sets.

    Raises:
        ValueError: if no held-out person has a 3D pose, or the checkpoint's joints are not Human3.6M's 17.
    """
    estimator = PoseEstimator.from_pretrained(checkpoint)
    sources = find_sources(folder)
    even, odd = (held_out(sources, parity) for parity in (0, 1))
    if not odd:
        raise ValueError(f"{folder} has no two held-out people with a 3D pose: see docs/data.md")
    rows: dict[str, tuple[float, ...]] = {}
    for kind, members in odd.items():
        people = find(estimator, members, altered=True)
        people.poses["mean pose"] = np.broadcast_to(_truth(even[kind]).mean(0), people.truth.shape)
        columns, mine = _rows(people, estimator.config)
        rows |= {f"{kind}, {name}": row for name, row in mine.items()}
    notes = (
        "± is the standard error of the mean; n: people, every other one of those held out",
        "photo: all that is read from its pixels, the hourglass's features included; another: the next of them",
        "crossing limbs: of both sides, over 50 mm apart in depth where they cross in the picture; n: crossings",
        "limbs: % longer than those of a person of 1.70 m, from joint centre to joint centre (de Leva 1996)",
        "depth: found less true z relative to the pelvis, positive: too far away; camera down: it faces down",
    )
    return Table("3D of held-out people", columns, rows, notes=notes)


def held_out(sources: Sequence[Source], parity: int) -> dict[str, list[Member]]:
    """Every second held-out person with a whole 3D pose, by kind: of even number (0) or odd (1) in each source."""
    kinds: dict[str, list[Member]] = {}
    for source in sources:
        rows = np.flatnonzero(source.validation & source.measured)[parity::2]
        kind = "rendered" if source.name == SYNTHETIC else "photos"
        kinds.setdefault(kind, []).extend((source, int(row)) for row in rows)
    return {kind: members for kind, members in kinds.items() if members}


def find(estimator: PoseEstimator, members: Sequence[Member], *, altered: bool = False) -> People:
    """Estimate people in their labelled boxes, by the library's own path; if ``altered``, also from altered inputs.

    Raises:
        ValueError: if the estimator's joints are not Human3.6M's 17.
    """
    config = estimator.config
    if config.fusion.skeleton != HUMAN36M_17.name:
        raise ValueError(f"the checkpoint puts out {config.fusion.skeleton}, expected {HUMAN36M_17.name}")
    plain = estimator.with_config(dataclasses.replace(config, following=None)).predictor
    poses, spreads, points, confidence = defaultdict(list), defaultdict(list), [], []
    for part in predictions(estimator, members):
        inputs = {OURS: (estimator.predictor, part)}
        if altered and config.following is not None:
            inputs[UNCORRECTED] = (plain, part)
        if altered:
            inputs |= {name: (estimator.predictor, changed) for name, changed in _altered(estimator, part).items()}
        for name, (predictor, people) in inputs.items():
            pose, spread = predictor.poses_and_spreads(people, flip_test=True)
            poses[name].append(pose)
            if spread is not None:
                spreads[name].append(spread)
        points += [one.points for one in part]
        confidence += [one.confidence for one in part]
    camera = np.array([source.groups["camera"][row] if "camera" in source.groups else "" for source, row in members])
    joined = ({name: np.concatenate(parts) for name, parts in values.items()} for values in (poses, spreads))
    return People(*joined, np.stack(points), np.stack(confidence), _truth(members), camera)


def _truth(members: Sequence[Member]) -> np.ndarray:
    return np.stack([source.pose[row] for source, row in members]).astype(np.float64)


def predictions(estimator: PoseEstimator, members: Sequence[Member]) -> Iterator[list[CropPrediction]]:
    """What the hourglass says of people in their labelled boxes, with the flip test, some people at a time."""
    size, margin = estimator.config.hourglass.input_size, estimator.config.crop.margin
    batches = -(-len(members) // _BATCH)
    bounds = np.linspace(0, len(members), batches + 1).round().astype(int)  # nobody is left alone in the last batch
    for start, end in tqdm(list(itertools.pairwise(bounds)), desc=NAME, unit="batch", leave=False):
        part = members[start:end]
        crops = [crop_of_box(source.box[row], size, margin) for source, row in part]
        yield estimator.predictor.predict([source.photo(row) for source, row in part], crops, flip_test=True)


def _altered(estimator: PoseEstimator, part: list[CropPrediction]) -> dict[str, list[CropPrediction]]:
    """The same people with photos or maps that tell nothing of them; others are the next in the batch.

    With the photo changes all that is read from its pixels, the hourglass's features included.
    """
    others, sides = part[1:] + part[:1], list(MPII_16.mirror)
    blank = torch.stack([one.image.mean((1, 2), keepdim=True).expand_as(one.image) for one in part])
    _, blank_features = estimator.predictor.maps_and_features(blank, flip_test=True)
    altered = defaultdict(list)
    for one, other, image, features in zip(part, others, blank, blank_features, strict=True):
        points = one.crop.to_photo(other.crop.to_crop(other.points))  # those that the other's maps show in the crop
        changes = {
            "photo of its mean colour": {"image": image, "features": features},
            "photo of another": {"image": other.image, "features": other.features},
            "maps of another": {"maps": other.maps, "points": points, "confidence": other.confidence},
            "maps of exchanged sides": {name: getattr(one, name)[sides] for name in ("maps", "points", "confidence")},
        }
        for name, change in changes.items():
            altered[name].append(dataclasses.replace(one, **change))
    return altered


def _rows(people: People, config: ModelConfig) -> tuple[tuple[str, ...], dict[str, tuple[float, ...]]]:
    """Columns, and a row of means and standard errors by figure."""
    seen, spreads = config.calibration.seen, people.spreads
    values = {name: person_figures(people, poses, seen, spreads.get(name)) for name, poses in people.poses.items()}
    rows = {}
    for figure, ours in values[OURS].items():
        cells = [_summary(mine.get(figure, np.array([])), median=figure == IN_PLANE) for mine in values.values()]
        rows[f"{figure} (n {np.isfinite(ours).sum()})"] = cells
    rows[f"{MORE} (n {len(people.truth)})"] = [_summary(mine[MPJPE] - values[OURS][MPJPE]) for mine in values.values()]
    order = [crossing_order(poses, people.truth) for poses in people.poses.values()]
    if count := order[0][1]:
        cells = [(right, 100 * math.sqrt(right / 100 * (1 - right / 100) / count)) for right, _ in order]
        rows[f"crossing limbs, right one in front, % (n {count})"] = cells
    columns = tuple(column for name in values for column in (name, f"{name}_std"))
    return columns, {name: tuple(itertools.chain(*cells)) for name, cells in rows.items()}


def _summary(values: np.ndarray, *, median: bool = False) -> tuple[float, float]:
    """Mean or median of the numbers among the values (N,), and its standard error (of the median by bootstrap)."""
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return (float(values.mean()) if len(values) else float("nan")), float("nan")
    if not median:
        return float(values.mean()), float(values.std(ddof=1) / len(values) ** 0.5)
    draws = np.random.default_rng(0).choice(values, (200, len(values)))
    return float(np.median(values)), float(np.median(draws, axis=1).std())


def person_figures(
    people: People, poses: np.ndarray, seen: float, spread: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """(N,) by figure, NaN for people of whom it is not known.

    Of poses (N, 17, 3) mm, and their spreads if they have any; 2D joints are sure from the confidence ``seen`` on.
    """
    off, limbs, truth = poses - people.truth, poses[:, LIMBS], people.truth[:, LIMBS]
    figures = {
        MPJPE: metrics.joint_errors(limbs, truth).mean(1),
        "PA-MPJPE, mm": metrics.joint_errors(metrics.align(limbs, truth), truth).mean(1),
    }
    if spread is not None:
        figures["limb joints within their 68 % ellipsoids, %"] = 100 * within(off, spread)[:, LIMBS].mean(1)
    for name, lengths in limb_lengths(poses).items():
        figures[f"{name}, %"] = 100 * (lengths / LIMB_LENGTHS[name] - 1)
    seen_at = zip(poses, people.points, people.confidence, strict=True)
    figures[IN_PLANE] = 100 * np.array([_in_plane(*one, seen) for one in seen_at])
    for joint, camera in itertools.product(_DEPTHS, ("", *sorted({*people.camera.tolist()} - {""}))):
        known = people.camera == camera if camera else True
        name = f"depth of {joint}s, {camera}, mm" if camera else f"depth of {joint}s, mm"
        figures[name] = np.where(known, off[:, _sides(joint), 2].mean(1), np.nan)
    return figures


def _sides(joint: str) -> list[int]:
    """Indices of the left and the right joint."""
    return [HUMAN36M_17.index(f"{side}_{joint}") for side in ("left", "right")]


def _in_plane(pose: np.ndarray, points: np.ndarray, confidence: np.ndarray, seen: float) -> float:
    """Mean distance of projected limb joints (17, 3) from the sure 2D joints (16, 2) in torsos; NaN without these."""
    joints, trust, _ = to_photo_joints(points, confidence)
    torso = np.linalg.norm(joints[_sides("shoulder")[0]] - joints[_sides("hip")[1]])
    sure = np.array([joint for joint in LIMBS if trust[joint] >= seen], int)
    if len(sure) < 3 or not torso > 0:  # fewer give no camera
        return float("nan")
    scale, shift = fit_camera(joints[sure], pose[sure], trust[sure])
    return float(np.linalg.norm(scale * pose[sure, :2] + shift - joints[sure], axis=1).mean() / torso)
