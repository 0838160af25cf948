"""Small JSON files in a folder: what it was begun with, what of it is done; each is there as a whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fusion_model.files import write_atomically


def check_settings(out: Path, name: str, settings: dict[str, Any], option: str = "--out") -> None:
    """Make a folder; refuse one that was begun with other settings.

    Args:
        out: the folder.
        name: of the file that keeps the settings.
        settings: what decides its content, ready for JSON.
        option: that names the folder, for the message.

    Raises:
        ValueError: if the folder was begun with others; names every one that differs.
    """
    if begun := read_json(out / name):
        refuse_changes(out, begun, settings, option)
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / name, settings)


def refuse_changes(folder: Path, begun: Mapping[str, Any], settings: Mapping[str, Any], option: str) -> None:
    """Refuse settings of which one is not as it was begun with; arguments and error as of :func:`check_settings`."""
    changed = [
        f"{name} {begun.get(name)!r}, not {value!r}" for name, value in settings.items() if begun.get(name) != value
    ]
    if changed:
        raise ValueError(f"{folder} was begun with {'; '.join(changed)}: choose another {option}, or the same settings")


def read_json(path: Path) -> dict[str, Any]:
    """What :func:`write_json` wrote; empty if there is no such file, ValueError if it is damaged."""
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}): choose another --out, or delete it") from error


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Replace the file at once, so that a cut never leaves half of it."""
    write_atomically(path, json.dumps(content, indent=1))


@contextmanager
def unless_full(path: Path, *kinds: type[Exception]) -> Iterator[None]:
    """What the disk refuses becomes one sentence: an OSError that names the file that cannot be written.

    Args:
        path: the file.
        kinds: further errors by which a writer says so.
    """
    try:
        yield
    except (OSError, *kinds) as error:
        reason, again = getattr(error, "strerror", None) or str(error).partition("\n")[0], "what is finished is kept"
        raise OSError(f"{path} cannot be written ({reason}): make room and run the command again, {again}") from error
