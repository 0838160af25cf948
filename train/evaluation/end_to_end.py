"""The whole estimator against labelled people: in the true box, end to end and in 3D."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from fusion_model.estimator import PoseEstimator
from fusion_model.metrics import correct_keypoints, person_pck
from fusion_model.pose import Pose
from fusion_model.skeletons import HUMAN36M_17, LIMB_JOINTS, MPII_16
from train.data.readers.registry import data_set
from train.data.source import Source
from train.fusion_stage.pose_figures import known, pose_figures

LIMBS_16 = [MPII_16.index(name) for name in LIMB_JOINTS]
LIMBS_17 = [HUMAN36M_17.index(name) for name in LIMB_JOINTS]
PEOPLE = "people"
"""Where the figures of ``train.evaluate`` have each person's scores: by kind, by set, by person."""
_BATCH = 16  # photos at a time, so that memory stays small


@dataclass(frozen=True)
class Truth:
    """Labelled joints of the people of one source.

    Attributes:
        rows: (N,) rows in the source.
        joints: (N, 16, 2) MPII order, photo pixels.
        labelled: (N, 16) bool.
    """

    rows: np.ndarray
    joints: np.ndarray
    labelled: np.ndarray


def truth_of(source: Source) -> Truth:
    """The validation people with left shoulder and right hip labelled."""
    score = data_set(source.name).teacher_score
    labelled = source.by_hand if score is None else source.weight >= score**2 - 1e-4  # a weight is a score squared
    shoulder, hip = MPII_16.index("left_shoulder"), MPII_16.index("right_hip")
    rows = np.flatnonzero(source.validation & labelled[:, shoulder] & labelled[:, hip])
    return Truth(rows, source.joints[rows], labelled[rows])


def labelled_people(sources: list[Source]) -> list[tuple[Source, Truth]]:
    """Sources with people to measure on, and their labels.

    Raises:
        ValueError: if there are none.
    """
    found = [(source, truth) for source in sources if len((truth := truth_of(source)).rows)]
    if not found:
        raise ValueError(
            "none of the validation people has left shoulder and right hip labelled in 2D, which this measures by; "
            "--protocol limbs of train.evaluate measures the 3D of a prepared set"
        )
    return found


def estimate_people(estimator: PoseEstimator, source: Source, rows: np.ndarray, *, boxed: bool) -> list[Pose | None]:
    """Poses of the people in their true boxes, a few photos at a time; if not boxed, of the best one of each photo."""
    poses: list[Pose | None] = []
    for start in tqdm(range(0, len(rows), _BATCH), desc=source.name, unit="batch", leave=False):
        part = rows[start : start + _BATCH]
        boxes = [source.box[row] if boxed else None for row in part]
        poses += estimator.batch([source.photo(row) for row in part], boxes)
    return poses


def person_scores(poses: list[Pose | None], truth: Truth) -> np.ndarray:
    """(N,) PCK@0.2 of each person in %, 12 limb joints; 0 for people who were not found."""
    scores = person_pck(_limbs(poses), truth.joints, MPII_16, truth.labelled, joints=LIMBS_16)
    return 100 * np.nan_to_num(scores)


def limb_hits(poses: list[Pose | None], truth: Truth) -> tuple[np.ndarray, np.ndarray]:
    """(N, 12) bool each: limb joints that are correct by PCK@0.2, and those that are labelled."""
    return correct_keypoints(_limbs(poses), truth.joints, MPII_16)[:, LIMBS_16], truth.labelled[:, LIMBS_16]


def mirrored_share(poses: list[Pose | None], truth: Truth) -> np.ndarray:
    """(N,) % of each person's limb joints that lie on the mirror joint and not on their own, by PCK@0.2.

    Joints count that are labelled on both sides; NaN for a person without any, none is mirrored of one not found.
    """
    mirror, points = list(MPII_16.mirror), _limbs(poses)
    own = correct_keypoints(points, truth.joints, MPII_16)
    other = correct_keypoints(points[:, mirror], truth.joints, MPII_16)[:, mirror]
    counted = (truth.labelled & truth.labelled[:, mirror])[:, LIMBS_16]
    with np.errstate(invalid="ignore"):
        return 100 * (((other & ~own)[:, LIMBS_16] & counted).sum(1) / counted.sum(1))


def _limbs(poses: list[Pose | None]) -> np.ndarray:
    """(N, 16, 2) limb joints of poses; infinitely far away where there is none."""
    points = np.full((len(poses), len(MPII_16), 2), np.inf)
    for number, pose in enumerate(poses):
        if pose is not None:
            points[number, LIMBS_16] = pose.joints_2d[LIMBS_17]
    return points


def with_error(scores: np.ndarray, name: str = "pck") -> dict[str, float]:
    """Number, mean, by this name, and standard error of the mean of people's scores (N,)."""
    error = {"se": float(scores.std(ddof=1) / len(scores) ** 0.5)} if len(scores) > 1 else {}
    return {"n": len(scores), name: float(scores.mean()), **error}


def pose_tables(poses: list[Pose | None], source: Source, rows: np.ndarray, mean: np.ndarray) -> dict[str, dict]:
    """3D figures of estimates and of the mean pose, of ``all`` people who have a reference, and of groups of them.

    Groups are those of the source in which a pose was estimated.

    Raises:
        ValueError: if no pose was estimated.
    """
    there = np.array([pose is not None for pose in poses]) & (source.pose_weight[rows].sum(1) > 0)
    if not there.any():
        raise ValueError(f"{source.name}: no pose was estimated in {len(poses)} true boxes: train for longer")
    target, found = source.pose[rows], np.zeros((len(rows), len(HUMAN36M_17), 3), np.float32)
    found[there] = [poses[number].joints_3d for number in np.flatnonzero(there)]
    groups = {"all": np.ones(len(rows), bool)}
    groups |= {str(name): kind[rows] == name for kind in source.groups.values() for name in np.unique(kind[rows])}
    tables = {}
    for name, mine in groups.items():
        if (chosen := mine & there).any():
            answers = {"model": found[chosen], "mean_pose": np.broadcast_to(mean, target[chosen].shape)}
            tables[name] = {who: known(pose_figures(answer, target[chosen])) for who, answer in answers.items()}
    return tables


_APART = 4.0  # map pixels, 0.3 of the median torso (n 1,661): nearer, two peaks of 1.25 pixels' deviation run into one


def second_peaks(maps: Tensor) -> Tensor:
    """Height of each map's second peak over that of its first.

    A peak is a pixel above zero that is as high as the highest of its eight neighbours; the second is the highest peak
    that lies four pixels or more from the first.

    Args:
        maps: (..., H, W).

    Returns:
        (...) float32 in [0, 1]; 0 where there is no second peak.
    """
    height, width = maps.shape[-2:]
    single = maps.float().reshape(-1, height, width)
    first, index = single.flatten(1).max(1)
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    column, row = (index % width)[:, None, None], (index // width)[:, None, None]
    apart = (x - column) ** 2 + (y - row) ** 2 >= _APART**2
    peak = (single >= functional.max_pool2d(single, 3, stride=1, padding=1)) & (single > 0) & apart
    second = torch.where(peak, single, 0).flatten(1).amax(1)
    return torch.where(second > 0, second / first, 0).reshape(maps.shape[:-2])
