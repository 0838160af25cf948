"""MPI-INF-3DHP: the valid frames of TS1 to TS6, 14 of 17 joints, relative to the pelvis: PCK at 150 mm, AUC, MPJPE.

Scale: none is fitted; poses are compared in the network's own millimetres to ``annot3``, people in their own sizes. The
14 joints are the first of the set's own test order: head top, thorax and the twelve limb joints. The paper prints no
figure for this set.
"""

from __future__ import annotations

import numpy as np

from fusion_model import metrics
from fusion_model.skeletons import HUMAN36M_17, LIMB_JOINTS
from train.evaluation.predictions import Predictions
from train.evaluation.tables import Table

MEASURED = [HUMAN36M_17.index(name) for name in ("head_top", "thorax", *LIMB_JOINTS)]
_SUBJECTS = tuple(f"TS{number}" for number in range(1, 7))


def table(predictions: Predictions) -> Table:
    """The three figures of each test sequence and of all frames together."""
    found, true = (poses[:, MEASURED] for poses in predictions.relative())
    subjects = predictions.columns["subject"]
    chosen = {name: subjects == name for name in _SUBJECTS} | {"all frames": np.ones(len(subjects), bool)}
    figures = {
        "this checkpoint, PCK at 150 mm, %": lambda p, t: 100 * metrics.pck3d(p, t, root=None),
        "this checkpoint, AUC, %": lambda p, t: 100 * metrics.auc(p, t, root=None),
        "this checkpoint, MPJPE, mm": lambda p, t: metrics.mpjpe(p, t, root=None),
    }
    measured = {
        name: tuple(figure(found[mine], true[mine]) for mine in chosen.values()) for name, figure in figures.items()
    }
    counts = {name: int(mine.sum()) for name, mine in chosen.items()}
    notes = ("14 joints relative to the pelvis, no scale fitted; the paper prints no such table",)
    return Table("MPI-INF-3DHP", tuple(chosen), measured, counts, notes)
