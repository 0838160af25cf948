"""COCO's person keypoints as distributed: ``annotations/person_keypoints_<part>.json`` beside folders of photos.

Takes every part of 2014 or 2017 that is there; ``train*`` is for training, ``val*`` for validation. Crowds are left
out, people with too few labelled joints, and what is of another category than person. A person without a box gets that
of the labelled joints.
"""

from __future__ import annotations

import reprlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from fusion_model.skeletons import COCO_17
from train.data.readers.checks import box_inside, check_person, numbers, whole_number
from train.data.readers.coco_labels import SECTION, CocoLabels, photo_folder, read_labels
from train.data.readers.records import (
    HIDDEN,
    UNKNOWN,
    VISIBLE,
    Frame,
    LayoutError,
    Place,
    Plan,
    Record,
    Unit,
    in_units,
    require_any,
)

_EXPECTED = "annotations/person_keypoints_train2017.json and the like"
_MIN_JOINTS = 4
_MIN_SIDE = 32  # pixels of the box's longer side
_NO_PERSON = "an annotation of another category than person"
_NO_BOX = "a box that the labels lack: that of the labelled joints stands in (the person is kept)"


def plan_coco(source: Path) -> Plan:
    """The people of every ``person_keypoints_*.json`` under a folder.

    Raises:
        LayoutError: if there is no such file, it is not COCO's, or a label cannot be right.
    """
    pattern = "annotations/person_keypoints_*.json"
    units: list[Unit[Record]] = []
    skipped: Counter[str] = Counter()
    for path in require_any(source, pattern, _EXPECTED, SECTION):
        part = path.stem.removeprefix("person_keypoints_")
        labels = read_labels(path, photo_folder(source, part))
        split = "train" if part.startswith("train") else "validation"
        units += in_units(_records(labels, split, skipped), part)
    return Plan(COCO_17, units, skipped)


def _people(labels: CocoLabels, skipped: Counter[str]) -> list[dict[str, Any]]:
    """The annotations of people: those that say no category, too, and all where no category is called person.

    Raises:
        LayoutError: if their category names other joints, such as those of animals.
    """
    persons = labels.person_categories()
    numbers = [category.get("id") for category in persons]
    people, used = [], set()
    for entry in labels.annotations:
        given = entry.get("category_id") is not None
        number = whole_number(entry, "category_id", labels.place(entry)) if given else None
        if persons and given and number not in numbers:
            skipped[_NO_PERSON] += 1
            continue
        people.append(entry)
        used.add(number)
    for category in persons or labels.categories:
        is_used = None in used or category.get("id") in list(used)
        if is_used and (names := category.get("keypoints")) and names != list(COCO_17.joints):
            found = f"the category {category.get('name')!r} has the keypoints {reprlib.repr(names)}"
            raise LayoutError(labels.path, found, ", ".join(COCO_17.joints), SECTION)
    return people


def _records(labels: CocoLabels, split: str, skipped: Counter[str]) -> list[Record]:
    """The people of one file."""
    records = []
    for entry in _people(labels, skipped):
        place = labels.place(entry)
        joints, box = _joints(entry, place), labels.box(entry, place)
        if reason := _left_out(entry, joints, box):
            skipped[reason] += 1
            continue
        photo = labels.photos[entry["image_id"]]
        if box is None:
            skipped[_NO_BOX] += 1
        else:
            x, y, width, height = box
            corners = np.array([x, y, x + width, y + height])
            box = box_inside(corners - 0.5, photo.size, place)  # from corners to pixel centers
        record = Record(
            Frame(photo.path, size=photo.size),
            split,
            joints[:, :2],
            joints[:, 2].astype(int),
            box=box,
            number=entry["image_id"] % 2**31,
            place=place,
        )
        records.append(check_person(record, COCO_17, photo.size, SECTION, skipped))
    return records


def _joints(entry: dict[str, Any], place: Place) -> np.ndarray:
    """(17, 3) x, y and whether the joint is labelled and seen; none is of a person who has just a box."""
    count, meaning = len(COCO_17), f"x y v of {len(COCO_17)} joints"
    given = entry.get("keypoints")
    if given in (None, []) and not entry.get("num_keypoints"):
        return np.full((count, 3), UNKNOWN)
    joints = numbers(given, 3 * count, "keypoints", meaning, place).reshape(count, 3)
    if not set(joints[:, 2].tolist()) <= {UNKNOWN, HIDDEN, VISIBLE}:
        raise place.error(f"has keypoints with v {joints[:, 2].tolist()}", "0 not labelled, 1 hidden or 2 visible")
    return joints


def _left_out(entry: dict[str, Any], joints: np.ndarray, box: np.ndarray | None) -> str:
    """Why a person is left out, empty if not."""
    known = joints[joints[:, 2] != UNKNOWN, :2]
    if entry.get("iscrowd"):
        return "a crowd"
    if len(known) < _MIN_JOINTS:
        return f"fewer than {_MIN_JOINTS} labelled joints"
    sides = np.ptp(known, 0) if box is None else box[2:]
    if sides.min() >= 0 and sides.max() < _MIN_SIDE:
        return f"smaller than {_MIN_SIDE} pixels"
    return ""
