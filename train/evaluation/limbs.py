"""Any prepared set: the people of its validation and test parts, the twelve limb joints that every set has.

For sets that are for training and have no protocol of their own. PCK@0.2 over the labelled joints of people whose left
shoulder and right hip are labelled; in 3D, of people with all twelve, MPJPE relative to the pelvis, or to the middle of
the hips where the set has none, and PA-MPJPE. Scale: none is fitted but in PA-MPJPE.
"""

from __future__ import annotations

import numpy as np

from fusion_model import metrics
from fusion_model.skeletons import LIMB_JOINTS, pelvis_weights
from train.evaluation.predictions import Predictions
from train.evaluation.tables import Table


def table(predictions: Predictions) -> Table:
    """The figures of 2D and of 3D, NaN where there are no labels."""
    skeleton, columns = predictions.skeleton, predictions.columns
    limbs = [skeleton.index(name) for name in LIMB_JOINTS]
    torso = [skeleton.index(name) for name in ("left_shoulder", "right_hip")]
    in_2d, in_3d = predictions.labelled[:, torso].all(1), columns["has_3d"][:, limbs].all(1)
    figures = [float("nan")] * 3
    if in_2d.any():
        flat = (predictions.found_2d[in_2d], columns["joints_2d"][in_2d])
        figures[0] = 100 * metrics.pck(*flat, skeleton, predictions.labelled[in_2d], joints=limbs)
    if in_3d.any():
        middle = pelvis_weights(skeleton)
        found, true = (
            (poses - (middle[:, None] * poses).sum(1, keepdims=True))[in_3d][:, limbs]
            for poses in (predictions.found_3d, columns["joints_3d"])
        )
        figures[1:] = metrics.mpjpe(found, true, root=None), metrics.pa_mpjpe(found, true)
    names = ("PCK@0.2, %", "MPJPE, mm", "PA-MPJPE, mm")
    counts = dict(zip(names, (int(in_2d.sum()), *[int(in_3d.sum())] * 2), strict=True))
    parts = ", ".join(np.unique(columns["split"]))
    notes = (f"parts {parts}; 12 limb joints in the labelled boxes; the paper prints no such table",)
    return Table("Limb joints", names, {"this checkpoint": tuple(figures)}, counts, notes)
