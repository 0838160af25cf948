"""The people of PASCAL VOC as distributed: ``VOCdevkit/VOC2012`` and the like, every person of a photo boxed.

Takes the photos of ``ImageSets/Main/train.txt`` and ``val.txt`` of every year that is there; those without a person are
negatives. What is truncated is cut off, what is difficult is unsure.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np

from train.data.readers.layout import LayoutError, box_inside, member_path, reading, require_any
from train.data.readers.records import Frame, Plan, ScenePhoto, in_units
from train.data.scenes import CUT_OFF, UNSURE, WHOLE

_EXPECTED = "VOCdevkit/VOC2012 and the like, each with JPEGImages, Annotations and ImageSets"
_LABELS = "VOC's labels of a photo, its size and the bndbox of every object"
_LISTS = {"train.txt": "train", "val.txt": "validation"}
_SIDES = ("xmin", "ymin", "xmax", "ymax")


def plan_voc(source: Path) -> Plan:
    """The photos of every year under a folder: what holds ``VOCdevkit``, the devkit itself, or one year in it."""
    if (source / "ImageSets").is_dir():
        years = [source]
    else:
        years = sorted(source.glob("VOC20??")) or require_any(source, "VOCdevkit/VOC20??", _EXPECTED)
    plan = Plan(None)
    for year in years:
        plan.units |= in_units(_read_lists(year), year.resolve().name.lower(), partial(_load, year))
    return plan


def _read_lists(year: Path) -> list[tuple[str, str]]:
    """Names of photos, sorted, and the split of each; what both lists name is held out."""
    splits: dict[str, str] = {}
    for name, split in _LISTS.items():
        path = year / "ImageSets" / "Main" / name
        with reading(path, "a list of photos, one in a line"):
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        splits |= {line.split()[0]: split for line in lines if line.strip()}
    if not splits:
        raise LayoutError(year / "ImageSets" / "Main", "the lists name no photo", "train.txt and val.txt")
    return sorted(splits.items())


def _load(year: Path, photos: list[tuple[str, str]], _: Counter[str]) -> list[ScenePhoto]:
    return [_photo(year, name, split) for name, split in photos]


def _photo(year: Path, name: str, split: str) -> ScenePhoto:
    """A photo and everyone in it; parts (head, hands, feet) have boxes too, but inside the object's."""
    picture = member_path(year / "JPEGImages", f"{name}.jpg", year / "ImageSets" / "Main")
    path = year / "Annotations" / f"{name}.xml"
    with reading(path, _LABELS):
        root = ET.parse(path).getroot()  # noqa: S314 - expat refuses entities that blow up
        size = int(root.findtext("size/width")), int(root.findtext("size/height"))
    boxes, flags = [], []
    for entry in root.findall("object"):
        if entry.findtext("name", "").strip().lower() == "person":
            place = f"{path}: person {len(boxes) + 1}"
            with reading(place, _LABELS):
                first, last = np.array([float(entry.findtext(f"bndbox/{side}")) for side in _SIDES]).reshape(2, 2)
                cut_off, difficult = (int(entry.findtext(mark, "0")) for mark in ("truncated", "difficult"))
            # VOC names the first and the last pixel, counted from 1; edges lie half a pixel outside their centers.
            boxes.append(box_inside(np.concatenate((first - 1.5, last - 0.5)), size, place))
            flags.append(UNSURE if difficult else CUT_OFF if cut_off else WHOLE)
    boxes, flags = np.array(boxes, np.float32).reshape(-1, 4), np.array(flags, np.int8)
    return ScenePhoto(Frame(picture, size=size), boxes, flags, split, year.resolve().name.lower())
