"""A checkpoint's poses of prepared people, in the data set's own joints, beside the labels."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from fusion_model.estimator import PoseEstimator
from fusion_model.skeletons import SKELETONS, Skeleton, conversion_matrix
from train.data.prepared import Prepared, read_prepared
from train.data.readers.records import UNKNOWN
from train.evaluation.end_to_end import estimate_people


@dataclass(frozen=True)
class Predictions:
    """Labels and estimates of N people.

    Attributes:
        skeleton: J joints, the data set's own.
        columns: (N, ...) labels as prepared.
        found_2d: (N, J, 2) pixels of the crop, as the labels are.
        found_3d: (N, J, 3) mm, camera axes, in the scale that the network was trained in.
    """

    skeleton: Skeleton
    columns: dict[str, np.ndarray]
    found_2d: np.ndarray
    found_3d: np.ndarray

    @property
    def labelled(self) -> np.ndarray:
        """(N, J) bool: labelled in 2D, seen or hidden."""
        return self.columns["visible"] != UNKNOWN

    def relative(self, joints: tuple[str, ...] = ("pelvis",)) -> tuple[np.ndarray, np.ndarray]:
        """Found and true 3D joints, (N, J, 3) mm, each relative to its own middle of some joints."""
        middle = [self.skeleton.index(name) for name in joints]
        found, true = self.found_3d, self.columns["joints_3d"]
        return found - found[:, middle].mean(1, keepdims=True), true - true[:, middle].mean(1, keepdims=True)


def together(parts: list[Predictions]) -> Predictions:
    """The people of several parts of one data set."""
    columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns}
    found = (np.concatenate([getattr(part, name) for part in parts]) for name in ("found_2d", "found_3d"))
    return Predictions(parts[0].skeleton, columns, *found)


def predict_people(
    estimator: PoseEstimator, prepared: Prepared, rows: np.ndarray, needed: tuple[str, ...] | None = None
) -> Predictions:
    """Estimate the people of these rows in their labelled boxes; all of them count, however unsure the estimator is.

    Args:
        estimator: what to measure.
        prepared: labels.
        rows: (N,) whom.
        needed: joints of the set that the estimator must have, None for all; others that it lacks stay at zero.

    Raises:
        ValueError: if it lacks one of them.
    """
    # A protocol knows that somebody is there: a pose that the estimator would not show counts too.
    search = dataclasses.replace(estimator.config.search, person=0.0)
    sure = estimator.with_config(dataclasses.replace(estimator.config, search=search))
    carried = conversion_matrix(SKELETONS[estimator.config.fusion.skeleton], prepared.skeleton)
    lacking = [name for name, row in zip(prepared.skeleton.joints, carried, strict=True) if not row.any()]
    if missing := [name for name in lacking if needed is None or name in needed]:
        raise ValueError(
            f"the checkpoint's joints ({estimator.config.fusion.skeleton}) have no {', '.join(missing)}, which "
            f"{prepared.folder} needs: use a checkpoint of Human3.6M's 17 joints"
        )
    poses = estimate_people(sure, read_prepared(prepared.folder), rows, boxed=True)
    found = (np.stack([carried @ getattr(pose, name) for pose in poses]) for name in ("joints_2d", "joints_3d"))
    columns = {name: column[rows] for name, column in prepared.columns.items()}
    return Predictions(prepared.skeleton, columns, *found)
