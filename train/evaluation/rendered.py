"""Rendered people of ``train.synthesize``: the twelve limb joints against exact labels.

Scale: one photo does not tell a person's size, so the labels are brought to the 1.70 m that the estimator assumes, and
its poses are compared as they are, relative to the pelvis. The paper prints no figure for this set.
"""

from __future__ import annotations

import numpy as np

from fusion_model import metrics
from fusion_model.estimator import CONVENTIONAL_HEIGHT_MM
from fusion_model.skeletons import HUMAN36M_17
from train.evaluation.predictions import Predictions
from train.evaluation.tables import Table
from train.fusion_stage.pose_figures import LIMBS, pose_figures
from train.synthesis.labels import viewpoint_name

_FIGURES = {"mpjpe": "MPJPE, mm", "pa_mpjpe": "PA-MPJPE, mm", "order": "pairs in order of depth, %"}


def table(predictions: Predictions) -> Table:
    """Errors of all and by viewpoint, and PCK@0.2."""
    scale = CONVENTIONAL_HEIGHT_MM / predictions.columns["stature"][:, None, None]
    true, points = predictions.columns["joints_3d"] * scale, predictions.columns["joints_2d"]
    viewpoints = viewpoint_name(predictions.columns["azimuth"])
    chosen = {"all": np.ones(len(viewpoints), bool)} | {str(name): viewpoints == name for name in np.unique(viewpoints)}
    parts = [pose_figures(predictions.found_3d[mine], true[mine]) for mine in chosen.values()]
    measured = {f"this checkpoint, {shown}": tuple(part[key] for part in parts) for key, shown in _FIGURES.items()}
    measured["this checkpoint, PCK@0.2, %"] = tuple(
        100 * metrics.pck(predictions.found_2d[mine], points[mine], HUMAN36M_17, joints=LIMBS)
        for mine in chosen.values()
    )
    counts = {name: int(mine.sum()) for name, mine in chosen.items()}
    notes = ("labels brought to a height of 1.70 m; hidden joints count; the paper prints no such table",)
    return Table("Rendered people, 12 limb joints", tuple(chosen), measured, counts, notes)
