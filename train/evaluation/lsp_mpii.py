"""Joints in photos: LSP by PCK@0.2 and MPII by PCKh@0.5; hidden joints that are labelled count.

Scale: points, torso and head size are all in pixels of the stored crop, so that its scale cancels.

LSP: the test half, person-centric sides, torso from left shoulder to right hip; ``mean`` is over its 14 joints. MPII:
the validation part, head size 0.6 of the diagonal of the head's box; ``mean`` is over all labelled joints but pelvis
and thorax, as in the official script, and ``head`` is the top of the head. The paper prints no figure for either.
"""

from __future__ import annotations

import numpy as np

from fusion_model import metrics
from fusion_model.skeletons import LSP_14, MPII_16, Skeleton
from train.evaluation.predictions import Predictions
from train.evaluation.tables import Table

_LIMBS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
COLUMNS = ("head", *(f"{name}s" for name in _LIMBS), "mean")
_NOTE = "in the labelled boxes; the paper prints no such table"


def lsp_table(predictions: Predictions) -> Table:
    """PCK@0.2 in %, left and right averaged; the head is the mean of neck and top."""
    true = predictions.columns["joints_2d"]

    def fraction(joints: list[int]) -> float:
        return metrics.pck(predictions.found_2d, true, LSP_14, predictions.labelled, joints=joints)

    groups = [[LSP_14.index("neck"), LSP_14.index("head_top")], *_pairs(LSP_14)]
    row = [_mean([fraction([joint]) for joint in group]) for group in groups]
    row.append(fraction(list(range(len(LSP_14)))))
    return _table("LSP, PCK@0.2 in %", row, predictions)


def mpii_table(predictions: Predictions) -> Table:
    """PCKh@0.5 in %, left and right averaged."""
    true, heads = predictions.columns["joints_2d"], predictions.columns["head_size"]

    def fraction(joints: list[int]) -> float:
        counted = np.zeros_like(predictions.labelled)
        counted[:, joints] = predictions.labelled[:, joints]
        return metrics.pckh(predictions.found_2d, true, heads, counted)

    groups = [[MPII_16.index("head_top")], *_pairs(MPII_16)]
    row = [_mean([fraction([joint]) for joint in group]) for group in groups]
    row.append(fraction([joint for joint, name in enumerate(MPII_16.joints) if name not in ("pelvis", "thorax")]))
    return _table("MPII, PCKh@0.5 in %", row, predictions)


def _pairs(skeleton: Skeleton) -> list[list[int]]:
    """Left and right of each limb joint."""
    return [[skeleton.index(f"{side}_{name}") for side in ("left", "right")] for name in _LIMBS]


def _mean(fractions: list[float]) -> float:
    return sum(fractions) / len(fractions)


def _table(title: str, row: list[float], predictions: Predictions) -> Table:
    percent = tuple(100 * fraction for fraction in row)
    counts = dict.fromkeys(COLUMNS, len(predictions.found_2d))
    return Table(title, COLUMNS, {"this checkpoint": percent}, counts, (_NOTE,))
