"""Checks that the readers share: of names and boxes in labels, and of people against the picture they are in.

The tolerances let pass what the sets as distributed hold: LSP-extended has a joint at 1.6 times the width of its photo,
rendered people are cut at the chest.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fusion_model.skeletons import Skeleton
from train.data.readers.layout import Place
from train.data.readers.records import UNKNOWN, Record

_ROUNDING = 1.0  # pixels that a box may reach beyond its photo; it is cut there
# How far beyond the picture a joint may lie, over the picture's longer side. Joints by hand were seen in the picture;
# those measured in 3D may lie anywhere round it.
_ASIDE, _FAR, _FAR_IN_3D = 0.25, 1.0, 20.0
_FARTHEST = 1e6  # mm from the camera
_MOST_OUTSIDE = 0.5  # fraction of joints by hand that may lie outside
_MISPLACED = "a joint that lies far outside its photo (the person is kept)"


def member_path(folder: Path, name: Any, place: Place) -> Path:
    """Path of a file that labels name, in a folder; LayoutError if it is no name, or leads out of the folder."""
    if not isinstance(name, str) or not name or Path(name).is_absolute() or ".." in Path(name).parts:
        raise place.error(f"names the file {name!r}", f"a photo within {folder}")
    return folder / name


def box_inside(box: np.ndarray, size: tuple[int, int], place: Place) -> np.ndarray:
    """(4,) a box of the labels, cut where it reaches less than a pixel beyond its photo.

    Args:
        box: (4,) x0, y0, x1, y1, the center of the top-left pixel at (0, 0).
        size: width and height of the photo.
        place: where it stands.

    Raises:
        LayoutError: if the box is no number, inside-out or empty, or reaches further.
    """
    x0, y0, x1, y1 = inside = np.clip(box, -0.5, (size[0] - 0.5, size[1] - 0.5) * 2)
    if np.abs(inside - box).max() <= _ROUNDING and x0 < x1 and y0 < y1:
        return inside
    found = f"has the box {_numbers(box)}, inside-out, empty or beyond the photo of {size[0]} x {size[1]} pixels"
    raise place.error(found, "boxes within the photo: unpack it again")


def check_person(record: Record, skeleton: Skeleton, size: tuple[int, int], skipped: Counter[str]) -> Record:
    """A person as the labels say, but for joints by hand that lie far outside the picture: these become unknown.

    Args:
        record: the person.
        skeleton: names the joints.
        size: width and height of the picture.
        skipped: counts such joints.

    Raises:
        LayoutError: if a joint or the box is no number, or lies where this picture cannot have it.
    """
    place = record.place or Place(record.frame.path, f"person {record.number}")
    picture = f"the picture {record.frame.path.name} of {size[0]} x {size[1]} pixels"
    if record.box is not None:
        x0, y0, x1, y1 = record.box
        if not (x0 < x1 and y0 < y1 and x1 > 0 and y1 > 0 and x0 < size[0] and y0 < size[1]):
            raise place.error(f"has the box {_numbers(record.box)}", f"left, top, right and bottom in {picture}")
    if record.joints_3d is not None and (np.abs(record.joints_3d) > _FARTHEST).any():  # NaN means unknown
        raise place.error("has a joint in 3D that is absurdly far away", f"places up to {_FARTHEST:,.0f} mm away")
    known = np.flatnonzero(record.visible != UNKNOWN)
    points, by_hand = record.joints_2d[known], record.joints_3d is None
    beyond = np.maximum(-0.5 - points, points - (size[0] - 0.5, size[1] - 0.5)).max(1, initial=-np.inf) / max(size)
    beyond = np.where(np.isnan(beyond), np.inf, beyond)
    if by_hand and (beyond > 0).sum() > _MOST_OUTSIDE * len(points):
        found = f"has {(beyond > 0).sum()} of {len(points)} joints outside {picture}"
        raise place.error(found, "labels of this photo, in its pixels")
    if beyond.max(initial=0) > (_FAR if by_hand else _FAR_IN_3D):
        joint = known[beyond.argmax()]
        found = f"has the {skeleton.joints[joint]} at {_numbers(record.joints_2d[joint])}"
        raise place.error(found, f"a place in or near {picture}")
    aside = known[beyond > _ASIDE]
    if not by_hand or not len(aside):
        return record
    visible = record.visible.copy()
    visible[aside] = UNKNOWN
    skipped[_MISPLACED] += len(aside)
    return replace(record, visible=visible)


def _numbers(values: np.ndarray) -> str:
    return f"({', '.join(f'{number:g}' for number in values)})"
