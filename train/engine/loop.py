"""The training loop that every command shares.

The batch of step t is a function of (seed, t) alone. A run that was cut continues exactly where it was, and nothing
about the data order has to be stored; several processes draw the same batch, and each takes its slice of it.
"""

from __future__ import annotations

import contextlib
import json
import math
import signal
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import FrameType

import numpy as np
import torch
from accelerate import Accelerator, DistributedDataParallelKwargs, InitProcessGroupKwargs
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from train.engine.arguments import LoopSettings
from train.engine.checkpoints import latest_state, read_state, warm_start, write_best, write_state
from train.engine.logs import Log
from train.engine.machine import bf16_is_fast, only_here
from train.engine.run_files import refuse_changes
from train.engine.seeds import derive_seed

_LOG_EVERY = 50  # steps between figures where there is more than a table
_MAX_WAIT = timedelta(hours=2)  # of other processes for the one that validates
_WEIGHT_DECAY = 1e-4
_MEMORY = 0.999  # of the averaged weights
_MIXING = ("alpha", "beta", "free_weights")  # parameters of the fusion layers


class Loop:
    """Trains one module, keeps the averaged weights, writes checkpoints and logs.

    ``loss`` is called once for each part of a step, with a generator in the same state in every process and part: it
    draws the whole batch of ``settings.batch`` samples from it, and works on those of :meth:`local_slice`. The mean
    over equal slices must be the loss of the whole batch.

    Args:
        module: the network; channels-last where it has convolutions.
        loss: (network, step, generator) -> scalar loss and figures to log.
        validate: averaged network -> figures; the one called ``better`` decides which checkpoint is the best. Only the
            first process calls it.
        settings: see :class:`LoopSettings`.
        folder: the run's folder.
        better: name of the deciding figure; prefix ``-`` where smaller is better.
        fingerprint: further settings that a resumed run must share, as plain values.
        pictures: averaged network -> pictures (H, W, 3) uint8 by name, for logs that show them.
        idle_parameters: whether there are steps that some parameters take no part in; several processes ask.
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
        pictures: Callable[[nn.Module], dict[str, np.ndarray]] | None = None,
        *,
        idle_parameters: bool = False,
    ) -> None:
        self.accelerator = start_accelerator(idle_parameters=idle_parameters)
        self.device = self.accelerator.device
        self.settings, self.folder, self.better = settings, folder, better
        self.loss, self.validate, self.pictures = loss, validate, pictures
        self.fingerprint = {**settings.stored(), **(fingerprint or {})}
        self._fixed = {**settings.fixed(), **(fingerprint or {})}
        self._part = 0
        self.local_slice(settings.batch)  # refuses a batch that cannot be split, before anything is written
        self.averaged = AveragedModel(module.to(self.device), multi_avg_fn=_average, use_buffers=True)
        self.network, self.optimiser = self.accelerator.prepare(module, _make_optimiser(module, settings.lr))
        self.module = self.accelerator.unwrap_model(self.network)
        self.step, self.best, self.seconds = 0, -math.inf, 0.0
        self._sums: dict[str, float] = {}
        self._signal = self._stop = ""
        self._pace = 0.0
        folder.mkdir(parents=True, exist_ok=True)

    def local_slice(self, count: int) -> slice:
        """Rows of a batch of ``count`` that fall to this process in the part of the step in hand.

        Raises:
            ValueError: if the batch cannot be split evenly.
        """
        processes, parts = self.accelerator.num_processes, self.settings.accumulate
        size, rest = divmod(count, processes * parts)
        if rest:
            words = f"a batch of {count} cannot be split evenly over {processes} processes of {parts} accumulated parts"
            raise ValueError(f"{words}: choose a multiple of {processes * parts}")
        start = (self.accelerator.process_index * parts + self._part) * size
        return slice(start, start + size)

    def resume(self) -> bool:
        """Continue from the newest complete checkpoint of the run's folder; False if there is none.

        Raises:
            ValueError: if a setting that may not change has changed, which is named, or the network has.
        """
        path = latest_state(self.folder)
        if path is None:
            return False
        state = read_state(path, self.device)
        refuse_changes(self.folder, state["settings"], self._fixed, "--run")
        try:
            self.module.load_state_dict(state["module"])
        except RuntimeError as error:
            raise ValueError(f"{self.folder} was begun with other widths or layers: choose another --run") from error
        self.averaged.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.best, self.seconds = state["step"], state["best"], state["seconds"]
        self._sums = state["sums"]
        return True

    def run(self) -> bool:
        """Train to the end, or until a signal, which lets the step in hand end; True if all steps were done."""
        with contextlib.ExitStack() as stack:
            if main := self.accelerator.is_main_process:
                stack.enter_context(only_here(self.folder))
            for number in (signal.SIGTERM, signal.SIGINT):  # first: to open a log may take seconds
                stack.callback(signal.signal, number, signal.signal(number, self._note_signal))
            log = Log(self.folder, self.settings.log, self.step) if main else None
            if log:
                stack.callback(log.close)
            return self._run(log)

    def _run(self, log: Log | None) -> bool:
        began, before, saved = time.monotonic(), self.seconds, self.step
        often = 0.5 if sys.stderr.isatty() else 60
        bar = tqdm(total=self.settings.steps, initial=self.step, unit="step", mininterval=often, disable=log is None)
        while self.step < self.settings.steps and not self._stop:
            start = time.monotonic()
            figures = self.train_step()
            pace = time.monotonic() - start
            self._pace = 0.9 * self._pace + 0.1 * pace if self._pace else pace
            for name, value in figures.items():
                self._sums[name] = self._sums.get(name, value) * 0.98 + 0.02 * value
            self.step += 1
            self.seconds = before + time.monotonic() - began
            self._show(bar, log)
            if self.step % self.settings.validate_every == 0 or self.step == self.settings.steps:
                self._validate(log, bar)
            if self.step % self.settings.save_every == 0:
                self._save()
                saved = self.step
        bar.close()
        if saved != self.step:
            self._save()
        if self._stop:
            self.accelerator.print(f"stopped at step {self.step} by {self._stop}; run again to continue")
        return self.step >= self.settings.steps

    @property
    def stop_reason(self) -> str:
        """The signal that asked the run to stop; empty if none did."""
        return self._stop or self._signal

    def train_step(self) -> dict[str, float]:
        """One optimiser step; refuses to step on a loss or a gradient that is not a number."""
        self.network.train()
        rate = self.settings.rate(self.step)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group.get("factor", 1.0)
        parts, seed = self.settings.accumulate, self.settings.seed
        means: dict[str, float] = {}
        for self._part in range(parts):
            last = self._part == parts - 1
            with contextlib.nullcontext() if last else self.accelerator.no_sync(self.network):
                # Dropout has no generator of its own, and must not be alike in two slices.
                torch.manual_seed(derive_seed(seed, self.step, self._part, self.accelerator.process_index + 1))
                generator = torch.Generator(self.device).manual_seed(derive_seed(seed, self.step))
                # Numbers are bfloat16 inside the network alone, which accelerate sees to: crops and losses need more.
                loss, figures = self.loss(self.network, self.step, generator)
                self.accelerator.backward(loss / parts)
            for name, value in {"loss": loss.item(), **figures}.items():
                means[name] = means.get(name, 0.0) + value / parts
        here = not math.isfinite(means["loss"])
        means["loss"] = self._agree(means["loss"])
        if not math.isfinite(means["loss"]):
            self._refuse("loss", means["loss"], "" if here else " in another process")
        norm = self.accelerator.clip_grad_norm_(self.network.parameters(), self.settings.clip)
        if not torch.isfinite(norm):
            self._refuse("gradient", float(norm))
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.averaged.update_parameters(self.module)
        return means

    def _agree(self, loss: float) -> float:
        """Mean loss of all processes; they also agree whether this step is the last, whoever wants to stop."""
        if self.accelerator.num_processes == 1:
            self._stop = self._signal
            return loss
        both = torch.tensor([loss, float(bool(self._signal))], dtype=torch.float64, device=self.device)
        mean, stop = self.accelerator.reduce(both, reduction="mean").tolist()
        if stop:
            self._stop = self._signal or "another process"
        return mean

    def _refuse(self, what: str, value: float, where: str = "") -> None:
        """Stop on a number that is none."""
        self.optimiser.zero_grad(set_to_none=True)
        state = latest_state(self.folder)
        kept = f"the checkpoint of step {int(state.name)} is kept" if state else "there is no checkpoint yet"
        raise FloatingPointError(f"the {what} of step {self.step} is {value}{where}; {kept}: try a lower --lr")

    def _show(self, bar: tqdm, log: Log | None) -> None:
        """The bar, and figures between two rows of the table."""
        shown = {name: f"{value:.4g}" for name, value in self._sums.items()}
        speed = self.settings.batch / self._pace
        bar.set_postfix({"images/s": f"{speed:.3g}"} | shown, refresh=False)
        bar.update()
        if log and self.step % _LOG_EVERY == 0:
            extra = {"learning_rate": self.settings.rate(self.step - 1), "images_per_second": speed}
            log.scalars(self.step, self._sums | extra)

    def _validate(self, log: Log | None, bar: tqdm) -> None:
        """Validate the averaged weights, log, and keep them if they are the best so far."""
        if log:
            self.averaged.eval()
            with torch.inference_mode():
                figures = self.validate(self.averaged.module)
                if self.pictures and log.board:
                    log.pictures(self.step, self.pictures(self.averaged.module))
            row = {"step": self.step, "seconds": round(self.seconds), **self._sums, **figures}
            log.row(row)
            bar.write(json.dumps({name: round(value, 4) for name, value in row.items()}))
            value = -figures[self.better[1:]] if self.better.startswith("-") else figures[self.better]
            if value > self.best:
                self.best = value
                write_best(self.folder, self.averaged.module, row)

    def _save(self) -> None:
        """Write a checkpoint, complete or not at all."""
        if self.accelerator.is_main_process:
            state = {
                "module": self.module.state_dict(),
                "averaged": self.averaged.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "step": self.step,
                "best": self.best,
                "seconds": self.seconds,
                "sums": self._sums,
                "settings": self.fingerprint,
            }
            write_state(self.folder, self.step, state, self.averaged.module)
        self.accelerator.wait_for_everyone()

    def _note_signal(self, number: int, _frame: FrameType | None) -> None:
        self._signal = signal.Signals(number).name


def start_accelerator(*, idle_parameters: bool = False) -> Accelerator:
    """The device and the processes of this training, the same however often it is called; arguments as of Loop."""
    return Accelerator(
        cpu=torch.backends.mps.is_available(),  # Apple's GPUs have no float64, which the sampling needs
        mixed_precision="bf16" if bf16_is_fast("cuda" if torch.cuda.is_available() else "cpu") else "no",
        kwargs_handlers=[
            InitProcessGroupKwargs(timeout=_MAX_WAIT),
            DistributedDataParallelKwargs(find_unused_parameters=idle_parameters),
        ],
    )


def start_warm(module: nn.Module, init_from: Path | None, run: Path, part: str) -> None:
    """Start a network of a new run, if there is none in its folder yet, from other weights; arguments as of warm_start.

    Prints what was skipped.
    """
    if init_from and latest_state(run) is None:
        start_accelerator().print(warm_start(module, init_from, part))


def _make_optimiser(module: nn.Module, learning_rate: float) -> torch.optim.AdamW:
    """AdamW: weights decay; biases, norms and the mixing parameters do not."""
    matrices, vectors, mixing = [], [], []
    for name, parameter in module.named_parameters():
        of_mixing = name.rpartition(".")[2] in _MIXING
        (matrices if parameter.ndim > 1 else mixing if of_mixing else vectors).append(parameter)
    # Adam moves each by the rate a step at most, and alpha has a way of its own to go until the weights are sharp.
    groups = [
        {"params": matrices, "weight_decay": _WEIGHT_DECAY},
        {"params": vectors, "weight_decay": 0.0},
        {"params": mixing, "weight_decay": 0.0, "factor": 25.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=learning_rate, fused=True)


def _average(averaged: list[Tensor], current: list[Tensor], count: Tensor | int) -> None:
    """Exponential moving average whose memory grows with the run, so that the start is soon forgotten."""
    if averaged[0].is_floating_point():
        torch._foreach_lerp_(averaged, current, 1 - min(_MEMORY, (1 + int(count)) / (10 + int(count))))
    else:
        torch._foreach_copy_(averaged, current)
