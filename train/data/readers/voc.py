"""The people of PASCAL VOC as distributed: ``VOCdevkit/VOC2012`` and the like, every person of a photo boxed.

Takes the photos of ``ImageSets/Main/train.txt`` and ``val.txt`` of every year that is there; those without a person are
negatives. What is truncated is cut off, what is difficult is unsure.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from functools import partial
from pathlib import Path

import numpy as np

from train.data.readers.checks import box_inside, member_path
from train.data.readers.layout import LayoutError, Place, reading, require_any
from train.data.readers.records import Labels, ScenePhoto, ScenePlan, split_units
from train.data.scenes import CUT_OFF, UNSURE, WHOLE

_EXPECTED = "VOCdevkit/VOC2012 and the like, each with JPEGImages, Annotations and ImageSets"
_LABELS = "VOC's labels of a photo, its size and the bndbox of every object"
_LISTS = {"train.txt": "train", "val.txt": "validation"}
_SIDES = ("xmin", "ymin", "xmax", "ymax")


def plan_voc(source: Path) -> ScenePlan:
    """The photos of every year under a folder: what holds ``VOCdevkit``, the devkit itself, or one year in it.

    Raises:
        LayoutError: if there is no such folder, or it is not VOC's.
    """
    if (source / "ImageSets").is_dir():
        years = [source]
    else:
        years = sorted(source.glob("VOC20??")) or require_any(source, "VOCdevkit/VOC20??", _EXPECTED)
    units = []
    for year in years:
        splits, name = _read_lists(year), year.resolve().name.lower()
        units += split_units(len(splits), name, partial(_load, year, name, list(splits.items())))
    return ScenePlan(units)


def _read_lists(year: Path) -> dict[str, str]:
    """Split by the name of the photo, sorted; what both lists name is held out."""
    splits: dict[str, str] = {}
    for name, split in _LISTS.items():
        path = year / "ImageSets" / "Main" / name
        with reading(path, "a list of photos, one in a line"):
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        splits |= {line.split()[0]: split for line in lines if line.strip()}
    if not splits:
        raise LayoutError(year / "ImageSets" / "Main", "the lists name no photo", "train.txt and val.txt")
    return dict(sorted(splits.items()))


def _load(year: Path, source: str, splits: list[tuple[str, str]], rows: range) -> Labels[ScenePhoto]:
    """The photos of a unit."""
    return Labels([_photo(year, source, *splits[row]) for row in rows])


def _photo(year: Path, source: str, name: str, split: str) -> ScenePhoto:
    """A photo and everyone in it; parts (head, hands, feet) have boxes too, but inside the object's."""
    picture = member_path(year / "JPEGImages", f"{name}.jpg", Place(year / "ImageSets" / "Main"))
    path = year / "Annotations" / f"{name}.xml"
    with reading(path, _LABELS):
        root = ET.parse(path).getroot()  # noqa: S314 - expat refuses entities that blow up
        size = int(root.findtext("size/width")), int(root.findtext("size/height"))
    boxes, flags = [], []
    for entry in root.findall("object"):
        if entry.findtext("name", "").strip().lower() == "person":
            place = Place(path, f"person {len(boxes) + 1}")
            with reading(place, _LABELS):
                first, last = np.array([float(entry.findtext(f"bndbox/{side}")) for side in _SIDES]).reshape(2, 2)
                cut_off, difficult = (int(entry.findtext(mark, "0")) for mark in ("truncated", "difficult"))
            # VOC names the first and the last pixel, counted from 1; edges lie half a pixel outside their centers.
            boxes.append(box_inside(np.concatenate((first - 1.5, last - 0.5)), size, place))
            flags.append(UNSURE if difficult else CUT_OFF if cut_off else WHOLE)
    boxes, flags = np.array(boxes, np.float32).reshape(-1, 4), np.array(flags, np.int8)
    return ScenePhoto(path=picture, size=size, boxes=boxes, flags=flags, split=split, source=source)
