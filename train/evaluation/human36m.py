"""Human3.6M, Tables 1 and 2: test on S9 and S11, all cameras, 17 joints.

Scale: none is fitted in Table 1. The network is trained on the set's own millimetres, and its poses are compared as
they are, both relative to the pelvis; the pelvis counts among the 17. Table 2 fits rotation, translation and scale to
each frame. An average is the plain mean of the actions' means, and is left out where one of its actions is missing.
"""

from __future__ import annotations

import numpy as np

from fusion_model import metrics
from train.evaluation import paper
from train.evaluation.predictions import Predictions
from train.evaluation.tables import Table

_AVERAGES = {"6 actions": paper.SIX_ACTIONS, "all": tuple(paper.ACTIONS)}
COLUMNS = (*paper.ACTIONS.values(), *_AVERAGES)


def table_1(predictions: Predictions) -> Table:
    """MPJPE in mm by action."""
    found, true = predictions.relative()
    errors = metrics.joint_errors(found, true).mean(1)
    title = "Human3.6M, MPJPE in mm (the paper's Table 1)"
    return _table(title, predictions, errors, paper.TABLE_1, "both poses relative to the pelvis, no scale fitted")


def table_2(predictions: Predictions) -> Table:
    """Error in mm after Procrustes alignment, by action; the paper prints the average alone."""
    true = predictions.columns["joints_3d"]
    errors = metrics.joint_errors(metrics.align(predictions.found_3d, true), true).mean(1)
    empty = (float("nan"),) * (len(COLUMNS) - 1)
    printed = {name: (*empty, value) for name, value in paper.TABLE_2.items()}
    title = "Human3.6M, PA-MPJPE in mm (the paper's Table 2)"
    return _table(title, predictions, errors, printed, "each frame aligned by rotation, translation and scale")


def with_averages(by_action: dict[str, float]) -> tuple[float, ...]:
    """Means by action, NaN where there is none, and the averages of six and of all, in the order of Table 1."""
    means = {action: by_action.get(action, float("nan")) for action in paper.ACTIONS}
    averages = [sum(means[action] for action in actions) / len(actions) for actions in _AVERAGES.values()]
    return (*means.values(), *averages)


def _table(
    title: str, predictions: Predictions, errors: np.ndarray, printed: dict[str, tuple[float, ...]], how: str
) -> Table:
    """The table of errors (N,) in mm."""
    actions = predictions.columns["action"]
    chosen = {action: actions == action for action in paper.ACTIONS}  # the whole name: Sitting is not SittingDown
    means = {action: float(errors[mine].mean()) for action, mine in chosen.items() if mine.any()}
    counts = {paper.ACTIONS[action]: int(mine.sum()) for action, mine in chosen.items()}
    counts["6 actions"] = sum(counts[paper.ACTIONS[action]] for action in paper.SIX_ACTIONS)
    counts["all"] = len(errors)
    subjects, cameras = (", ".join(np.unique(predictions.columns[name])) for name in ("subject", "camera"))
    notes = [f"subjects {subjects}; cameras {cameras}; {how}"]
    if missing := [action for action in paper.ACTIONS if action not in means]:
        notes.append(f"no average of actions of which one is missing: {', '.join(missing)}")
    return Table(title, COLUMNS, {"this checkpoint": with_averages(means), **printed}, counts, tuple(notes), 2)
