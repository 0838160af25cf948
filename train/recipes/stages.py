"""Runs commands of ``train`` one after another, and notes which are done, so that a cut recipe goes on."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

DONE = "stages.json"  # seconds of every finished stage, by name


@dataclass(frozen=True)
class Stage:
    """One step of the way.

    Attributes:
        name: what is printed, and noted when it is done; the same name means the same commands.
        commands: module of ``train`` and its arguments, one after another.
    """

    name: str
    commands: tuple[tuple[str, ...], ...]


def claim(out: Path, note: str, settings: dict[str, Any]) -> None:
    """Make the folder of a recipe; refuse one that was begun with other settings.

    Args:
        out: the folder.
        note: name of the file that keeps the settings.
        settings: what decides the commands, ready for JSON.

    Raises:
        ValueError: if the folder was begun with others.
    """
    path = out / note
    if (begun := read_note(path)) and begun != settings:
        raise ValueError(f"{out} was begun with {begun}, not {settings}: choose another --out, or the same settings")
    out.mkdir(parents=True, exist_ok=True)
    write_note(path, settings)


def run_stages(plan: Sequence[Stage], out: Path) -> dict[str, float] | None:
    """Run the stages that are not done yet.

    Args:
        plan: in order.
        out: folder that keeps the note of what is done.

    Returns:
        Seconds of each stage of the plan by name; None if a command failed or was stopped, and its stage goes on when
        this is called again.
    """
    done = read_note(out / DONE)
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
        write_note(out / DONE, done)
    return {stage.name: done[stage.name] for stage in plan}


def start_command(command: Sequence[str]) -> int:
    """Run a command of ``train`` in a process of its own, its bar in sight; returns its exit status.

    It is never left behind: SIGTERM is passed on, Ctrl-C reaches it from the terminal, and its end is waited for.
    """
    name, *rest = command
    process = subprocess.Popen([sys.executable, "-m", f"train.{name}", *rest])  # noqa: S603 - our own commands

    def pass_on(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGTERM:
            process.terminate()

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        return process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def shown(command: Sequence[str]) -> str:
    """The command as one types it."""
    name, *rest = command
    return shlex.join(["python", "-m", f"train.{name}", *rest])


def read_note(path: Path) -> dict[str, Any]:
    """What :func:`write_note` wrote; empty if there is no such file.

    Raises:
        ValueError: if the file is damaged.
    """
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}): choose another --out, or delete it") from error


def write_note(path: Path, content: dict[str, Any]) -> None:
    """Replace the file at once, so that a cut never leaves half of it."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1), encoding="utf-8")
    part.replace(path)
