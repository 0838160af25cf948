"""What the commands share: common arguments, and how failures end."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from pathlib import Path

from fusion_model.config import PRESETS
from train.engine.loop import LoopSettings


def common_arguments(
    parser: argparse.ArgumentParser, *, batch: int, learning_rate: float, presets: bool = True
) -> None:
    """Arguments that every training command has; ``presets`` for those that train a network of the presets."""
    parser.formatter_class = argparse.ArgumentDefaultsHelpFormatter
    parser.add_argument("--data", type=Path, required=True, help="folder with lspet/ and people_*.npz + .zip")
    parser.add_argument("--run", type=Path, required=True, help="folder of the run; an existing run is continued")
    if presets:
        parser.add_argument("--preset", choices=sorted(PRESETS), default="compact", help="sizes of the networks")
    parser.add_argument("--steps", type=positive(int), default=10_000, help="optimiser steps in all")
    parser.add_argument("--batch", type=positive(int), default=batch, help="images a step and process")
    parser.add_argument("--lr", type=positive(float), default=learning_rate, help="learning rate of AdamW")
    parser.add_argument("--schedule", choices=("constant", "cosine"), default="cosine", help="learning rate over steps")
    parser.add_argument("--time-limit", type=float, default=0.0, help="minutes after which to save and stop; 0: none")
    parser.add_argument("--save-every", type=positive(int), default=1000, help="steps between checkpoints")
    parser.add_argument("--validate-every", type=positive(int), default=2000, help="steps between validations")
    parser.add_argument("--seed", type=int, default=0, help="of batches and augmentation")
    parser.add_argument(
        "--synthetic-share", type=share, default=0.2, help="share of rendered people in a batch, where --data has some"
    )


def positive(kind: type[int | float]) -> Callable[[str], float]:
    """Reader of a command-line number that must exceed 0."""

    def read(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = 0
        if not 0 < value < math.inf:
            whole = "whole " if kind is int else ""
            raise argparse.ArgumentTypeError(f"must be a {whole}number above 0, got {text!r}")
        return value

    return read


def share(text: str) -> float:
    """Reader of a command-line number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1, got {text!r}")
    return value


def loop_settings(arguments: argparse.Namespace) -> LoopSettings:
    """Settings of the loop from the common arguments."""
    return LoopSettings(
        steps=arguments.steps,
        learning_rate=arguments.lr,
        schedule=arguments.schedule,
        time_limit=arguments.time_limit,
        save_every=arguments.save_every,
        validate_every=arguments.validate_every,
        seed=arguments.seed,
    )


def run_command(parser: argparse.ArgumentParser, main: Callable[[argparse.Namespace], int]) -> int:
    """Parse and run; what went wrong is one sentence and exit status 1 (2 for bad usage, by argparse)."""
    arguments = parser.parse_args()
    try:
        return main(arguments)
    except (ValueError, OSError, FloatingPointError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
