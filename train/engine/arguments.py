"""What the commands read from their arguments: numbers within bounds, and what starts a training."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable

from torch import nn

from train.engine.checkpoints import latest_state
from train.engine.loop import start_accelerator
from train.engine.optimiser import warm_start
from train.engine.settings import LoopSettings


def positive(kind: type[int | float]) -> Callable[[str], float]:
    """Reader of a command-line number that must exceed 0."""
    return _reader(kind, lambda value: value > 0, "above 0")


def at_least(bound: float, kind: type[int | float] = float) -> Callable[[str], float]:
    """Reader of a command-line number that must not be below a bound."""
    return _reader(kind, lambda value: value >= bound, f"of at least {bound:g}")


def fraction(text: str) -> float:
    """Reader of a command-line number from 0 to 1."""
    return _reader(float, lambda value: 0 <= value <= 1, "from 0 to 1")(text)


def _reader(kind: type[int | float], fits: Callable[[float], bool], words: str) -> Callable[[str], float]:
    """Reader of a finite number that fits; else bad usage, told in words."""

    def read(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and fits(value)):
            whole = "whole " if kind is int else ""
            raise argparse.ArgumentTypeError(f"must be a {whole}number {words}, got {text!r}")
        return value

    return read


def loop_settings(arguments: argparse.Namespace) -> LoopSettings:
    """Settings of the loop from the common arguments."""
    names = ("steps", "schedule", "warmup", "save_every", "validate_every", "seed", "batch", "accumulate", "patience")
    same = {name: getattr(arguments, name) for name in (*names, "keep", "log")}
    return LoopSettings(learning_rate=arguments.lr, time_limit=minutes_left(arguments), **same)


def minutes_left(arguments: argparse.Namespace) -> float:
    """Of ``--time-limit``, which counts from the start of the command; 0 if there is none, below 0 if it is over."""
    limit, began = arguments.time_limit, getattr(arguments, "began", None)
    if not limit or began is None:  # not started by run_command
        return limit
    return limit - (time.monotonic() - began) / 60 or -1.0


def start_warm(module: nn.Module, arguments: argparse.Namespace, part: str) -> None:
    """Do what ``--init-from`` asks for, and print what was skipped.

    Args:
        module: the network to start.
        arguments: of the command.
        part: what the network is called in a checkpoint.
    """
    if arguments.init_from and latest_state(arguments.run) is None:
        start_accelerator().print(warm_start(module, arguments.init_from, part))
