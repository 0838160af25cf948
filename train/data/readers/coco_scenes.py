"""The people of COCO as distributed, in whole photos: ``annotations/instances_<part>.json`` beside folders of photos.

Takes every part of 2014 or 2017 that is there; ``train*`` is for training, ``val*`` for validation. Photos without a
person are negatives, crowds are unsure.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from train.data.readers.checks import box_inside, whole_number
from train.data.readers.coco_labels import SECTION, CocoLabels, photo_folder, read_labels
from train.data.readers.records import LayoutError, Unit, in_units, require_any
from train.data.readers.scene_records import ScenePhoto, ScenePlan
from train.data.scenes import UNSURE, WHOLE

_EXPECTED = "annotations/instances_train2017.json and the like"


def plan_coco_scenes(source: Path) -> ScenePlan:
    """The photos of every ``instances_*.json`` under a folder.

    Raises:
        LayoutError: if there is no such file, it is not COCO's, or a label cannot be right.
    """
    units: list[Unit[ScenePhoto]] = []
    skipped: Counter[str] = Counter()
    for path in require_any(source, "annotations/instances_*.json", _EXPECTED, SECTION):
        part = path.stem.removeprefix("instances_")
        split = "train" if part.startswith("train") else "validation"
        labels = read_labels(path, photo_folder(source, part))
        units += in_units(_photos(labels, split, skipped), part)
    return ScenePlan(units, skipped)


def _photos(labels: CocoLabels, split: str, skipped: Counter[str]) -> list[ScenePhoto]:
    """The photos of one file, by their number."""
    person = [entry.get("id") for entry in labels.person_categories()]
    if not person:
        raise LayoutError(labels.path, "there is no category called person", "the categories of COCO", SECTION)
    if not labels.photos:
        raise LayoutError(labels.path, "there are no photos", "COCO's list of photos: unpack it again", SECTION)
    people: dict[int, list[tuple[np.ndarray, int]]] = defaultdict(list)
    for entry in labels.annotations:
        place = labels.place(entry)
        if whole_number(entry, "category_id", place) not in person:
            continue
        box = labels.box(entry, place)
        if box is None:
            raise place.error("has no 'bbox'", "the box of every person")
        if not box[2:].all():  # there are a few
            skipped["a box without area"] += 1
            continue
        x, y, width, height = box
        corners = np.array([x, y, x + width, y + height])
        inside = box_inside(corners - 0.5, labels.photos[entry["image_id"]].size, place)
        people[entry["image_id"]].append((inside, UNSURE if entry.get("iscrowd") else WHOLE))
    return [
        ScenePhoto(
            path=photo.path,
            size=photo.size,
            boxes=np.array([box for box, _ in people[number]], np.float32).reshape(-1, 4),
            flags=np.array([flag for _, flag in people[number]], np.int8),
            split=split,
            source="coco",
        )
        for number, photo in labels.photos.items()
    ]
