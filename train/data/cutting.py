"""Crops of people, and of photos beside the labelled person, most of them negatives that show no person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from fusion_model.crop_inference import CropPredictor
from fusion_model.crops import Crop
from train.data.readers.records import UNKNOWN, Record
from train.synthesis.dataset import encode_jpeg

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


QUALITY = 95  # of the JPEG files


@dataclass(frozen=True)
class Cut:
    """A stored crop.

    Attributes:
        jpeg: the file.
        affine: (2, 3) float64, pixels of the frame -> pixels of the crop.
        box: (4,) the person's box in pixels of the frame.
        size: width and height of the crop.
    """

    jpeg: bytes
    affine: np.ndarray
    box: np.ndarray
    size: tuple[int, int]


def box_of(record: Record) -> np.ndarray:
    """(4,) the record's box, or that of its labelled joints, at least a pixel wide and high.

    Raises:
        ValueError: if there is neither.
    """
    if record.box is not None:
        return np.asarray(record.box, float)
    known = record.joints_2d[record.visible != UNKNOWN]
    if not len(known):
        raise ValueError(f"{record.frame.path}: a person with neither a box nor a labelled joint")
    low, high = known.min(0), known.max(0)
    return np.concatenate((low, np.maximum(high, low + 1)))


def cut_person(frame: np.ndarray, record: Record, side: int, margin: float) -> Cut | None:
    """The square round a person, as far as the frame reaches, shrunk to ``side`` pixels if it is larger.

    Args:
        frame: (H, W, 3) uint8 BGR.
        record: the person.
        side: largest length of the crop's longer side in pixels; smaller crops are not enlarged.
        margin: side of the square over the longer side of the box.

    Returns:
        The crop, or None if the square lies outside the frame.
    """
    box = box_of(record)
    middle, half = (box[:2] + box[2:]) / 2, margin * (box[2:] - box[:2]).max() / 2
    height, width = frame.shape[:2]
    low = np.clip(np.floor(middle - half + 0.5), 0, (width, height)).astype(int)
    high = np.clip(np.ceil(middle + half + 0.5), 0, (width, height)).astype(int)
    if (high - low).min() < 2:
        return None
    pixels = frame[low[1] : high[1], low[0] : high[0]]
    scale = min(1.0, side / max(pixels.shape[:2]))
    size = tuple(max(1, round(length * scale)) for length in (pixels.shape[1], pixels.shape[0]))
    if scale < 1:
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    data = encode_jpeg(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), QUALITY, f"{record.frame.path}: a crop")
    # Pixel centers: crop = (frame - low + 0.5) * scale - 0.5, with the scale that rounding left on each axis.
    scales = np.array(size) / (high - low)
    affine = np.column_stack((np.diag(scales), (0.5 - low) * scales - 0.5))
    return Cut(data, affine, box, size)
