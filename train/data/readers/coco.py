"""COCO's person keypoints as distributed: ``annotations/person_keypoints_<part>.json`` beside folders of photos.

Takes every part of 2014 or 2017 that is there; ``train*`` is for training, ``val*`` for validation. Crowds are left
out, and people with too few labelled joints.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from fusion_model.skeletons import COCO_17
from train.data.readers.records import UNKNOWN, Frame, LayoutError, Plan, Record, Unit, in_units, require_any

_SECTION = "COCO"
_EXPECTED = "annotations/person_keypoints_train2017.json and the like"
_MIN_JOINTS = 4
_MIN_SIDE = 32  # pixels of the box's longer side


def plan_coco(source: Path) -> Plan:
    """The people of every ``person_keypoints_*.json`` under a folder.

    Raises:
        LayoutError: if there is no such file, or it is not COCO's.
    """
    pattern = "annotations/person_keypoints_*.json"
    units: list[Unit] = []
    skipped: Counter[str] = Counter()
    for path in require_any(source, pattern, _EXPECTED, _SECTION):
        part = path.stem.removeprefix("person_keypoints_")
        images = photo_folder(source, part)
        records = _records(path, images, "train" if part.startswith("train") else "validation", skipped)
        units += in_units(records, part)
    return Plan(COCO_17, units, skipped)


def photo_folder(source: Path, part: str) -> Path:
    """Where the photos of a part lie: beside ``annotations``, or under ``images``; LayoutError if nowhere."""
    for folder in (source / part, source / "images" / part):
        if folder.is_dir():
            return folder
    raise LayoutError(source / part, "there is no such folder", f"the photos of {part}.zip, unpacked", _SECTION)


@contextmanager
def in_coco_layout(path: Path) -> Iterator[None]:
    """Wherever a file of COCO's is read: what it lacks becomes a LayoutError."""
    try:
        yield
    except (ValueError, KeyError, TypeError) as error:
        expected = "COCO's 'images' and 'annotations': unpack it again"
        raise LayoutError(path, f"cannot be read ({type(error).__name__}: {error})", expected, _SECTION) from error


def _records(path: Path, images: Path, split: str, skipped: Counter[str]) -> list[Record]:
    """The people of one file."""
    with in_coco_layout(path):
        data = json.loads(path.read_text(encoding="utf-8"))
        names = {image["id"]: image["file_name"] for image in data["images"]}
        annotations = sorted(data["annotations"], key=lambda entry: entry["id"])
    records = []
    for entry in annotations:
        reason, joints = _usable(entry, path)
        if reason:
            skipped[reason] += 1
            continue
        if entry["image_id"] not in names:
            raise LayoutError(path, f"photo {entry['image_id']} is not listed", "every person's photo", _SECTION)
        x, y, width, height = entry["bbox"]
        records.append(
            Record(
                Frame(images / names[entry["image_id"]]),
                split,
                joints[:, :2],
                joints[:, 2].astype(int),
                box=np.array([x, y, x + width, y + height]) - 0.5,  # from corners to pixel centers
                number=int(entry["image_id"]) % 2**31,
            )
        )
    return records


def _usable(entry: dict[str, Any], path: Path) -> tuple[str, np.ndarray]:
    """Why a person is left out, empty if not; and the joints (17, 3)."""
    joints = np.array(entry.get("keypoints", []), float)
    if joints.size != 3 * len(COCO_17):
        found = f"person {entry.get('id')} has {joints.size} numbers as keypoints"
        raise LayoutError(path, found, f"{3 * len(COCO_17)}, x y v of 17 joints", _SECTION)
    joints = joints.reshape(-1, 3)
    if entry.get("iscrowd"):
        return "a crowd", joints
    if (joints[:, 2] != UNKNOWN).sum() < _MIN_JOINTS:
        return f"fewer than {_MIN_JOINTS} labelled joints", joints
    if max(entry["bbox"][2:]) < _MIN_SIDE:
        return f"smaller than {_MIN_SIDE} pixels", joints
    return "", joints
