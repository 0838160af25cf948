"""The training loop that every command shares.

The batch of step t is a function of (seed, t, process) alone, so a run that was cut continues exactly where it was:
nothing about the data order has to be stored.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import math
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from train.engine.checkpoints import latest_state, prune_states, read_state, write_best, write_state


@dataclass(frozen=True)
class LoopSettings:
    """What the loop needs to know.

    Attributes:
        steps: optimiser steps in all.
        learning_rate: of AdamW, after warm-up.
        schedule: ``"constant"`` or ``"cosine"`` (to zero at ``steps``).
        warmup: steps of linear warm-up.
        weight_decay: of AdamW.
        ema: decay of the averaged weights, which are validated and kept.
        clip: largest norm of the gradient.
        save_every: steps between checkpoints.
        validate_every: steps between validations.
        time_limit: minutes after which the run saves and stops by itself; 0 for none.
        seed: of the batches and their augmentation.
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

    def rate(self, step: int) -> float:
        """Learning rate of a step."""
        rate = self.learning_rate * min(1.0, (step + 1) / max(1, self.warmup))
        if self.schedule == "cosine":
            rate *= 0.5 * (1 + math.cos(math.pi * min(1.0, step / self.steps)))
        return rate


# Settings that a resumed run may change: they do not alter what was already learnt.
_FREE = {"steps", "learning_rate", "schedule", "warmup", "save_every", "validate_every", "time_limit"}


class Loop:
    """Trains one module, keeps the averaged weights, writes checkpoints and a CSV log.

    Args:
        module: the network; channels-last where it has convolutions.
        loss: (network, step, generator) -> scalar loss and figures to log.
        validate: averaged network -> figures; the one called ``better`` decides which checkpoint is the best.
        settings: see :class:`LoopSettings`.
        folder: the run's folder.
        better: name of the deciding figure; prefix ``-`` where smaller is better.
        fingerprint: further settings that a resumed run must share, as plain values.
    """

    def __init__(
        self,
        module: nn.Module,
        loss: Callable[[nn.Module, int, torch.Generator], tuple[Tensor, dict[str, float]]],
        validate: Callable[[nn.Module], dict[str, float]],
        settings: LoopSettings,
        folder: Path,
        better: str,
        fingerprint: dict[str, object] | None = None,
    ) -> None:
        self.accelerator = Accelerator(mixed_precision="bf16" if _bf16_is_fast() else "no")
        self.device = self.accelerator.device
        self.settings, self.folder, self.better = settings, folder, better
        self.loss, self.validate = loss, validate
        self.fingerprint = {**dataclasses.asdict(settings), **(fingerprint or {})}
        optimiser = torch.optim.AdamW(
            _parameter_groups(module, settings.weight_decay), lr=settings.learning_rate, fused=True
        )
        self.averaged = AveragedModel(module.to(self.device), multi_avg_fn=_average(settings.ema), use_buffers=True)
        self.network, self.optimiser = self.accelerator.prepare(module, optimiser)
        self.module = self.accelerator.unwrap_model(self.network)
        self.step, self.best, self.seconds = 0, -math.inf, 0.0
        folder.mkdir(parents=True, exist_ok=True)
        self._stop = ""

    def resume(self) -> bool:
        """Continue from the newest complete checkpoint of the run's folder; False if there is none.

        Raises:
            ValueError: if a setting that may not change has changed; names it.
        """
        path = latest_state(self.folder)
        if path is None:
            return False
        state = read_state(path, self.device)
        changed = [
            f"{name} was {state['settings'].get(name)!r}, is {value!r}"
            for name, value in self.fingerprint.items()
            if name not in _FREE and state["settings"].get(name) != value
        ]
        if changed:
            msg = f"{self.folder} was started with other settings ({'; '.join(changed)}): choose another --run"
            raise ValueError(msg)
        self.module.load_state_dict(state["module"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.best, self.seconds = state["step"], state["best"], state["seconds"]
        _forget_rows_after(self.folder / "log.csv", self.step)
        return True

    def run(self) -> bool:
        """Train to the end, or until a signal or the time limit; True if all steps were done."""
        before = self._catch_signals()
        try:
            return self._run()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _run(self) -> bool:
        """What :meth:`run` does while signals are caught."""
        began, before, saved = time.monotonic(), self.seconds, self.step
        bar = tqdm(
            total=self.settings.steps,
            initial=self.step,
            unit="step",
            mininterval=0.5 if sys.stderr.isatty() else 60,
            disable=not self.accelerator.is_main_process,
        )
        sums: dict[str, float] = {}
        while self.step < self.settings.steps and not self._stop:
            figures = self.train_step()
            for name, value in figures.items():
                sums[name] = sums.get(name, value) * 0.98 + 0.02 * value
            self.step += 1
            self.seconds = before + time.monotonic() - began
            bar.set_postfix({name: f"{value:.4g}" for name, value in sums.items()}, refresh=False)
            bar.update()
            if self.step % self.settings.validate_every == 0 or self.step == self.settings.steps:
                self._validate(sums, bar)
            if self.step % self.settings.save_every == 0:
                self._save()
                saved = self.step
            if self.settings.time_limit and time.monotonic() - began > 60 * self.settings.time_limit:
                self._stop = f"the time limit of {self.settings.time_limit:g} minutes"
        bar.close()
        if saved != self.step:
            self._save()
        if self._stop:
            self.accelerator.print(f"stopped at step {self.step} by {self._stop}; run again to continue")
        return self.step >= self.settings.steps

    def train_step(self) -> dict[str, float]:
        """One optimiser step; refuses to step on a loss that is not a number."""
        self.network.train()
        rate = self.settings.rate(self.step)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group.get("factor", 1.0)
        seed = hash((self.settings.seed, self.step, self.accelerator.process_index)) % 2**63
        generator = torch.Generator(self.device).manual_seed(seed)
        torch.manual_seed(seed)  # dropout has no generator of its own
        with self.accelerator.autocast():
            loss, figures = self.loss(self.network, self.step, generator)
        if not torch.isfinite(loss):
            msg = f"the loss of step {self.step} is {loss.item()}; the last checkpoint is kept: try a lower --lr"
            raise FloatingPointError(msg)
        self.accelerator.backward(loss)
        self.accelerator.clip_grad_norm_(self.network.parameters(), self.settings.clip)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.averaged.update_parameters(self.module)
        return {"loss": loss.item(), **figures}

    def _validate(self, sums: dict[str, float], bar: tqdm) -> None:
        """Validate the averaged weights, log, and keep them if they are the best so far."""
        if not self.accelerator.is_main_process:
            return
        self.averaged.eval()
        with torch.inference_mode():
            figures = self.validate(self.averaged.module)
        row = {"step": self.step, "seconds": round(self.seconds), **sums, **figures}
        _append_csv(self.folder / "log.csv", row)
        bar.write(json.dumps({name: round(value, 4) for name, value in row.items()}))
        value = -figures[self.better[1:]] if self.better.startswith("-") else figures[self.better]
        if value > self.best:
            self.best = value
            write_best(self.folder, self.averaged.module, row)

    def _save(self) -> None:
        """Write a checkpoint, complete or not at all."""
        if not self.accelerator.is_main_process:
            return
        state = {
            "module": self.module.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "best": self.best,
            "seconds": self.seconds,
            "settings": self.fingerprint,
        }
        write_state(self.folder, self.step, state)
        prune_states(self.folder, keep=2)

    def _catch_signals(self) -> dict[signal.Signals, Any]:
        """SIGTERM and SIGINT end the run after the step in hand, with a checkpoint; returns the former handlers."""

        def stop(number: int, _frame: FrameType | None) -> None:
            self._stop = signal.Signals(number).name

        return {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}


def _average(decay: float) -> Callable[[list[Tensor], list[Tensor], Tensor | int], None]:
    """Exponential moving average whose memory grows with the run, so that the start is soon forgotten."""

    def update(averaged: list[Tensor], current: list[Tensor], count: Tensor | int) -> None:
        weight = 1 - min(decay, (1 + int(count)) / (10 + int(count)))
        if averaged[0].is_floating_point():
            torch._foreach_lerp_(averaged, current, weight)
        else:
            torch._foreach_copy_(averaged, current)

    return update


def load_matching(module: nn.Module, tensors: dict[str, Tensor]) -> list[str]:
    """Warm-start: copy the tensors whose name and shape fit; return the names of those skipped."""
    own = module.state_dict()
    fitting = {name: tensor for name, tensor in tensors.items() if name in own and own[name].shape == tensor.shape}
    module.load_state_dict(fitting, strict=False)
    return sorted((set(own) | set(tensors)) - set(fitting))


def _parameter_groups(module: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Weights decay; biases, norms and the two mixing parameters do not."""
    matrices = [p for p in module.parameters() if p.ndim > 1]
    vectors = [p for name, p in module.named_parameters() if p.ndim <= 1 and not _is_mixing(name)]
    mixing = [p for name, p in module.named_parameters() if p.ndim <= 1 and _is_mixing(name)]
    groups: list[dict[str, object]] = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    if mixing:
        groups.append({"params": mixing, "weight_decay": 0.0, "factor": 5.0})
    return groups


def _is_mixing(name: str) -> bool:
    """Whether a parameter is alpha, beta or a free w_l."""
    return name.rpartition(".")[2] in ("alpha", "beta", "free_weights")


def _bf16_is_fast() -> bool:
    """Whether the device multiplies bfloat16 natively."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    return torch.cpu._is_avx512_bf16_supported()  # noqa: SLF001 - torch offers no public test


def _append_csv(path: Path, row: dict[str, float]) -> None:
    """Append a row, with a header where the file is new."""
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(row))
        if new:
            writer.writeheader()
        writer.writerow(row)


def _forget_rows_after(path: Path, step: int) -> None:
    """Drop the rows of steps that a resumed run takes again."""
    if not path.exists():
        return
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file)) or [["step"]]
    kept = [row for row in rows if row and int(row[0]) <= step]
    if len(kept) < len(rows):
        part = path.with_name(path.name + ".part")
        with part.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *kept])
        part.replace(path)
