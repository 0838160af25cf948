"""Checks that the readers share: of labels against their schema, and of people against the picture they are in.

What breaks a rule ends the reading with a sentence that names file and entry. The tolerances let pass what the sets as
distributed hold: LSP-extended has a joint at 1.6 times the width of its photo, rendered people are cut at the chest.
"""

from __future__ import annotations

import json
import reprlib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fusion_model.skeletons import Skeleton
from train.data.readers.records import UNKNOWN, LayoutError, Place, Record

_ROUNDING = 1.0  # pixels that a box may reach beyond its photo; it is cut there
# How far beyond the picture a joint may lie, over the picture's longer side. Joints by hand were seen in the picture;
# those measured in 3D may lie anywhere round it.
_ASIDE, _FAR, _FAR_IN_3D = 0.25, 1.0, 20.0
_FARTHEST = 1e6  # mm from the camera
_MOST_OUTSIDE = 0.5  # fraction of joints by hand that may lie outside
_MISPLACED = "a joint that lies far outside its photo (the person is kept)"


def read_json(path: Path, expected: str) -> dict[str, Any]:
    """The object that a JSON file holds, without the outlines of COCO, which would fill the memory.

    Raises:
        LayoutError: if it cannot be read or holds something else.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"), object_hook=_without_outline)
    except (OSError, ValueError, RecursionError) as error:
        raise LayoutError(path, f"cannot be read ({error})", f"{expected}: unpack it again") from error
    if not isinstance(data, dict):
        raise LayoutError(path, f"holds a {type(data).__name__}, not an object", expected)
    return data


def _without_outline(entry: dict[str, Any]) -> dict[str, Any]:
    entry.pop("segmentation", None)
    return entry


def entries_of(data: dict[str, Any], key: str, path: Path) -> dict[int, dict[str, Any]]:
    """The entries of a list of objects by their ``id``, which becomes an int in them, too, in its order.

    Raises:
        LayoutError: if there is no such list, or an entry is no object, or has no ``id`` or that of another.
    """
    listed = data.get(key)
    if not isinstance(listed, list):
        raise LayoutError(path, f"has no list {key!r}", "all lists of the set: unpack it again")
    found: dict[int, dict[str, Any]] = {}
    for row, entry in enumerate(listed):
        place = Place(path, f"entry {row} of {key!r}, counted from 0,")
        if not isinstance(entry, dict):
            raise place.error(f"is {reprlib.repr(entry)}", "an object")
        number = whole_number(entry, "id", place)
        if number in found:
            raise place.error(f"has the id {number} of an earlier one", "an id of its own in each")
        entry["id"] = number
        found[number] = entry
    return found


def whole_number(entry: dict[str, Any], key: str, place: Place, least: int | None = None) -> int:
    """A whole number of an entry, not less than ``least``; LayoutError if it is missing or something else."""
    value = entry.get(key)
    if isinstance(value, float) and value.is_integer():  # some tools write all numbers with a point
        value = int(value)
    if type(value) is not int or (least is not None and value < least):
        found = f"has {reprlib.repr(value)} as {key!r}" if key in entry else f"has no {key!r}"
        raise place.error(found, "a whole number" + ("" if least is None else f" from {least} on"))
    return value


def numbers(value: Any, count: int, what: str, meaning: str, place: Place) -> np.ndarray:
    """(count,) finite float64 of a list of numbers.

    Args:
        value: as it stands in the file.
        count: how many there have to be.
        what: they are, for the message.
        meaning: of each, likewise.
        place: where they stand.

    Raises:
        LayoutError: if it is something else.
    """
    try:
        found = np.array(value).ravel()
    except ValueError:  # lists of different lengths
        found = np.array([None])
    if found.dtype.kind in "iuf" and np.isfinite(found).all():
        if found.size == count:
            return found.astype(float)
        raise place.error(f"has {found.size} numbers as {what}", f"{count}, {meaning}")
    raise place.error(f"has {reprlib.repr(value)} as {what}", f"{count} numbers, {meaning}")


def member_path(folder: Path, name: Any, place: Place) -> Path:
    """Path of a file that labels name, in a folder; LayoutError if it is no name, or leads out of the folder."""
    if not isinstance(name, str) or not name or "\0" in name:
        raise place.error(f"names the file {reprlib.repr(name)}", "the name of a photo")
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise place.error(f"names the file {name!r}", f"a photo within {folder}")
    return folder / name


def box_inside(box: np.ndarray, size: tuple[int, int], place: Place) -> np.ndarray:
    """(4,) a box of the labels, cut where it reaches less than a pixel beyond its photo.

    Args:
        box: (4,) x0, y0, x1, y1, the center of the top-left pixel at (0, 0).
        size: width and height of the photo.
        place: where it stands.

    Raises:
        LayoutError: if the box is no number, inside-out or empty, or reaches further.
    """
    x0, y0, x1, y1 = inside = np.clip(box, -0.5, (size[0] - 0.5, size[1] - 0.5) * 2)
    if np.abs(inside - box).max() <= _ROUNDING and x0 < x1 and y0 < y1:
        return inside
    found = f"the box of {place.entry} ({', '.join(f'{number:g}' for number in box)})"
    if np.abs(inside - box).max() <= _ROUNDING:
        expected = "left before right and top before bottom: unpack it again"
        raise LayoutError(place.file, f"{found} is inside-out or empty", expected)
    found += f" reaches beyond the photo of {size[0]} x {size[1]} pixels"
    raise LayoutError(place.file, found, "boxes within the photo: unpack it again")


def check_person(record: Record, skeleton: Skeleton, size: tuple[int, int], skipped: Counter[str]) -> Record:
    """A person as the labels say, but for joints by hand that lie far outside the picture: these become unknown.

    Args:
        record: the person.
        skeleton: names the joints.
        size: width and height of the picture.
        skipped: counts such joints.

    Raises:
        LayoutError: if a joint or the box is no number, or lies where this picture cannot have it.
    """
    place = record.place or Place(record.frame.path, f"person {record.number}")
    known = record.visible != UNKNOWN
    _check_numbers(record, known, skeleton, place)
    if record.box is not None:
        x0, y0, x1, y1 = record.box
        if not (x0 < x1 and y0 < y1 and x1 > 0 and y1 > 0 and x0 < size[0] and y0 < size[1]):
            found = f"has the box ({x0:g}, {y0:g}, {x1:g}, {y1:g})"
            raise place.error(found, f"left, top, right and bottom in {_picture(record, size)}")
    points = record.joints_2d[known]
    beyond = np.maximum(-0.5 - points, points - (size[0] - 0.5, size[1] - 0.5)).max(1, initial=-np.inf) / max(size)
    if not (beyond > 0).any():
        return record
    by_hand = record.joints_3d is None
    if by_hand and (beyond > 0).mean() > _MOST_OUTSIDE:
        found = f"has {(beyond > 0).sum()} of {len(points)} joints outside {_picture(record, size)}"
        raise place.error(found, "labels of this photo, in its pixels")
    if beyond.max() > (_FAR if by_hand else _FAR_IN_3D):
        joint = np.flatnonzero(known)[beyond.argmax()]
        x, y = record.joints_2d[joint]
        found = f"has the {skeleton.joints[joint]} at ({x:.0f}, {y:.0f})"
        raise place.error(found, f"a place in or near {_picture(record, size)}")
    if by_hand and (aside := beyond > _ASIDE).any():
        visible = record.visible.copy()
        visible[np.flatnonzero(known)[aside]] = UNKNOWN
        skipped[_MISPLACED] += int(aside.sum())
        return replace(record, visible=visible)
    return record


def _picture(record: Record, size: tuple[int, int]) -> str:
    return f"the picture {record.frame.path.name} of {size[0]} x {size[1]} pixels"


def _check_numbers(record: Record, known: np.ndarray, skeleton: Skeleton, place: Place) -> None:
    """Refuse what is no number or far too large; NaN in 3D means unknown."""
    if (wrong := known & ~np.isfinite(record.joints_2d).all(1)).any():
        name = skeleton.joints[int(wrong.argmax())]
        raise place.error(f"has the {name} at {tuple(record.joints_2d[wrong][0].tolist())}", "numbers")
    if record.joints_3d is not None and (wrong := (np.abs(record.joints_3d) > _FARTHEST).any(1)).any():
        name = skeleton.joints[int(wrong.argmax())]
        found = f"has the {name} at {tuple(record.joints_3d[wrong][0].tolist())} mm in 3D"
        raise place.error(found, f"places up to {_FARTHEST:,.0f} mm away")
    if record.box is not None and not np.isfinite(record.box).all():
        raise place.error(f"has the box {tuple(np.asarray(record.box).tolist())}", "numbers")
