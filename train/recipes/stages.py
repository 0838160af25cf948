"""Runs commands of ``train`` one after another, and records which are done, so that a cut recipe goes on."""

from __future__ import annotations

import importlib
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from train.engine.run_files import read_json, write_json

DONE = "stages.json"  # seconds of every finished stage, by name


@dataclass(frozen=True)
class Stage:
    """One step of the way.

    Attributes:
        name: what is printed, and recorded when it is done; the same name means the same commands.
        commands: module of ``train`` and its arguments, one after another.
    """

    name: str
    commands: tuple[tuple[str, ...], ...]


def run_stages(plan: Sequence[Stage], out: Path) -> dict[str, float] | None:
    """Run the stages that are not done yet, all in this process, so that a signal reaches the command that runs.

    Args:
        plan: in order.
        out: folder that keeps the record of what is done.

    Returns:
        Seconds of each stage of the plan by name; None if a command failed or was stopped, and its stage goes on when
        this is called again.
    """
    done = read_json(out / DONE)
    for number, stage in enumerate(plan, 1):
        if stage.name in done:
            print(f"{number}/{len(plan)} {stage.name}: done before")
            continue
        print(f"{number}/{len(plan)} {stage.name}", flush=True)
        began = time.perf_counter()
        for command in stage.commands:
            if status := start_command(command):
                print(f"{stage.name} ended with status {status}; run the same command again to continue")
                return None
        done[stage.name] = round(time.perf_counter() - began, 1)
        write_json(out / DONE, done)
    return {stage.name: done[stage.name] for stage in plan}


def start_command(command: Sequence[str]) -> int:
    """Run a command of ``train``; returns its exit status."""
    name, *words = command
    module = importlib.import_module(f"train.{name}")
    return module.main(module.parser().parse_args(words))


def shown(command: Sequence[str]) -> str:
    """The command as one types it."""
    name, *rest = command
    return shlex.join(["python", "-m", f"train.{name}", *rest])
