"""What the commands share: common arguments, and how failures end."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from fusion_model.presets import PRESETS
from train.data.augment import AUGMENT
from train.engine.arguments import at_least, fraction, positive
from train.engine.memory import keep_freed_memory
from train.engine.settings import LOGS, SCHEDULES


def new_parser(name: str, description: str | None) -> argparse.ArgumentParser:
    """A parser for ``python -m train.<name>``, whose help shows the defaults."""
    formatter = argparse.ArgumentDefaultsHelpFormatter
    return argparse.ArgumentParser(prog=f"python -m train.{name}", description=description, formatter_class=formatter)


def common_arguments(
    parser: argparse.ArgumentParser,
    *,
    batch: int,
    learning_rate: float,
    warmup: int = 300,
    presets: bool = True,
    one_run: bool = True,
) -> None:
    """Arguments that every training command has.

    Args:
        parser: to add them to.
        batch: default.
        learning_rate: default.
        warmup: default.
        presets: whether it trains a network of the presets.
        one_run: whether it is one run, with a folder, a seed and weights to start from.
    """
    parser.add_argument("--data", type=Path, required=True, help="folder of data sets, or what train.pack made")
    if one_run:
        parser.add_argument("--run", type=Path, required=True, help="folder of the run; an existing run is continued")
        parser.add_argument("--init-from", type=Path, help="run, checkpoint or safetensors file to warm-start from")
        parser.add_argument("--seed", type=int, default=0, help="of batches and augmentation")
    if presets:
        parser.add_argument("--preset", choices=sorted(PRESETS), default="compact", help="sizes of the networks")
        parser.add_argument(
            "--augment", choices=sorted(AUGMENT), default="wide", help="narrow: hardly turned, cut off or small people"
        )
    parser.add_argument("--steps", type=positive(int), default=10_000, help="optimiser steps in all")
    parser.add_argument(
        "--batch", type=positive(int), default=batch, help="images a step, over all processes and parts"
    )
    parser.add_argument(
        "--accumulate", type=positive(int), default=1, help="parts of a batch that follow each other, to save memory"
    )
    parser.add_argument("--lr", type=positive(float), default=learning_rate, help="learning rate of AdamW")
    parser.add_argument("--schedule", choices=SCHEDULES, default="cosine", help="learning rate over steps")
    parser.add_argument(
        "--patience", type=positive(int), default=3, help="validations without gain before a plateau lowers the rate"
    )
    parser.add_argument(
        "--warmup", type=at_least(0, int), default=warmup, help="steps over which the rate rises at first"
    )
    parser.add_argument(
        "--time-limit", type=at_least(0), default=0.0, help="minutes after which to save and stop; 0: none"
    )
    parser.add_argument("--save-every", type=positive(int), default=1000, help="steps between checkpoints")
    parser.add_argument("--keep", type=positive(int), default=2, help="newest checkpoints kept, besides the best")
    parser.add_argument("--log", choices=LOGS, default="tensorboard", help="what is written besides log.csv")
    parser.add_argument("--validate-every", type=positive(int), default=2000, help="steps between validations")
    parser.add_argument(
        "--synthetic-fraction",
        type=fraction,
        default=0.2,
        help="fraction of rendered people in a batch, where --data has some",
    )


def run_command(parser: argparse.ArgumentParser, main: Callable[[argparse.Namespace], int]) -> int:
    """Parse and run; what went wrong is one sentence and exit status 1 (2 for bad usage, by argparse)."""
    arguments = parser.parse_args()
    arguments.began = time.monotonic()
    keep_freed_memory()
    try:
        return main(arguments)
    except KeyboardInterrupt:
        print(f"{parser.prog}: stopped; run the same command again to continue", file=sys.stderr)
    except (ValueError, OSError, FloatingPointError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
    except ModuleNotFoundError as error:  # of what only some data sets and reports need
        print(f"{parser.prog}: {error}: pip install -r requirements-train.txt", file=sys.stderr)
    return 1
