"""Crops of people, and the parts of photos beside a labelled person, most of which show nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from train.data.readers.records import UNKNOWN, Record
from train.synthesis.dataset import encode_jpeg

MIN_JOINTS = 4  # labelled, for a person's box to be trusted
QUALITY = 95  # of the JPEG files
_PAD = 0.06  # room round a person's box, over its longer side


def beside_person(extent: Sequence[float], box: np.ndarray, min_side: int) -> tuple[int, int, int, int] | None:
    """The largest part of a photo on one side of its person, by the shorter side, or None if there is little room.

    Args:
        extent: x0, y0, x1, y1 between which the photo's pixels lie.
        box: (4,) x0, y0, x1, y1 round the person.
        min_side: smallest length of the part's shorter side in pixels.

    Returns:
        x0, y0, x1, y1 in whole pixels, x1 and y1 not included.
    """
    x0, y0, x1, y1 = extent
    pad = _PAD * (box[2:] - box[:2]).max()
    left, top, right, bottom = box + pad * np.array([-1, -1, 1, 1])
    parts = ((x0, y0, left, y1), (right, y0, x1, y1), (x0, y0, x1, top), (x0, bottom, x1, y1))
    a, b, c, d = max(parts, key=lambda part: min(part[2] - part[0], part[3] - part[1]))
    found = (int(np.ceil(a)), int(np.ceil(b)), int(c), int(d))
    return found if min(found[2] - found[0], found[3] - found[1]) >= min_side else None


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
    box = record.box
    if box is None:  # that of the labelled joints, at least a pixel wide and high
        known = record.joints_2d[record.visible != UNKNOWN]
        if not len(known):
            raise ValueError(f"{record.frame.path}: a person with neither a box nor a labelled joint")
        low, high = known.min(0), known.max(0)
        box = np.concatenate((low, np.maximum(high, low + 1)))
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
