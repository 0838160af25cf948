"""HumanEva-I, Table 3: Walking in the Validate parts of S1, S2 and S3, camera C1, 15 joints.

Scale: the paper aligns rigidly, and does not say whether a scale is fitted. The first row fits rotation and translation
alone, to the network's own millimetres; the second fits a scale too. A joint without valid motion capture (the head in
part of S3) is left out of its frame.
"""

from __future__ import annotations

import numpy as np

from fusion_model import metrics
from train.evaluation import paper
from train.evaluation.predictions import Predictions
from train.evaluation.tables import Table

SUBJECTS = ("S1", "S2", "S3")
_MIN_JOINTS = 3  # fewer can be aligned to anything


def table_3(predictions: Predictions) -> Table:
    """Error in mm by subject, and the mean of the three."""
    subjects = predictions.columns["subject"]
    chosen = [subjects == subject for subject in SUBJECTS]
    ours = {}
    for name, scale in (("this checkpoint, rigid", False), ("this checkpoint, with scale", True)):
        errors = aligned_errors(
            predictions.found_3d, predictions.columns["joints_3d"], predictions.columns["has_3d"], scale=scale
        )
        means = [float(errors[mine].mean()) if mine.any() else float("nan") for mine in chosen]
        ours[name] = (*means, sum(means) / len(means))
    counts = {name: int(mine.sum()) for name, mine in zip(SUBJECTS, chosen, strict=True)}
    columns = (*SUBJECTS, "mean")
    notes = ("camera C1; the mean is that of the three subjects, and is left out where one is missing",)
    title = "HumanEva-I, Walking, error in mm after alignment (the paper's Table 3)"
    return Table(title, columns, ours | paper.TABLE_3, counts | {"mean": len(subjects)}, notes, 2)


def aligned_errors(found: np.ndarray, true: np.ndarray, known: np.ndarray, *, scale: bool) -> np.ndarray:
    """(N,) mean joint distance of each frame after alignment, over its known joints.

    Args:
        found: (N, J, 3) mm.
        true: (N, J, 3) mm, anything where unknown.
        known: (N, J) bool.
        scale: whether a scale is fitted too.

    Raises:
        ValueError: if a frame has fewer than three known joints.
    """
    errors = np.empty(len(found))
    for pattern in np.unique(known, axis=0):
        if pattern.sum() < _MIN_JOINTS:
            raise ValueError(f"a frame has {pattern.sum()} joints in 3D, expected {_MIN_JOINTS} or more to align")
        mine = (known == pattern).all(1)
        target = true[mine][:, pattern]
        errors[mine] = metrics.joint_errors(metrics.align(found[mine][:, pattern], target, scale=scale), target).mean(1)
    return errors
