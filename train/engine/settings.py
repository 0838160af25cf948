"""What the loop needs to know."""

from __future__ import annotations

import math
from dataclasses import dataclass

SCHEDULES = ("constant", "cosine", "plateau")
LOGS = ("tensorboard", "trackio", "csv")
PLATEAU_FACTOR = 0.3  # of the learning rate at each plateau


@dataclass(frozen=True)
class LoopSettings:
    """What the loop needs to know.

    Attributes:
        steps: optimiser steps in all.
        learning_rate: of AdamW, after warm-up.
        schedule: ``"constant"``, ``"cosine"`` (to zero at ``steps``) or ``"plateau"`` (a third whenever ``patience``
            validations in a row brought nothing better).
        warmup: steps of linear warm-up.
        weight_decay: of AdamW.
        ema: decay of the averaged weights, which are validated and kept.
        clip: largest norm of the gradient.
        save_every: steps between checkpoints.
        validate_every: steps between validations.
        time_limit: minutes from the making of the loop after which the run saves and stops by itself; 0 for none, below
            0 for a limit that is over: it stops after a step.
        seed: of the batches and their augmentation.
        batch: samples a step, over all processes and accumulated parts; 0 where they are not counted.
        accumulate: parts into which each process cuts its slice of a batch, one after the other.
        patience: validations, see ``schedule``.
        keep: newest checkpoints that are kept, besides the best network.
        freeze_norm: whether batch normalisation uses the statistics it has, and learns none.
        log: one of :data:`LOGS`: what is written besides ``log.csv``.
    """

    steps: int
    learning_rate: float = 1e-3
    schedule: str = "cosine"
    warmup: int = 300
    weight_decay: float = 1e-4
    ema: float = 0.999
    clip: float = 5.0
    save_every: int = 1000
    validate_every: int = 2000
    time_limit: float = 0.0
    seed: int = 0
    batch: int = 0
    accumulate: int = 1
    patience: int = 3
    keep: int = 2
    freeze_norm: bool = False
    log: str = "csv"

    def rate(self, step: int) -> float:
        """Learning rate of a step, plateaus left out."""
        rate = self.learning_rate * min(1.0, (step + 1) / max(1, self.warmup))
        if self.schedule == "cosine":
            rate *= 0.5 * (1 + math.cos(math.pi * min(1.0, step / self.steps)))
        return rate


FREE = {
    "steps", "learning_rate", "schedule", "warmup", "patience", "save_every", "validate_every", "time_limit", "keep",
    "accumulate", "log",
}  # fmt: skip
"""Settings that a resumed run may change: they do not alter what was already learnt."""
