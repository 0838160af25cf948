"""COCO as distributed: ``person_keypoints_<part>.json`` or ``instances_<part>.json`` beside folders of photos.

Takes every part of 2014 or 2017 that is there; ``train*`` is for training, ``val*`` for validation. Of the key points,
crowds are left out, people with too few labelled joints, and what is of another category than person; a person without
a box gets that of the labelled joints. Of whole photos, those without a person are negatives, and crowds are unsure.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fusion_model.skeletons import COCO_17
from train.data.readers.layout import LayoutError, box_inside, member_path, reading, require_any
from train.data.readers.records import UNKNOWN, Frame, Plan, Record, ScenePhoto, in_units
from train.data.scenes import UNSURE, WHOLE

_MIN_JOINTS = 4
_MIN_SIDE = 32  # pixels of the box's longer side
_FILE = "COCO's 'images', each with id, file_name, width and height, and 'annotations'"
_ENTRY = "image_id of a listed photo, bbox (x, y, width, height), keypoints (51 numbers: x, y, v of each joint)"


@dataclass(frozen=True)
class _Labels:
    """A file.

    Attributes:
        part: ``train2017`` or the like.
        photos: by their id, sorted by it.
        people: annotations sorted by their id.
        others: how many annotations are of another category than person.
        named: whether a category is called person.
    """

    path: Path
    part: str
    photos: dict[int, Frame]
    people: list[dict[str, Any]]
    others: int
    named: bool

    @property
    def split(self) -> str:
        return "train" if self.part.startswith("train") else "validation"

    def place(self, entry: dict[str, Any]) -> str:
        """Where an annotation stands."""
        return f"{self.path}: person {entry['id']} in photo {entry['image_id']}"


def _read_files(source: Path, kind: str) -> Iterator[_Labels]:
    """The files of a kind, ``person_keypoints`` or ``instances``."""
    pattern = f"annotations/{kind}_*.json"
    for path in require_any(source, pattern, f"annotations/{kind}_train2017.json and the like"):
        part = path.stem.removeprefix(f"{kind}_")
        folder = next((one for one in (source / part, source / "images" / part) if one.is_dir()), None)
        if folder is None:
            raise LayoutError(source / part, "there is no such folder", f"the photos of {part}.zip, unpacked")
        with reading(path, _FILE):
            data = json.loads(path.read_text(encoding="utf-8-sig"), object_hook=_without_outline)
            photos = {}
            for entry in sorted(data["images"], key=lambda entry: entry["id"]):
                picture = member_path(folder, entry["file_name"], f"{path}: photo {entry['id']}")
                photos[int(entry["id"])] = Frame(picture, size=(int(entry["width"]), int(entry["height"])))
            if len(photos) < len(data["images"]):
                raise LayoutError(path, "two photos have one id", "an id of its own in each")
            entries = sorted(data["annotations"], key=lambda entry: entry["id"])
            people, named = _people(path, entries, data.get("categories", []))
        yield _Labels(path, part, photos, people, len(entries) - len(people), named)


def _without_outline(entry: dict[str, Any]) -> dict[str, Any]:
    entry.pop("segmentation", None)  # it would fill the memory
    return entry


def _people(
    path: Path, entries: list[dict[str, Any]], categories: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], bool]:
    """The annotations of people, and whether a category is called so; all are where none is.

    Those that say no category are people, too. LayoutError if their category has joints of something else.
    """
    persons = [one for one in categories if str(one.get("name")).strip().lower() == "person"]
    known = [one["id"] for one in persons]
    people = [one for one in entries if not persons or one.get("category_id") in (None, *known)]
    used = {one.get("category_id") for one in people}
    for one in persons or categories:
        if one["id"] in used and one.get("keypoints") and list(one["keypoints"]) != list(COCO_17.joints):
            raise LayoutError(path, f"the category {one['name']!r} has other keypoints", ", ".join(COCO_17.joints))
    return people, bool(persons)


def _corners(entry: dict[str, Any]) -> np.ndarray | None:
    """(4,) the box by its corners, pixel centers at whole numbers; None if it is missing or null."""
    if entry.get("bbox") is None:
        return None
    x, y, width, height = np.array(entry["bbox"], float)
    return np.array([x, y, x + width, y + height]) - 0.5  # COCO's top-left corner of a photo is (0, 0)


def plan_coco(source: Path) -> Plan:
    """The people of every ``person_keypoints_*.json`` under a folder."""
    plan = Plan(COCO_17)
    for labels in _read_files(source, "person_keypoints"):
        if labels.others:
            plan.skipped["an annotation of another category than person"] += labels.others
        found = [_record(labels, entry, plan.skipped) for entry in labels.people]
        plan.units |= in_units([record for record in found if record], labels.part)
    return plan


def _record(labels: _Labels, entry: dict[str, Any], skipped: Counter[str]) -> Record | None:
    """A person, None if they are left out."""
    place = labels.place(entry)
    with reading(place, _ENTRY):
        frame = labels.photos[entry["image_id"]]
        given = entry.get("keypoints") or (None if entry.get("num_keypoints") else [UNKNOWN] * 51)
        joints, box = np.array(given, float).reshape(17, 3), _corners(entry)
        visible = joints[:, 2].astype(int)
        if not np.isin(joints[:, 2], (0, 1, 2)).all():
            found = f"has keypoints with v {joints[:, 2].tolist()}"
            raise LayoutError(place, found, "0 not labelled, 1 hidden or 2 visible")
    if reason := _left_out(entry, joints[visible != UNKNOWN, :2], box):
        skipped[reason] += 1
        return None
    if box is None:
        skipped["a box that the labels lack: that of the labelled joints stands in (the person is kept)"] += 1
    else:
        box = box_inside(box, frame.size, place)
    number = int(entry["image_id"]) % 2**31
    return Record(frame, labels.split, joints[:, :2], visible, box=box, number=number, place=place)


def _left_out(entry: dict[str, Any], known: np.ndarray, box: np.ndarray | None) -> str:
    """Why a person with the labelled joints (K, 2) is left out, empty if not."""
    if entry.get("iscrowd"):
        return "a crowd"
    if len(known) < _MIN_JOINTS:
        return f"fewer than {_MIN_JOINTS} labelled joints"
    sides = np.ptp(known, 0) if box is None else box[2:] - box[:2]
    return f"smaller than {_MIN_SIDE} pixels" if sides.min() >= 0 and sides.max() < _MIN_SIDE else ""


def plan_coco_scenes(source: Path) -> Plan:
    """The photos of every ``instances_*.json`` under a folder."""
    plan = Plan(None)
    for labels in _read_files(source, "instances"):
        if not labels.named:
            raise LayoutError(labels.path, "there is no category called person", "the categories of COCO")
        people: dict[int, list[tuple[np.ndarray, int]]] = {number: [] for number in labels.photos}
        for entry in labels.people:
            place = labels.place(entry)
            with reading(place, "image_id of a listed photo and bbox (x, y, width, height)"):
                mine, box = people[entry["image_id"]], _corners(entry)
                if (box[:2] == box[2:]).any():  # there are a few
                    plan.skipped["a box without area"] += 1
                else:
                    inside = box_inside(box, labels.photos[entry["image_id"]].size, place)
                    mine.append((inside, UNSURE if entry.get("iscrowd") else WHOLE))
        photos = []
        for number, frame in labels.photos.items():
            boxes = np.array([box for box, _ in people[number]], np.float32).reshape(-1, 4)
            flags = np.array([flag for _, flag in people[number]], np.int8)
            photos.append(ScenePhoto(frame, boxes, flags, labels.split, "coco"))
        plan.units |= in_units(photos, labels.part)
    return plan
