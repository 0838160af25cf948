"""The people of PASCAL VOC as distributed: ``VOCdevkit/VOC2012`` and the like, every person of a photo boxed.

Takes the photos of ``ImageSets/Main/train.txt`` and ``val.txt`` of every year that is there; those without a person are
negatives. What is truncated is cut off, what is difficult is unsure.
"""

from __future__ import annotations

import math
import re
import reprlib
import xml.etree.ElementTree as ET
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from train.data.readers.checks import box_inside, member_path
from train.data.readers.records import Labels, LayoutError, Place, ScenePhoto, ScenePlan, require_any, split_units
from train.data.scenes import CUT_OFF, UNSURE, WHOLE

_EXPECTED = "VOCdevkit/VOC2012 and the like, each with JPEGImages, Annotations and ImageSets"
_LABELS = "VOC's labels of a photo, its size and the bndbox of every object: unpack it again"
_LISTS = {"train.txt": "train", "val.txt": "validation"}

N = TypeVar("N", int, float)


def plan_voc(source: Path) -> ScenePlan:
    """The photos of every year under a folder: what holds ``VOCdevkit``, the devkit itself, or one year in it.

    Raises:
        LayoutError: if there is no such folder, or it is not VOC's.
    """
    units = []
    for year in _years(source):
        splits = _read_lists(year)
        name = year.resolve().name.lower()
        units += split_units(len(splits), name, partial(_load, year, name, list(splits.items())))
    return ScenePlan(units)


def _years(source: Path) -> list[Path]:
    """Folders of the years."""
    if (source / "ImageSets").is_dir():
        if not re.fullmatch(r"VOC20\d\d", source.resolve().name):
            expected = "the name that it is distributed by, VOC2012 or the like, since it says the year"
            raise LayoutError(source, f"the folder is called {source.resolve().name}", expected)
        return [source]
    return sorted(source.glob("VOC20??")) or require_any(source, "VOCdevkit/VOC20??", _EXPECTED)


def _read_lists(year: Path) -> dict[str, str]:
    """Split by the name of the photo, sorted; what both lists name is held out."""
    splits: dict[str, str] = {}
    for name, split in _LISTS.items():
        path = year / "ImageSets" / "Main" / name
        try:
            text = path.read_text(encoding="utf-8-sig")
            splits |= {line.split()[0]: split for line in text.splitlines() if line.strip()}
        except (OSError, UnicodeDecodeError) as error:
            expected = "a list of photos, one in a line: unpack it again"
            raise LayoutError(path, f"cannot be read ({error})", expected) from error
    if not splits:
        raise LayoutError(year / "ImageSets" / "Main", "the lists name no photo", "train.txt and val.txt")
    return dict(sorted(splits.items()))


def _load(year: Path, source: str, splits: list[tuple[str, str]], rows: range) -> Labels[ScenePhoto]:
    """The photos of a unit."""
    return Labels([_photo(year, source, *splits[row]) for row in rows])


def _photo(year: Path, source: str, name: str, split: str) -> ScenePhoto:
    """A photo and everyone in it."""
    listed = Place(year / "ImageSets" / "Main", f"the list of {split}")
    picture = member_path(year / "JPEGImages", f"{name}.jpg", listed)
    path = year / "Annotations" / f"{name}.xml"
    try:
        root = ET.parse(path).getroot()  # noqa: S314 - expat refuses entities that blow up
    except (OSError, ET.ParseError, ValueError, LookupError) as error:
        raise LayoutError(path, f"cannot be read ({error})", _LABELS) from error
    photo = Place(path, "the photo")
    size = (_number(root, "size/width", int, photo), _number(root, "size/height", int, photo))
    if min(size) < 1:
        raise photo.error(f"has the size {size[0]} x {size[1]}", _LABELS)
    people, boxes = [], []
    # Parts (head, hands, feet) have boxes too, but inside the object's.
    for entry in root.findall("object"):
        if entry.findtext("name", "").strip().lower() == "person":
            place = Place(path, f"person {len(people) + 1}")
            people.append(_person(entry, place))
            boxes.append(box_inside(people[-1][0], size, place))
    return ScenePhoto(
        path=picture,
        size=size,
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        flags=np.array([flag for _, flag in people], np.int8),
        split=split,
        source=source,
    )


def _person(entry: ET.Element, place: Place) -> tuple[np.ndarray, int]:
    """Box (4,) by its edges, and flag."""
    x0, y0, x1, y1 = (_number(entry, f"bndbox/{name}", float, place) for name in ("xmin", "ymin", "xmax", "ymax"))
    flag = CUT_OFF if _number(entry, "truncated", int, place, "0") else WHOLE
    if _number(entry, "difficult", int, place, "0"):
        flag = UNSURE
    # VOC names the first and the last pixel, counted from 1; edges lie half a pixel outside their centers.
    return np.array([x0 - 1.5, y0 - 1.5, x1 - 0.5, y1 - 0.5]), flag


def _number(entry: ET.Element, name: str, kind: type[N], place: Place, default: str | None = None) -> N:
    """A number of an element below ``entry``; LayoutError if it is missing or no finite number of that kind."""
    text = entry.findtext(name, default)
    try:
        value = kind(text)
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        found = f"has no {name}" if text is None else f"has {reprlib.repr(text)} as {name}"
        raise place.error(found, _LABELS)
    return value
