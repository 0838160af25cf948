"""Runs commands of ``train`` one after another, and records which are done, so that a cut recipe goes on."""

from __future__ import annotations

import ctypes
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

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
    """Run the stages that are not done yet.

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
    """Run a command of ``train`` in a process of its own, its bar in sight; returns its exit status.

    Whoever stops this process stops that one: it is told to save and end, and waited for.
    """
    name, *rest = command
    running: list[subprocess.Popen[bytes]] = []
    asked: list[int] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        asked.append(number)
        for process in running:
            process.terminate()

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        process = subprocess.Popen(  # noqa: S603 - our own commands
            [sys.executable, "-m", f"train.{name}", *rest],
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no other thread here
        )
        running.append(process)
        if asked:
            process.terminate()
        return process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_with_parent() -> None:
    """Let the system send SIGTERM to this process when the one that started it dies, even by SIGKILL."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def shown(command: Sequence[str]) -> str:
    """The command as one types it."""
    name, *rest = command
    return shlex.join(["python", "-m", f"train.{name}", *rest])
