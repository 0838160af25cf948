"""The whole estimator against labelled people: in the true box, end to end and in 3D."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from fusion_model.estimator import PoseEstimator
from fusion_model.metrics import correct_keypoints, expected_calibration_error, reliability_table
from fusion_model.pose import Pose
from fusion_model.skeletons import HUMAN36M_17, LIMB_JOINTS, MPII_16
from train.data.readers.registry import data_set
from train.data.source import SYNTHETIC, Source
from train.fusion_stage.pose_figures import known, pose_figures

LIMBS_16 = [MPII_16.index(name) for name in LIMB_JOINTS]
LIMBS_17 = [HUMAN36M_17.index(name) for name in LIMB_JOINTS]
_MIRROR = list(MPII_16.mirror)
PEOPLE = "people"
"""Where the figures of ``train.evaluate`` have each person's scores: by kind, by set, by person."""
_SECOND_PEAK = 0.5  # of the first one's height, from which a map has two peaks
_BATCH = 16  # photos at a time, so that memory stays small


@dataclass(frozen=True)
class Truth:
    """People of one source: rows (N,), joints (N, 16, 2) in photo pixels, and which of these are labelled (N, 16)."""

    rows: np.ndarray
    joints: np.ndarray
    labelled: np.ndarray

    @property
    def limbs(self) -> np.ndarray:
        """(N, 12) bool: limb joints that are labelled."""
        return self.labelled[:, LIMBS_16]

    @property
    def both_sides(self) -> np.ndarray:
        """(N, 12) bool: limb joints that are labelled as their mirror joints are."""
        return (self.labelled & self.labelled[:, _MIRROR])[:, LIMBS_16]


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


def limb_hits(poses: list[Pose | None], truth: Truth) -> tuple[np.ndarray, np.ndarray]:
    """(N, 12) bool each, by PCK@0.2: limb joints that are right, and those on the mirror joint and not on their own."""
    points = np.full((len(poses), len(MPII_16), 2), np.inf)  # of one who was not found
    for number, pose in enumerate(poses):
        if pose is not None:
            points[number, LIMBS_16] = pose.joints_2d[LIMBS_17]
    own = correct_keypoints(points, truth.joints, MPII_16)
    other = correct_keypoints(points[:, _MIRROR], truth.joints, MPII_16)[:, _MIRROR]
    return own[:, LIMBS_16], (other & ~own)[:, LIMBS_16]


def shares(hits: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """(N,) % of each person's joints (N, J) that count; NaN for a person without any."""
    with np.errstate(invalid="ignore"):
        return 100 * ((hits & counted).sum(1) / counted.sum(1))


def with_error(scores: np.ndarray, name: str = "pck") -> dict[str, float]:
    """Number, mean, by this name, and standard error of the mean of people's scores (N,)."""
    error = {"se": float(scores.std(ddof=1) / len(scores) ** 0.5)} if len(scores) > 1 else {}
    return {"n": len(scores), name: float(scores.mean()), **error}


def pose_tables(poses: list[Pose | None], source: Source, rows: np.ndarray, mean: np.ndarray) -> dict[str, dict]:
    """3D figures of estimates and of the mean pose: ``all`` people with a whole reference, and the source's groups.

    Raises:
        ValueError: if no pose was estimated.
    """
    there = np.array([pose is not None for pose in poses]) & source.measured[rows]
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
    """(...) height of the second peak of maps (..., H, W) over that of the first; 0 where there is no second.

    A peak is a pixel above zero that is as high as the highest of its eight neighbours; the second is the highest peak
    that lies four pixels or more from the first.
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


def measure(estimator: PoseEstimator, sources: list[Source], mean: dict[str, np.ndarray]) -> dict[str, dict]:
    """All figures of a checkpoint on labelled validation people.

    Args:
        estimator: what to measure.
        sources: the data sets.
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
        rows, about = truth.rows, data_set(source.name)
        poses = estimate_people(estimator, source, rows, boxed=True)
        hits, mirrored = limb_hits(poses, truth)
        _add_rows(figures, "true box", source, rows, shares(hits, truth.limbs))
        _add_rows(figures, "mirror joints", source, rows, shares(mirrored, truth.both_sides))
        if source.name == SYNTHETIC:
            figures["rendered 3D"] = pose_tables(poses, source, rows, mean[SYNTHETIC])
            continue
        if about.whole_photos:
            found, _ = limb_hits(estimate_people(estimator, source, rows, boxed=False), truth)
            _add_rows(figures, "end to end", source, rows, shares(found, truth.limbs))
        elif source.measured[rows].any():
            figures["3D"][source.name] = pose_tables(poses, source, rows, mean["photos"])["all"]
        if not about.agreed:
            tested.append(_tested_confidence(poses, hits, truth.limbs))
    joints = np.concatenate(tested)
    parts = {"calibration": joints, "calibration, two peaks": joints[joints[:, 2] >= _SECOND_PEAK]}
    return figures | {name: _calibration(part[:, 0], part[:, 1] > 0) for name, part in parts.items() if len(part)}


def _add_rows(figures: dict[str, dict], kind: str, source: Source, rows: np.ndarray, scores: np.ndarray) -> None:
    """Mean score (N,), NaN for people without, and each person's; whole sports photos upright and upside down apart."""
    parts = {source.name: np.ones(len(rows), bool)}
    if data_set(source.name).whole_photos:
        neck, pelvis = (source.joints[rows, MPII_16.index(name), 1] for name in ("neck", "pelvis"))
        parts = {f"{source.name}, upright": ~(neck > pelvis), f"{source.name}, upside down": neck > pelvis}
    unit = "mirrored" if kind == "mirror joints" else "pck"
    for name, part in parts.items():
        mine = part & ~np.isnan(scores)
        if mine.any():
            figures[kind][name] = with_error(scores[mine], unit)
            called = [str(row) if source.photos is None else f"{row} {source.photos[row]}" for row in rows[mine]]
            figures[PEOPLE].setdefault(kind, {})[name] = dict(zip(called, scores[mine].tolist(), strict=True))


def _tested_confidence(poses: list[Pose | None], hits: np.ndarray, labelled: np.ndarray) -> np.ndarray:
    """(K, 3) confidence, correctness and second peak of the labelled joints of odd people, unseen by calibration."""
    joints = [np.zeros((0, 3))]
    for pose, right, counted in zip(poses[1::2], hits[1::2], labelled[1::2], strict=True):
        if pose is not None:
            peaks = second_peaks(torch.from_numpy(pose.heatmaps))[LIMBS_16].numpy()
            joints.append(np.stack((pose.confidence[LIMBS_17], right, peaks), 1)[counted])
    return np.concatenate(joints)


def _calibration(confidence: np.ndarray, correct: np.ndarray) -> dict:
    """Expected calibration error and the reliability table."""
    rows = [row for row in reliability_table(confidence, correct) if row.count]
    table = [{"confidence": row.confidence, "correct": row.accuracy, "n": row.count} for row in rows]
    error = expected_calibration_error(confidence, correct)
    return {"n": len(correct), "expected_calibration_error": error, "reliability": table}
