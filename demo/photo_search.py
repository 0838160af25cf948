"""The photos among files and folders: by their content, and none left out without a word."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from demo.exports import FORMATS
from fusion_model.photos.files import is_photo

_MADE = re.compile(rf"(.+?)(\.person\d+)?({'|'.join(re.escape(one.suffix) for one in FORMATS.values())})")
_PICTURES = tuple(one.suffix for one in FORMATS.values() if one.suffix.endswith(".png"))
RESULT = "a result of this command"


@dataclass(frozen=True)
class Found:
    """What a search has found.

    Attributes:
        photos: each once, with its name below ``--out``: the photos of a folder keep their places in it.
        left_out: every other file of the folders, and why.
    """

    photos: list[tuple[Path, Path]]
    left_out: list[tuple[Path, str]]


def find_photos(paths: Sequence[Path]) -> Found:
    """Look for photos.

    Args:
        paths: files, which are taken as they are, and folders, which are searched at any depth. A link to a file
            counts as the file; a link to a folder inside a folder is left out.
    """
    photos: list[tuple[Path, Path]] = []
    left_out: list[tuple[Path, str]] = []
    for path in paths:
        if not path.is_dir():
            photos.append((path, Path(path.name)))
            continue
        for one, closed in sorted(_files(path)):
            if reason := closed or _reason(one):
                left_out.append((one, reason))
            else:
                photos.append((one, one.relative_to(path)))
    return Found(list(dict.fromkeys(photos)), list(dict.fromkeys(left_out)))


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    """All files below a folder, and the folders that are not searched with the reason."""
    closed: list[OSError] = []
    for place, folders, files in os.walk(folder, onerror=closed.append):
        yield from ((Path(place, name), "") for name in files)
        links = (Path(place, name) for name in folders if Path(place, name).is_symlink())
        yield from ((link, "a link to a folder") for link in links)
        hidden = [name for name in folders if name.startswith(".") and not Path(place, name).is_symlink()]
        yield from ((Path(place, name), "a hidden folder") for name in hidden)
        folders[:] = [name for name in folders if name not in hidden]
    yield from ((Path(error.filename), "a folder that cannot be read") for error in closed)


def _reason(path: Path) -> str:
    """Why a file in a folder is left out; empty if it is a photo to be done."""
    if not path.is_file():
        return "a link that leads nowhere" if path.is_symlink() else "no file"
    if path.name.startswith("."):
        return "hidden"
    if _is_result(path):
        return RESULT
    if path.name.lower().endswith(_PICTURES):
        return f"called like {RESULT}"
    return "" if is_photo(path) else "not a photo"


def _is_result(path: Path) -> bool:
    """Whether this command made a file: beside it lies the JSON that is written with each."""
    made = _MADE.fullmatch(path.name)
    if not made:
        return False
    try:
        with path.with_name(f"{made[1]}.json").open("rb") as file:
            return b'"schema": "fusion-pose' in file.read(100)
    except OSError:
        return False
