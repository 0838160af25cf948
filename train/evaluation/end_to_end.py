"""The whole estimator against labelled people: in the true box, end to end and in 3D."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from fusion_model.boxes import iou
from fusion_model.estimator import PoseEstimator
from fusion_model.pose import Pose
from fusion_model.skeletons import HUMAN36M_17, LIMB_JOINTS, MPII_16
from train.data.source import Source
from train.evaluation.canvases import alone, make_canvases
from train.fusion_stage.pose_figures import known, pose_figures

LIMBS_16 = [MPII_16.index(name) for name in LIMB_JOINTS]
LIMBS_17 = [HUMAN36M_17.index(name) for name in LIMB_JOINTS]
TEACHER_SOURCES = ("stanford40", "street")  # no hand labels: teacher joints of score 0.9 and more count
_LEAST_TEACHER_WEIGHT = 0.81  # score 0.9, squared


@dataclass(frozen=True)
class Truth:
    """Labelled joints of the people of one source.

    Attributes:
        rows: (N,) rows in the source.
        joints: (N, 12, 2) limb joints, photo pixels.
        labelled: (N, 12) bool.
        torso: (N,) distance from left shoulder to right hip in pixels.
    """

    rows: np.ndarray
    joints: np.ndarray
    labelled: np.ndarray
    torso: np.ndarray


def truth_of(source: Source) -> Truth:
    """The validation people with left shoulder and right hip labelled."""
    by_teacher = source.name in TEACHER_SOURCES
    labelled = source.weight >= _LEAST_TEACHER_WEIGHT - 1e-4 if by_teacher else source.by_hand
    shoulder, hip = MPII_16.index("left_shoulder"), MPII_16.index("right_hip")
    rows = np.flatnonzero(source.validation & labelled[:, shoulder] & labelled[:, hip])
    joints = source.joints[rows]
    torso = np.linalg.norm(joints[:, shoulder] - joints[:, hip], axis=-1)
    return Truth(rows, joints[:, LIMBS_16], labelled[rows][:, LIMBS_16], torso)


def labelled_people(sources: list[Source]) -> list[tuple[Source, Truth]]:
    """Sources with people that can be judged, and their labels.

    Raises:
        ValueError: if there are none.
    """
    found = [(source, truth) for source in sources if len((truth := truth_of(source)).rows)]
    if not found:
        raise ValueError(
            "nobody of the validation people has left shoulder and right hip labelled in 2D, which this measures by; "
            "--protocol limbs of train.evaluate measures the 3D of a prepared set"
        )
    return found


def upside_down(source: Source, rows: np.ndarray) -> np.ndarray:
    """(N,) bool: the neck below the middle of the hips."""
    joints = source.joints[rows]
    return joints[:, MPII_16.index("neck"), 1] > joints[:, MPII_16.index("pelvis"), 1]


def person_scores(poses: list[Pose | None], truth: Truth) -> np.ndarray:
    """(N,) PCK@0.2 of each person in %, 0 for people who were not found."""
    scores = np.zeros(len(truth.rows))
    for number, pose in enumerate(poses):
        if pose is not None:
            right = joint_hits(pose, truth.joints[number], truth.torso[number])
            scores[number] = 100 * right[truth.labelled[number]].mean()
    return scores


def joint_hits(pose: Pose, joints: np.ndarray, torso: float) -> np.ndarray:
    """(12,) bool: limb joints within 0.2 torso lengths."""
    return np.linalg.norm(pose.joints_2d[LIMBS_17] - joints, axis=-1) <= 0.2 * torso


def in_true_boxes(estimator: PoseEstimator, source: Source, rows: np.ndarray) -> list[Pose | None]:
    """Poses of people whose box is given."""
    return _in_chunks(estimator, source, rows, lambda row: source.box[row])


def end_to_end(estimator: PoseEstimator, source: Source, rows: np.ndarray) -> list[Pose | None]:
    """Poses of the best person of each whole photo."""
    return _in_chunks(estimator, source, rows, lambda _row: None)


def _in_chunks(estimator: PoseEstimator, source: Source, rows: np.ndarray, box: object) -> list[Pose | None]:
    """Estimate a few photos at a time, so that memory stays small."""
    poses: list[Pose | None] = []
    for start in tqdm(range(0, len(rows), 16), desc=source.name, unit="batch", leave=False):
        part = rows[start : start + 16]
        poses += estimator.batch([source.photo(row) for row in part], [box(row) for row in part])
    return poses


def on_canvases(estimator: PoseEstimator, source: Source, empty: list[np.ndarray], seed: int = 0) -> dict[str, float]:
    """Groups of two to five: PCK@0.2 of each person, recall at IoU 0.5 and false boxes a picture.

    Args:
        estimator: what to measure.
        source: its validation people beside whom nobody else was seen are pasted together.
        empty: photos that show nobody, to paste on.
        seed: of the pictures.

    Returns:
        The figures; none where there are too few people for a picture.
    """
    truth = truth_of(source)
    place = {int(row): number for number, row in enumerate(truth.rows)}
    canvases = make_canvases(source, truth.rows[alone(source, truth.rows)], empty, seed)
    if not canvases:
        return {}
    scores, found_people, false_boxes = [], 0, 0
    for canvas in tqdm(canvases, desc=f"{source.name} canvases", unit="picture", leave=False):
        poses = estimator.predict_all(canvas.photo)
        match = match_boxes(np.array([pose.person_box for pose in poses]).reshape(-1, 4), canvas.boxes)
        matched = sum(overlap >= 0.5 for _, overlap in match)
        found_people += matched
        false_boxes += len(poses) - matched
        for person, (number, _) in enumerate(match):
            pose, one = (poses[number] if number >= 0 else None), place[canvas.rows[person]]
            joints = canvas.joints[person][LIMBS_16]
            torso = np.linalg.norm(
                canvas.joints[person][MPII_16.index("left_shoulder")]
                - canvas.joints[person][MPII_16.index("right_hip")]
            )
            hits = joint_hits(pose, joints, torso) if pose is not None else np.zeros(12, bool)
            scores.append(100 * hits[truth.labelled[one]].mean())
    return {
        "n": len(scores),
        "pck": float(np.mean(scores)),
        "recall": 100 * found_people / len(scores),
        "false_boxes": false_boxes / len(canvases),
        "pictures": len(canvases),
    }


def match_boxes(found: np.ndarray, wanted: np.ndarray) -> list[tuple[int, float]]:
    """For each wanted box the number of the found box that fits best and their IoU; (-1, 0) for none.

    Greedy by IoU, each found box used once.

    Args:
        found: (M, 4).
        wanted: (K, 4).
    """
    matches = [(-1, 0.0)] * len(wanted)
    if not len(found):
        return matches
    overlap = iou(found[:, None], wanted)
    while overlap.max() > 0.1:
        number, person = np.unravel_index(overlap.argmax(), overlap.shape)
        matches[person] = (int(number), float(overlap[number, person]))
        overlap[number], overlap[:, person] = 0, 0
    return matches


def pose_table(poses: list[Pose | None], source: Source, rows: np.ndarray, mean: np.ndarray) -> dict[str, dict]:
    """3D figures of estimates and of the mean pose against the teacher's, for people who have one."""
    pairs = [
        (pose.joints_3d, source.pose[row])
        for pose, row in zip(poses, rows, strict=True)
        if pose is not None and source.pose_weight[row].sum() > 0
    ]
    if not pairs:
        raise ValueError(f"{source.name}: no pose was estimated in {len(poses)} true boxes: train for longer")
    found, target = (np.stack(column) for column in zip(*pairs, strict=True))
    return {
        "model": known(pose_figures(found, target)),
        "mean_pose": known(pose_figures(np.broadcast_to(mean, target.shape), target)),
        "missed": {"n": sum(pose is None for pose in poses)},
    }


def grouped_table(poses: list[Pose | None], source: Source, rows: np.ndarray, mean: np.ndarray) -> dict[str, dict]:
    """:func:`pose_table` for everybody and for each of the source's groups apart in which a pose was estimated."""
    table = {"all": pose_table(poses, source, rows, mean)}
    for kinds in source.groups.values():
        for kind in np.unique(kinds[rows]):
            chosen = np.flatnonzero(kinds[rows] == kind)
            part = [poses[n] for n in chosen]
            if any(pose is not None for pose in part):
                table[str(kind)] = pose_table(part, source, rows[chosen], mean)
    return table
