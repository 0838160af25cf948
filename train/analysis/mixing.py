"""How the weights of the fusion came about: alpha, beta and w_l over the iterations (Figure 5)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from fusion_model.config import FusionConfig
from fusion_model.fusion import step_weights
from fusion_model.hub.checkpoints import load_checkpoint
from train.analysis.run import NothingToShowError, check_run, read_hardening, released_checkpoint
from train.engine.checkpoints import latest_state, read_state
from train.fusion_stage.mixing_log import FILE

_FROM_LOG = (
    f"The run is of a version that wrote no {FILE}: alpha and beta are those of its validations in log.csv, running "
    "means over about 50 steps, and of hardening.json; the start is that of the configuration."
)
_UNKNOWN_END = " When the weights were hardened is not known, and so not drawn."


@dataclass(frozen=True)
class Mixing:
    """Weights over a run.

    Attributes:
        steps: (T,) int, rising; the step of hardening twice, with the weights before and after.
        alpha: (T,) NaN for a strategy without.
        beta: (T,) NaN for a strategy without.
        weights: (T, L) w_1..w_L.
        hardened_at: the step at which the weights were fixed at 0 and 1; None if they were not, or not yet.
        remark: where the values are from, if not from the table made for them.
    """

    steps: np.ndarray
    alpha: np.ndarray
    beta: np.ndarray
    weights: np.ndarray
    hardened_at: int | None = None
    remark: str = ""

    @property
    def merging_layer(self) -> int | None:
        """The b of the hardened weights [l > b]."""
        return None if self.hardened_at is None else int((self.weights[-1] < 0.5).sum())


def read_mixing(folder: Path) -> Mixing:
    """The weights of a run, finished or not.

    Raises:
        FileNotFoundError: if there is no run or no log.
        ValueError: if the log is damaged.
        NothingToShowError: if its strategy has no weights to learn.
    """
    check_run(folder)
    if (folder / FILE).is_file():
        return _from_table(folder / FILE)
    return _from_log(folder)


def weights_of(alpha: float, beta: float, config: FusionConfig) -> np.ndarray:
    """(L,) weights w_1..w_L of Eq. 3, as :meth:`fusion_model.fusion.FusionNetwork.weights` has them."""
    slope = alpha**2 if config.alpha_squared else alpha
    layers = torch.arange(1, len(config.layers) + 1, dtype=torch.float64)
    return torch.sigmoid(slope * (layers - beta)).numpy()


def _rows(path: Path, needed: set[str]) -> list[dict[str, str]]:
    """Rows of a CSV file with these columns; ValueError if it has none."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if None not in row.values()]
    if not rows or not needed <= rows[0].keys():
        raise ValueError(f"{path} is damaged or empty: expected rows with {', '.join(sorted(needed))}")
    return rows


def _column(path: Path, rows: list[dict[str, str]], name: str) -> np.ndarray:
    """(T,) numbers of a column; NaN where it is empty."""
    try:
        return np.array([float(row[name] or "nan") for row in rows])
    except ValueError as error:
        raise ValueError(f"{path} is damaged: column {name} holds what is no number ({error})") from error


def _from_table(path: Path) -> Mixing:
    """From the table that ``train.fusion`` makes for it."""
    rows = _rows(path, {"step", "alpha", "beta", "w1"})
    names = sorted((name for name in rows[0] if name[:1] == "w" and name[1:].isdigit()), key=lambda name: int(name[1:]))
    steps = _column(path, rows, "step").astype(int)
    weights = np.stack([_column(path, rows, name) for name in names], 1)
    twice = np.flatnonzero(steps[1:] == steps[:-1])
    hardened_at = int(steps[twice[0]]) if len(twice) else None
    return Mixing(steps, _column(path, rows, "alpha"), _column(path, rows, "beta"), weights, hardened_at)


def _from_log(folder: Path) -> Mixing:
    """From the validations in ``log.csv``, for runs without the table."""
    path = folder / "log.csv"
    if not path.is_file():
        raise FileNotFoundError(f"{folder} has neither {FILE} nor log.csv: expected a run of train.fusion")
    config = load_checkpoint(released_checkpoint(folder))[0].fusion
    if config.strategy != "trainable":
        raise NothingToShowError(f"the run kept no weights over time (strategy {config.strategy!r}, no {FILE})")
    rows = _rows(path, {"step", "alpha", "beta"})
    steps, alpha, beta = (_column(path, rows, name) for name in ("step", "alpha", "beta"))
    depth = len(config.layers)
    start = (depth + 1) / 2 if config.initial_beta is None else config.initial_beta
    points = [(0, config.initial_alpha, start)]
    note, end = read_hardening(folder), _soft_steps(folder)
    if note is None or end is None:
        points += zip(steps, alpha, beta, strict=True)
        return _soft(points, config, _FROM_LOG + _UNKNOWN_END)
    points += [point for point in zip(steps, alpha, beta, strict=True) if point[0] < end]
    points.append((end, note["alpha"], note["beta"]))
    soft = _soft(points, config, _FROM_LOG)
    after = steps > end
    hard = step_weights(depth, note["merging_layer"])[1:].numpy()
    return Mixing(
        np.concatenate((soft.steps, [end], steps[after].astype(int))),
        np.concatenate((soft.alpha, [note["alpha"]], alpha[after])),
        np.concatenate((soft.beta, [note["beta"]], beta[after])),
        np.concatenate((soft.weights, np.tile(hard, (1 + int(after.sum()), 1)))),
        end,
        _FROM_LOG,
    )


def _soft(points: list[tuple[float, float, float]], config: FusionConfig, remark: str) -> Mixing:
    """Weights of (step, alpha, beta) before hardening."""
    steps, alpha, beta = (np.array(column, float) for column in zip(*points, strict=True))
    weights = np.stack([weights_of(a, b, config) for a, b in zip(alpha, beta, strict=True)])
    return Mixing(steps.astype(int), alpha, beta, weights, None, remark)


def _soft_steps(folder: Path) -> int | None:
    """The step at which the run hardened its weights, by its newest state; None where that is gone."""
    path = latest_state(folder)
    return None if path is None else read_state(path, torch.device("cpu"))["settings"].get("soft_steps")
