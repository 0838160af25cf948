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
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator, DistributedDataParallelKwargs, InitProcessGroupKwargs
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from train.engine.checkpoints import latest_state, prune_states, read_state, write_best, write_state
from train.engine.logs import Log
from train.engine.machine import bf16_is_fast, only_here
from train.engine.optimiser import freeze_norms, make_optimiser, moving_average, warm_start
from train.engine.run_files import refuse_changes
from train.engine.seeds import derive_seed
from train.engine.settings import LoopSettings

_LOG_EVERY = 50  # steps between figures where there is more than a table
_MAX_WAIT = timedelta(hours=2)  # of other processes for the one that validates


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
        describe: generator as ``loss`` gets it -> words for the samples of the local slice, for the message when a loss
            is no number.
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
        describe: Callable[[torch.Generator], str] | None = None,
        pictures: Callable[[nn.Module], dict[str, np.ndarray]] | None = None,
        *,
        idle_parameters: bool = False,
    ) -> None:
        self.accelerator = start_accelerator(idle_parameters=idle_parameters)
        self.device = self.accelerator.device
        self.settings, self.folder, self.better = settings, folder, better
        self.loss, self.validate, self.describe, self.pictures = loss, validate, describe, pictures
        self.fingerprint = {**settings.stored(), **(fingerprint or {})}
        self._fixed = {**settings.fixed(), **(fingerprint or {})}
        self._part = 0
        self.local_slice(settings.batch)  # refuses a batch that cannot be split, before anything is written
        optimiser = make_optimiser(module, settings.lr, settings.weight_decay)
        average = moving_average(settings.ema)
        self.averaged = AveragedModel(module.to(self.device), multi_avg_fn=average, use_buffers=True)
        self.network, self.optimiser = self.accelerator.prepare(module, optimiser)
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
            raise ValueError(
                f"a batch of {count} cannot be split evenly over {processes} processes of {parts} accumulated parts: "
                f"choose a multiple of {processes * parts}"
            )
        start = (self.accelerator.process_index * parts + self._part) * size
        return slice(start, start + size)

    def resume(self) -> bool:
        """Continue from the newest complete checkpoint of the run's folder; False if there is none.

        Raises:
            ValueError: if a setting that may not change has changed; names it.
        """
        path = latest_state(self.folder)
        if path is None:
            return False
        state = read_state(path, self.device)
        refuse_changes(self.folder, state["settings"], self._fixed, "--run")
        self.module.load_state_dict(state["module"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.best, self.seconds = state["step"], state["best"], state["seconds"]
        self._sums = state["sums"]
        return True

    def run(self) -> bool:
        """Train to the end, or until a signal or the time limit; True if all steps were done."""
        main = self.accelerator.is_main_process
        with only_here(self.folder) if main else contextlib.nullcontext():
            before, log = self._catch_signals(), None  # first: to open a log may take seconds
            try:
                log = Log(self.folder, self.settings.log, self.step) if main else None
                return self._run(log)
            finally:
                for number, handler in before.items():
                    signal.signal(number, handler)
                if log:
                    log.close()

    def _run(self, log: Log | None) -> bool:
        """What :meth:`run` does while signals are caught."""
        began, before, saved = time.monotonic(), self.seconds, self.step
        bar = tqdm(
            total=self.settings.steps,
            initial=self.step,
            unit="step",
            mininterval=0.5 if sys.stderr.isatty() else 60,
            disable=log is None,
        )
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
        """What asked the run to stop, a signal or the time limit; empty if nothing did."""
        return self._stop or self._signal

    def choose_anew(self) -> None:
        """Let the best network be chosen among those to come: what is trained from here on is another one."""
        self.best = -math.inf

    def train_step(self) -> dict[str, float]:
        """One optimiser step; refuses to step on a loss or a gradient that is not a number."""
        self.network.train()
        if self.settings.freeze_norm:
            freeze_norms(self.network)
        rate = self.settings.rate(self.step)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group.get("factor", 1.0)
        parts, bad = self.settings.accumulate, None
        means: dict[str, float] = {}
        for self._part in range(parts):
            last = self._part == parts - 1
            with contextlib.nullcontext() if last else self.accelerator.no_sync(self.network):
                # Dropout has no generator of its own, and must not be alike in two slices.
                torch.manual_seed(
                    derive_seed(self.settings.seed, self.step, self._part, self.accelerator.process_index + 1)
                )
                # Numbers are bfloat16 inside the network alone, which accelerate sees to: crops and losses need more.
                loss, figures = self.loss(self.network, self.step, self._generator())
                self.accelerator.backward(loss / parts)
            for name, value in {"loss": loss.item(), **figures}.items():
                means[name] = means.get(name, 0.0) + value / parts
            bad = self._part if bad is None and not math.isfinite(loss.item()) else bad
        means["loss"] = self._agree(means["loss"])
        if not math.isfinite(means["loss"]):
            self._refuse("loss", means["loss"], bad)
        norm = self.accelerator.clip_grad_norm_(self.network.parameters(), self.settings.clip)
        if not torch.isfinite(norm):
            self._refuse("gradient", float(norm), self._part)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.averaged.update_parameters(self.module)
        return means

    def _generator(self) -> torch.Generator:
        """The generator of the step in hand: alike in all processes and parts."""
        return torch.Generator(self.device).manual_seed(derive_seed(self.settings.seed, self.step))

    def _agree(self, loss: float) -> float:
        """Mean loss of all processes; they also agree whether this step is the last, whoever wants to stop."""
        wish = self._signal or ("the time limit" if self.settings.minutes_left() < 0 else "")
        if self.accelerator.num_processes == 1:
            self._stop = wish
            return loss
        both = torch.tensor([loss, float(bool(wish))], dtype=torch.float64, device=self.device)
        mean, stop = self.accelerator.reduce(both, reduction="mean").tolist()
        if stop:
            self._stop = wish or "another process"
        return mean

    def _refuse(self, what: str, value: float, part: int | None) -> None:
        """Stop on a number that is none; ``part`` is the one it came from, None if another process met it."""
        self.optimiser.zero_grad(set_to_none=True)
        where = " in another process"
        if part is not None:
            self._part = part
            where = f" on {self.describe(self._generator())}" if self.describe else ""
        state = latest_state(self.folder)
        kept = f"the checkpoint of step {int(state.name)} is kept" if state else "there is no checkpoint yet"
        raise FloatingPointError(f"the {what} of step {self.step} is {value}{where}; {kept}: try a lower --lr")

    def _show(self, bar: tqdm, log: Log | None) -> None:
        """The bar, and figures between two rows of the table."""
        shown = {name: f"{value:.4g}" for name, value in self._sums.items()}
        speed = self.settings.batch / self._pace if self._pace else 0.0
        bar.set_postfix(({"images/s": f"{speed:.3g}"} if speed else {}) | shown, refresh=False)
        bar.update()
        if log and self.step % _LOG_EVERY == 0:
            extra = {"learning_rate": self.settings.rate(self.step - 1)}
            log.scalars(self.step, self._sums | extra | ({"images_per_second": speed} if speed else {}))

    def _validate(self, log: Log | None, bar: tqdm) -> None:
        """Validate the averaged weights, log, and keep them if they are the best so far."""
        if log:
            self.averaged.eval()
            with torch.inference_mode():
                figures = self.validate(self.averaged.module)
                if self.pictures and log.shows_pictures:
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
            prune_states(self.folder, self.settings.keep)
        self.accelerator.wait_for_everyone()

    def _catch_signals(self) -> dict[signal.Signals, Any]:
        """SIGTERM and SIGINT end the run after the step in hand, with a checkpoint; returns the former handlers."""

        def stop(number: int, _frame: FrameType | None) -> None:
            self._signal = signal.Signals(number).name

        return {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}


def start_accelerator(*, idle_parameters: bool = False) -> Accelerator:
    """The device and the processes of this training, which are the same however often it is called.

    Args:
        idle_parameters: see :class:`Loop`.
    """
    return Accelerator(
        cpu=torch.backends.mps.is_available(),  # Apple's GPUs have no float64, which the sampling needs
        mixed_precision="bf16" if bf16_is_fast("cuda" if torch.cuda.is_available() else "cpu") else "no",
        kwargs_handlers=[
            InitProcessGroupKwargs(timeout=_MAX_WAIT),
            DistributedDataParallelKwargs(find_unused_parameters=idle_parameters),
        ],
    )


def start_warm(module: nn.Module, init_from: Path | None, run: Path, part: str) -> None:
    """Start a network of a new run from other weights, if there are some, and print what was skipped.

    Args:
        module: the network to start.
        init_from: see :func:`train.engine.optimiser.warm_start`.
        run: folder of the run; one that goes on has weights of its own.
        part: what the network is called in a checkpoint.
    """
    if init_from and latest_state(run) is None:
        start_accelerator().print(warm_start(module, init_from, part))
