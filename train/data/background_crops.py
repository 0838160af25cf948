"""Crops of photos beside the labelled person, most of them negatives: pictures that show no person."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fusion_model.crop_inference import CropPredictor
from fusion_model.crops import Crop

Region = tuple[int, int, int, int]
"""x0, y0, x1, y1 in whole pixels of a photo, x1 and y1 not included."""

MIN_JOINTS = 4  # labelled, for a person's box to be trusted
BATCH = 256  # regions that an estimator checks together
_BYSTANDER_SCORE = 0.2  # from which a person may be there
_PAD = 0.06  # room round a person's box, over its longer side


def beside_person(extent: Sequence[float], box: np.ndarray, min_side: int) -> Region | None:
    """The largest region of a photo on one side of its person, by the shorter side, or None if there is little room.

    Args:
        extent: x0, y0, x1, y1 between which the photo's pixels lie.
        box: (4,) x0, y0, x1, y1 round the person.
        min_side: smallest length of the region's shorter side in pixels.
    """
    x0, y0, x1, y1 = extent
    pad = _PAD * (box[2:] - box[:2]).max()
    left, top, right, bottom = box + pad * np.array([-1, -1, 1, 1])
    parts = ((x0, y0, left, y1), (right, y0, x1, y1), (x0, y0, x1, top), (x0, bottom, x1, y1))
    a, b, c, d = max(parts, key=lambda part: min(part[2] - part[0], part[3] - part[1]))
    found = (int(np.ceil(a)), int(np.ceil(b)), int(c), int(d))
    return found if min(found[2] - found[0], found[3] - found[1]) >= min_side else None


def show_no_person(predictor: CropPredictor, found: Sequence[tuple[np.ndarray, Region]]) -> list[bool]:
    """Whether an estimator finds no person in the middle square of each region.

    Args:
        predictor: of the estimator.
        found: (H, W, 3) uint8 RGB photos and a region of each, :data:`BATCH` at most.
    """
    size = predictor.config.hourglass.input_size
    crops = [
        Crop(((x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2), float(min(x1 - x0, y1 - y0)), 0.0, size)
        for _, (x0, y0, x1, y1) in found
    ]
    return [one.score < _BYSTANDER_SCORE for one in predictor.predict([photo for photo, _ in found], crops)]


def report_left_out(dropped: int, total: int) -> str:
    """What to print about crops that show a person."""
    return f"{dropped} of {total} crops beside people show a bystander and are left out"
