"""Files and folders that are there as a whole or not at all, whenever a program is cut."""

from __future__ import annotations

import os
import shutil
import unicodedata
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MAX_NAME_BYTES = 255
"""Of a file's name on the usual file systems."""
PART = ".part"
"""Suffix of what is not finished yet; what a killed program left of it may be deleted."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path beside ``path`` to write to; it replaces ``path`` once the block ends without an error.

    What is written may be a file or a folder. On an error ``path`` stays as it was, and nothing is left beside it. A
    program that is killed while it renames a folder leaves the old one beside it, its name ending in ``.old``.
    """
    unique = f".{uuid.uuid4().hex}{PART}"
    part = path.with_name(f".{_beginning(path.name, MAX_NAME_BYTES - 1 - len(unique))}{unique}")
    try:
        yield part
        for written in [one for one in part.rglob("*") if one.is_file()] if part.is_dir() else [part]:
            with written.open("rb+") as file:
                os.fsync(file.fileno())  # a name must not survive a power cut that the content does not
        if part.is_dir():
            _swap(part, path)
        else:
            part.replace(path)
    finally:
        _delete(part)


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file so that it is there as a whole or not at all; text as UTF-8."""
    with replacing(path) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)


def discard_unfinished(folder: Path, name: str = "") -> None:
    """Delete what killed programs left in a folder of files whose names begin so; nothing may be writing them."""
    for part in folder.glob(f".{name}*{PART}"):
        _delete(part)


def printable(text: str) -> str:
    """A name or message that stays one line wherever it is shown: what cannot be printed is escaped."""
    shown = (one.isprintable() or unicodedata.category(one) == "Zs" for one in text)  # Zs: spaces of all kinds
    return "".join(
        one if fine else one.encode("unicode_escape").decode() for one, fine in zip(text, shown, strict=True)
    )


def _beginning(name: str, most: int) -> str:
    """A name of at most so many bytes, cut between two characters."""
    return os.fsencode(name)[:most].decode(errors="ignore")


def _delete(part: Path) -> None:
    """Delete a file or a folder, if it is there."""
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        part.unlink(missing_ok=True)


def _swap(part: Path, folder: Path) -> None:
    """Rename the complete ``part`` to ``folder``; the old folder, if any, goes only after that has worked."""
    if not folder.exists():
        part.rename(folder)
        return
    old = part.with_suffix(".old")
    folder.rename(old)
    try:
        part.rename(folder)
    except BaseException:
        old.rename(folder)
        raise
    shutil.rmtree(old)
