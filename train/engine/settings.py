"""What the loop needs to know."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any, ClassVar

from train.engine.arguments import at_least, positive, setting, settings_of

SCHEDULES = ("constant", "cosine")
LOGS = ("tensorboard", "csv")

_whole, _number, _or_none = positive(int), positive(float), at_least(0, int)


@dataclass(frozen=True)
class LoopSettings:
    """What the loop needs to know; each training adds its own settings.

    Attributes:
        command: of ``train``, that has these settings.
        not_options: those that the command sets itself.
        began: when the settings were made, which the time limit counts from, seconds of ``time.monotonic``.
    """

    command: ClassVar[str] = ""
    not_options: ClassVar[tuple[str, ...]] = ()

    steps: int = setting(10_000, "optimiser steps in all", _whole, free=True)
    batch: int = setting(0, "images a step, over all processes and parts", _whole)
    accumulate: int = setting(1, "parts of a batch that follow each other, to save memory", _whole, free=True)
    lr: float = setting(1e-3, "learning rate of AdamW, after the warm-up", _number, free=True)
    schedule: str = setting("cosine", "learning rate over steps", choices=SCHEDULES, free=True)
    warmup: int = setting(300, "steps over which the rate rises at first", _or_none, free=True)
    weight_decay: float = setting(1e-4, "of AdamW", at_least(0))
    ema: float = setting(0.999, "decay of the averaged weights, which are validated and kept", at_least(0))
    clip: float = setting(5.0, "largest norm of the gradient", _number)
    freeze_norm: bool = setting(False, "keep the statistics of batch normalisation, to fine-tune")
    seed: int = setting(0, "of the first weights, batches and augmentation", int)
    time_limit: float = setting(0.0, "minutes after which to save and stop; 0: none", at_least(0), free=True)
    save_every: int = setting(1000, "steps between checkpoints", _whole, free=True)
    keep: int = setting(2, "newest checkpoints kept, besides the best", _whole, free=True)
    validate_every: int = setting(2000, "steps between validations", _whole, free=True)
    log: str = setting("csv", "what is written besides log.csv", choices=LOGS, free=True)
    began: float = field(default_factory=time.monotonic, repr=False, compare=False)

    def stored(self) -> dict[str, Any]:
        """All settings by name, as plain values."""
        return {name: getattr(self, name) for name in settings_of(type(self))}

    def fixed(self) -> dict[str, Any]:
        """Those that may not change while a run goes on."""
        return {name: getattr(self, name) for name, (_, one) in settings_of(type(self)).items() if not one.free}

    def minutes_left(self) -> float:
        """Of the time limit; infinity if there is none."""
        return self.time_limit - (time.monotonic() - self.began) / 60 if self.time_limit else math.inf

    def rate(self, step: int) -> float:
        """Learning rate of a step."""
        rate = self.lr * min(1.0, (step + 1) / max(1, self.warmup))
        if self.schedule == "cosine":
            rate *= 0.5 * (1 + math.cos(math.pi * min(1.0, step / self.steps)))
        return rate
