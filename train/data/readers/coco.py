"""COCO as distributed: ``person_keypoints_<part>.json`` or ``instances_<part>.json`` beside folders of photos.

Takes every part of 2014 or 2017 that is there; ``train*`` is for training, ``val*`` for validation. Of the key points,
crowds are left out, people with too few labelled joints, and what is of another category than person; a person without
a box gets that of the labelled joints. Of whole photos, those without a person are negatives, and crowds are unsure.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
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


_Photos = dict[int, Frame]  # by their id, sorted by it


def _read_files(source: Path, kind: str, plan: Plan) -> Iterator[tuple[str, str, _Photos, list[dict[str, Any]]]]:
    """Of the files of a kind, ``person_keypoints`` or ``instances``: part, split, photos and annotations of people."""
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
            people = _people(path, data, named=kind == "instances")
            if others := len(data["annotations"]) - len(people):
                plan.skipped["an annotation of another category than person"] += others
        yield part, "train" if part.startswith("train") else "validation", photos, people


def _without_outline(entry: dict[str, Any]) -> dict[str, Any]:
    entry.pop("segmentation", None)  # it would fill the memory
    return entry


def _people(path: Path, data: dict[str, Any], *, named: bool) -> list[dict[str, Any]]:
    """The annotations of people, sorted by their id, with their ``place``.

    Those that say no category are people, too; all are where none is called so, unless it has to be ``named``.
    LayoutError if their category has joints of something else.
    """
    entries, categories = data["annotations"], data.get("categories", [])
    persons = [one for one in categories if str(one.get("name")).strip().lower() == "person"]
    if named and not persons:
        raise LayoutError(path, "there is no category called person", "the categories of COCO")
    known = (None, *(one["id"] for one in persons))
    people = [one for one in entries if not persons or one.get("category_id") in known]
    used = {one.get("category_id") for one in people}
    for one in persons or categories:
        if one["id"] in used and one.get("keypoints") and list(one["keypoints"]) != list(COCO_17.joints):
            raise LayoutError(path, f"the category {one['name']!r} has other keypoints", ", ".join(COCO_17.joints))
    for one in people:
        one["place"] = f"{path}: person {one['id']} in photo {one['image_id']}"
    return sorted(people, key=lambda one: one["id"])


def _corners(entry: dict[str, Any]) -> np.ndarray | None:
    """(4,) the box by its corners, pixel centers at whole numbers; None if it is missing or null."""
    if entry.get("bbox") is None:
        return None
    x, y, width, height = np.array(entry["bbox"], float)
    return np.array([x, y, x + width, y + height]) - 0.5  # COCO's top-left corner of a photo is (0, 0)


def plan_coco(source: Path) -> Plan:
    """The people of every ``person_keypoints_*.json`` under a folder."""
    plan = Plan(COCO_17)
    for part, split, photos, people in _read_files(source, "person_keypoints", plan):
        found = [_record(photos, split, entry, plan.skipped) for entry in people]
        plan.units |= in_units([record for record in found if record], part)
    return plan


def _record(photos: _Photos, split: str, entry: dict[str, Any], skipped: Counter[str]) -> Record | None:
    """A person, None if they are left out."""
    place = entry["place"]
    with reading(place, _ENTRY):
        frame = photos[entry["image_id"]]
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
    return Record(frame, split, joints[:, :2], visible, box=box, number=number, place=place)


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
    for part, split, photos, entries in _read_files(source, "instances", plan):
        people: dict[int, list[tuple[np.ndarray, int]]] = {number: [] for number in photos}
        for entry in entries:
            with reading(entry["place"], "image_id of a listed photo and bbox (x, y, width, height)"):
                number, box = entry["image_id"], _corners(entry)
                if (box[:2] == box[2:]).any():  # there are a few
                    plan.skipped["a box without area"] += 1
                else:
                    inside = box_inside(box, photos[number].size, entry["place"])
                    people[number].append((inside, UNSURE if entry.get("iscrowd") else WHOLE))
        scenes = []
        for number, frame in photos.items():
            boxes = np.array([box for box, _ in people[number]], np.float32).reshape(-1, 4)
            flags = np.array([flag for _, flag in people[number]], np.int8)
            scenes.append(ScenePhoto(frame, boxes, flags, split, "coco"))
        plan.units |= in_units(scenes, part)
    return plan
