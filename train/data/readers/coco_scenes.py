"""The people of COCO as distributed, in whole photos: ``annotations/instances_<part>.json`` beside folders of photos.

Takes every part of 2014 or 2017 that is there; ``train*`` is for training, ``val*`` for validation. Photos without a
person are negatives, crowds are unsure.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from train.data.readers.coco import in_coco_layout, photo_folder
from train.data.readers.records import LayoutError, Unit, in_units, require_any
from train.data.readers.scene_records import ScenePhoto, ScenePlan, box_inside
from train.data.scenes import UNSURE, WHOLE

_SECTION = "COCO"
_EXPECTED = "annotations/instances_train2017.json and the like"


def plan_coco_scenes(source: Path) -> ScenePlan:
    """The photos of every ``instances_*.json`` under a folder.

    Raises:
        LayoutError: if there is no such file, or it is not COCO's.
    """
    units: list[Unit[ScenePhoto]] = []
    skipped: Counter[str] = Counter()
    for path in require_any(source, "annotations/instances_*.json", _EXPECTED, _SECTION):
        part = path.stem.removeprefix("instances_")
        split = "train" if part.startswith("train") else "validation"
        units += in_units(_photos(path, photo_folder(source, part), split, skipped), part)
    return ScenePlan(units, skipped)


def _photos(path: Path, folder: Path, split: str, skipped: Counter[str]) -> list[ScenePhoto]:
    """The photos of one file, by their number."""
    with in_coco_layout(path):
        data = json.loads(path.read_text(encoding="utf-8"), object_hook=_without_outline)
        person = {entry["id"] for entry in data["categories"] if entry["name"] == "person"}
        images = {
            entry["id"]: (entry["file_name"], (int(entry["width"]), int(entry["height"]))) for entry in data["images"]
        }
        people = defaultdict(list)
        for entry in data["annotations"]:
            if entry["category_id"] in person:
                x, y, width, height = map(float, entry["bbox"])
                flag = UNSURE if entry["iscrowd"] else WHOLE
                people[entry["image_id"]].append((entry["id"], np.array([x, y, x + width, y + height]) - 0.5, flag))
    if not person:
        raise LayoutError(path, "there is no category called person", "the categories of COCO", _SECTION)
    if not images:
        raise LayoutError(path, "there are no photos", "COCO's list of photos: unpack it again", _SECTION)
    if unknown := sorted(people.keys() - images.keys()):
        raise LayoutError(path, f"photo {unknown[0]} is not listed", "every person's photo", _SECTION)
    photos = []
    for number, (name, size) in sorted(images.items()):
        boxes, flags = [], []
        for person_number, box, flag in people[number]:
            if (box[2:] == box[:2]).any():  # there are a few
                skipped["a box without area"] += 1
                continue
            entry = f"person {person_number} in photo {number}"
            boxes.append(box_inside(box, size, path, entry, _SECTION))
            flags.append(flag)
        boxes = np.array(boxes, np.float32).reshape(-1, 4)
        photos.append(ScenePhoto(folder / name, size, boxes, np.array(flags, np.int8), split, "coco"))
    return photos


def _without_outline(entry: dict[str, Any]) -> dict[str, Any]:
    """An object of the file without its outline, which is most of the file and would fill the memory."""
    entry.pop("segmentation", None)
    return entry
