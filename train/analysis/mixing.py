"""How the weights of the fusion came about: alpha, beta and w_l over the iterations (Figure 5)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fusion_model.hub.checkpoints import load_checkpoint
from train.analysis.run import NothingToShowError, check_run, released_checkpoint
from train.engine.logs import read_rows
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

    @property
    def soft_end(self) -> int:
        """Row of the last soft weights."""
        return -1 if self.hardened_at is None else int(np.searchsorted(self.steps, self.hardened_at))

    def summary(self) -> dict[str, object]:
        """Where the weights ended, as plain values."""
        values = {"alpha": float(self.alpha[self.soft_end]), "beta": float(self.beta[self.soft_end])}
        last = {name: value if np.isfinite(value) else None for name, value in values.items()}
        return {
            "points": len(self.steps),
            "hardened_at": self.hardened_at,
            "merging_layer": self.merging_layer,
            "soft_end": {**last, "weights": self.weights[self.soft_end].tolist()},
        }


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
    rows = read_rows(path)
    try:
        columns = {name: np.array([float(row[name] or "nan") for row in rows]) for name in rows[0]}
        steps, alpha, beta = columns["step"].astype(int), columns["alpha"], columns["beta"]
        weights = np.stack([columns[f"w{layer}"] for layer in range(1, len(columns) - 2)], 1)
    except (ValueError, LookupError, TypeError) as error:
        expected = "expected the columns step, alpha, beta, w1 and so on, of numbers"
        raise ValueError(f"{path} is damaged or empty ({error!r}): {expected}") from error
    twice = np.flatnonzero(steps[1:] == steps[:-1])
    return Mixing(steps, alpha, beta, weights, int(steps[twice[0]]) if len(twice) else None)
