"""COCO as distributed: ``person_keypoints_<part>.json`` or ``instances_<part>.json`` beside folders of photos.

Takes every part of 2014 or 2017 that is there; ``train*`` is for training, ``val*`` for validation. Of the key points,
crowds are left out, people with too few labelled joints, and what is of another category than person; a person without
a box gets that of the labelled joints. Of whole photos, those without a person are negatives, and crowds are unsure.
"""

from __future__ import annotations

import reprlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fusion_model.skeletons import COCO_17
from train.data.readers.checks import (
    box_inside,
    check_person,
    entries_of,
    member_path,
    numbers,
    read_json,
    whole_number,
)
from train.data.readers.records import (
    HIDDEN,
    UNKNOWN,
    VISIBLE,
    Frame,
    LayoutError,
    Place,
    Plan,
    Record,
    ScenePhoto,
    ScenePlan,
    Unit,
    in_units,
    require_any,
)
from train.data.scenes import UNSURE, WHOLE


@dataclass(frozen=True)
class CocoPhoto:
    """A photo.

    Attributes:
        path: of the picture.
        size: width and height that the labels say.
    """

    path: Path
    size: tuple[int, int]


@dataclass(frozen=True)
class CocoLabels:
    """A file.

    Attributes:
        path: of the file.
        photos: by their number, sorted by it.
        annotations: sorted by their number; each has an int ``id``, and the ``image_id`` of a photo.
        categories: as they stand in the file, empty without.
    """

    path: Path
    photos: dict[int, CocoPhoto]
    annotations: list[dict[str, Any]]
    categories: list[dict[str, Any]]

    def place(self, annotation: dict[str, Any]) -> Place:
        """Where an annotation stands."""
        return Place(self.path, f"person {annotation['id']} in photo {annotation['image_id']}")

    def person_categories(self) -> list[dict[str, Any]]:
        """The categories called person."""
        return [entry for entry in self.categories if str(entry.get("name")).strip().lower() == "person"]

    @staticmethod
    def box(annotation: dict[str, Any], place: Place) -> np.ndarray | None:
        """(4,) x, y of a corner, width and height; None if it is missing or null; LayoutError if it is something else.

        Corners lie between pixels: the top-left one of a photo is (0, 0).
        """
        if annotation.get("bbox") is None:
            return None
        return numbers(annotation["bbox"], 4, "its box", "x, y, width and height", place)


def photo_folder(source: Path, part: str) -> Path:
    """Where the photos of a part lie: beside ``annotations``, or under ``images``; LayoutError if nowhere."""
    for folder in (source / part, source / "images" / part):
        if folder.is_dir():
            return folder
    raise LayoutError(source / part, "there is no such folder", f"the photos of {part}.zip, unpacked")


def read_labels(path: Path, folder: Path) -> CocoLabels:
    """Read a file whose photos lie in a folder.

    Raises:
        LayoutError: if it is not COCO's, or its photos and annotations do not fit each other.
    """
    data = read_json(path, "COCO's 'images' and 'annotations'")
    photos = {}
    for number, entry in sorted(entries_of(data, "images", path).items()):
        place = Place(path, f"photo {number}")
        size = whole_number(entry, "width", place, least=1), whole_number(entry, "height", place, least=1)
        photos[number] = CocoPhoto(member_path(folder, entry.get("file_name"), place), size)
    annotations = [entry for _, entry in sorted(entries_of(data, "annotations", path).items())]
    for entry in annotations:
        photo = whole_number(entry, "image_id", Place(path, f"person {entry['id']}"))
        if photo not in photos:
            found = f"photo {photo} is not listed, which person {entry['id']} is in"
            raise LayoutError(path, found, "every person's photo")
        entry["image_id"] = photo
    categories = data.get("categories", [])
    if not isinstance(categories, list) or not all(isinstance(entry, dict) for entry in categories):
        raise LayoutError(path, "'categories' is no list of objects", "the categories of COCO")
    return CocoLabels(path, photos, annotations, categories)


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
    for path in require_any(source, pattern, _EXPECTED):
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
            raise LayoutError(labels.path, found, ", ".join(COCO_17.joints))
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
        records.append(check_person(record, COCO_17, photo.size, skipped))
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


_EXPECTED_SCENES = "annotations/instances_train2017.json and the like"


def plan_coco_scenes(source: Path) -> ScenePlan:
    """The photos of every ``instances_*.json`` under a folder.

    Raises:
        LayoutError: if there is no such file, it is not COCO's, or a label cannot be right.
    """
    units: list[Unit[ScenePhoto]] = []
    skipped: Counter[str] = Counter()
    for path in require_any(source, "annotations/instances_*.json", _EXPECTED_SCENES):
        part = path.stem.removeprefix("instances_")
        split = "train" if part.startswith("train") else "validation"
        labels = read_labels(path, photo_folder(source, part))
        units += in_units(_photos(labels, split, skipped), part)
    return ScenePlan(units, skipped)


def _photos(labels: CocoLabels, split: str, skipped: Counter[str]) -> list[ScenePhoto]:
    """The photos of one file, by their number."""
    person = [entry.get("id") for entry in labels.person_categories()]
    if not person:
        raise LayoutError(labels.path, "there is no category called person", "the categories of COCO")
    if not labels.photos:
        raise LayoutError(labels.path, "there are no photos", "COCO's list of photos: unpack it again")
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
