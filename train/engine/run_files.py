"""Notes in a folder: what it was begun with, what of it is done; small JSON files, each whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fusion_model.files import write_atomically


def check_settings(out: Path, note: str, settings: dict[str, Any], option: str = "--out") -> None:
    """Make a folder; refuse one that was begun with other settings.

    Args:
        out: the folder.
        note: name of the file that keeps the settings.
        settings: what decides its content, ready for JSON.
        option: that names the folder, for the message.

    Raises:
        ValueError: if the folder was begun with others.
    """
    refuse_other_settings(out, note, settings, option)
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / note, settings)


def refuse_other_settings(out: Path, note: str, settings: dict[str, Any], option: str = "--out") -> None:
    """The check of :func:`check_settings` alone: makes and writes nothing."""
    if begun := read_json(out / note):
        changed = [
            f"{name} {begun.get(name)!r}, not {value!r}" for name, value in settings.items() if begun.get(name) != value
        ]
        if changed:
            raise ValueError(
                f"{out} was begun with {'; '.join(changed)}: choose another {option}, or the same settings"
            )


def read_json(path: Path) -> dict[str, Any]:
    """What :func:`write_json` wrote; empty if there is no such file.

    Raises:
        ValueError: if the file is damaged.
    """
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}): choose another --out, or delete it") from error


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Replace the file at once, so that a cut never leaves half of it."""
    write_atomically(path, json.dumps(content, indent=1))
