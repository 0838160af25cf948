"""MPII Human Pose as distributed: ``mpii_human_pose_v1_u12_1.mat`` beside ``images/``.

The test part has no labels and is left out. Which of the labelled photos validate is not part of the distribution:
where ``valid_images.txt`` (Tompson's list, a file name a line) lies in the folder, it decides, else every tenth photo
by its number does. Coordinates are MATLAB's, so 1 is taken off.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from fusion_model.skeletons import MPII_16
from train.data.readers.layout import LayoutError, member_path, read_variable, reading, require_any
from train.data.readers.records import HIDDEN, UNKNOWN, VISIBLE, Frame, Plan, Record, in_units

_LIST = "valid_images.txt"
_MIN_JOINTS = 4
_HEAD = 0.6  # of the head box's diagonal: what PCKh is relative to
_EVERY = 10


def plan_mpii(source: Path) -> Plan:
    """The labelled people."""
    path = require_any(source, "**/mpii_human_pose_v1_u12_*.mat", "mpii_human_pose_v1_u12_1.mat")[0]
    release = read_variable(path, "RELEASE", structs=True)
    plan, records = Plan(MPII_16), []
    chosen = source / _LIST
    held_out = set(chosen.read_text(encoding="utf-8").split()) if chosen.is_file() else None
    listed = f"no {_LIST}: every {_EVERY}th labelled photo by its number validates"
    plan.found.append(listed if held_out is None else f"{_LIST} with {len(held_out)} photos that validate")
    with reading(path, "annolist and img_train, as many of each"):
        rows = list(zip(np.atleast_1d(release.annolist), np.atleast_1d(release.img_train), strict=True))
    for number, (photo, trains) in enumerate(rows):
        if not trains:
            plan.skipped["a photo of the test part, which has no labels"] += 1
            continue
        place = f"{path}: photo {number + 1} of annolist"
        with reading(place, "image.name and annorect"):
            picture = member_path(source / "images", photo.image.name, place)
            validates = number % _EVERY == 0 if held_out is None else photo.image.name in held_out
            split = "validation" if validates else "train"
            records += _people(path, photo, Frame(picture), split, number, plan.skipped)
    plan.units |= in_units(records, "people from")
    return plan


def _people(path: Path, photo: Any, frame: Frame, split: str, number: int, skipped: Counter[str]) -> list[Record]:
    """The labelled people of a photo."""
    records = []
    for row, person in enumerate(np.atleast_1d(photo.annorect), 1):
        place = f"{path}: person {row} of {photo.image.name}"
        points, visible = _joints(place, person)
        if (visible != UNKNOWN).sum() < _MIN_JOINTS:
            skipped[f"a person with fewer than {_MIN_JOINTS} labelled joints"] += 1
            continue
        x0, y0, x1, y1 = (_number(person, name) for name in ("x1", "y1", "x2", "y2"))
        head = _HEAD * float(np.hypot(x1 - x0, y1 - y0))  # NaN without a head box
        records.append(Record(frame, split, points, visible, number=number, head_size=head, place=place))
    return records


def _joints(place: str, person: Any) -> tuple[np.ndarray, np.ndarray]:
    """Joints (16, 2) and ``visible`` (16,); ``is_visible`` may be missing, empty, a number or a letter."""
    points, visible = np.zeros((len(MPII_16), 2)), np.full(len(MPII_16), UNKNOWN)
    listed = getattr(getattr(person, "annopoints", None), "point", ())
    for point in np.atleast_1d(listed):
        joint = _number(point, "id")
        if joint not in range(len(MPII_16)):
            raise LayoutError(place, f"has a joint {joint:g}", f"joints 0 to {len(MPII_16) - 1}")
        joint = int(joint)
        points[joint] = _number(point, "x") - 1, _number(point, "y") - 1
        seen = str(np.squeeze(getattr(point, "is_visible", ""))).strip("[] ")
        visible[joint] = HIDDEN if seen in ("0", "0.0", "False") else VISIBLE
    return points, visible


def _number(struct: Any, name: str) -> float:
    """A field, NaN where it is missing or empty, as for people that were not fully labelled."""
    value = np.asarray(getattr(struct, name, np.nan))
    return float(value.squeeze()) if value.size == 1 and value.dtype.kind in "biuf" else float("nan")
