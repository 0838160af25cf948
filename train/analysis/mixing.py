"""How the weights of the fusion came about: alpha, beta and w_l over the iterations (Figure 5)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fusion_model.hub.checkpoints import load_checkpoint
from train.analysis.run import NothingToShowError, check_run, released_checkpoint
from train.fusion_stage.mixing_log import FILE


@dataclass(frozen=True)
class Mixing:
    """Weights over a run.

    Attributes:
        steps: (T,) int, rising; the step of hardening twice, with the weights before and after.
        alpha: (T,) NaN for a strategy without.
        beta: (T,) NaN for a strategy without.
        weights: (T, L) w_1..w_L.
        hardened_at: the step at which the weights were fixed at 0 and 1; None if they were not, or not yet.
    """

    steps: np.ndarray
    alpha: np.ndarray
    beta: np.ndarray
    weights: np.ndarray
    hardened_at: int | None = None

    @property
    def merging_layer(self) -> int | None:
        """The b of the hardened weights [l > b]."""
        return None if self.hardened_at is None else int((self.weights[-1] < 0.5).sum())


def read_mixing(folder: Path) -> Mixing:
    """The weights of a run, finished or not.

    Raises:
        FileNotFoundError: if there is no run, or it did nothing yet.
        ValueError: if the table is damaged.
        NothingToShowError: if its strategy has no weights to learn.
    """
    check_run(folder)
    path = folder / FILE
    if not path.is_file():
        strategy = load_checkpoint(released_checkpoint(folder))[0].fusion.strategy
        raise NothingToShowError(f"the run kept no weights over time (strategy {strategy!r}, no {FILE})")
    rows = _rows(path, {"step", "alpha", "beta", "w1"})
    names = sorted((name for name in rows[0] if name[:1] == "w" and name[1:].isdigit()), key=lambda name: int(name[1:]))
    steps = _column(path, rows, "step").astype(int)
    weights = np.stack([_column(path, rows, name) for name in names], 1)
    twice = np.flatnonzero(steps[1:] == steps[:-1])
    hardened_at = int(steps[twice[0]]) if len(twice) else None
    return Mixing(steps, _column(path, rows, "alpha"), _column(path, rows, "beta"), weights, hardened_at)


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
