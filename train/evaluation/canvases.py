"""Groups of two to five people, pasted together: a test of finding people whose labels are complete.

A fixed seed draws, for every picture, the people, their sizes (15 to 60 % of the canvas, less in a crowd) and their
places without overlap. Of each photo only the person's box with a small margin is pasted, on a photo that shows
nobody. The pasted parts of the validation photos were checked one by one, before anything was found in them, and
people beside whom a second person, or a large part of one, is seen are left out (``crowded`` of a set): a box too many
is false.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from train.data.readers.registry import data_set
from train.data.source import Source

_SIDE = 640  # pixels of the canvas
_TRIES = 60
_MARGIN = 0.05  # of the pasted part, in longer sides of the box
_SIZES = (0.15, 0.6)  # longer side of a person over that of the canvas
_MIN_PEOPLE, _MAX_PEOPLE = 2, 5  # people


@dataclass(frozen=True)
class Canvas:
    """One picture.

    Attributes:
        photo: (640, 640, 3) uint8.
        rows: the people's rows in their source, M of them.
        joints: (M, 16, 2) on the canvas.
        boxes: (M, 4) on the canvas.
    """

    photo: np.ndarray
    rows: list[int]
    joints: np.ndarray
    boxes: np.ndarray


def alone(source: Source, rows: np.ndarray) -> np.ndarray:
    """(N,) bool: people beside whom nobody else was seen; of sources that were not checked, all of them."""
    return ~np.isin(rows, list(data_set(source.name).crowded))


def make_canvases(source: Source, rows: np.ndarray, empty: list[np.ndarray], seed: int = 0) -> list[Canvas]:
    """Paste every person of ``rows`` once.

    Args:
        source: the data set.
        rows: people to paste; a last one alone shares no picture and is left out.
        empty: photos that show nobody, to paste on; none for smooth fields of colours.
        seed: of backgrounds, sizes, places and order.
    """
    generator = np.random.default_rng(seed)
    queue = [int(row) for row in generator.permutation(rows)]
    canvases = []
    while len(queue) >= _MIN_PEOPLE:
        wanted = min(int(generator.integers(_MIN_PEOPLE, _MAX_PEOPLE + 1)), len(queue))
        part, queue = queue[:wanted], queue[wanted:]
        canvases.append(_canvas(source, part, empty, generator))
    return canvases


def _canvas(source: Source, rows: list[int], empty: list[np.ndarray], generator: np.random.Generator) -> Canvas:
    """One picture of these people; drawn anew, with smaller people, until there is room for all."""
    photo = _background(source, rows[0], empty, generator)
    largest = min(_SIZES[1], 1.2 / len(rows))
    for attempt in range(_TRIES):
        shrink = attempt / _TRIES
        picture, free = photo.copy(), np.ones((_SIDE, _SIDE), bool)
        placed = []
        for row in rows:
            top = largest * (1 - shrink) + _SIZES[0] * shrink
            result = _paste(picture, free, source, row, generator.uniform(_SIZES[0], top), generator)
            if result is None:
                break
            placed.append(result)
        if len(placed) == len(rows):
            joints, boxes = (np.stack(column) for column in zip(*placed, strict=True))
            return Canvas(picture, rows, joints, boxes)
    raise ValueError(f"{source.name}: photos {rows} fit on no canvas; are their boxes right?")


def _background(source: Source, row: int, empty: list[np.ndarray], generator: np.random.Generator) -> np.ndarray:
    """A photo that shows nobody, or a smooth field of colours drawn from a photo."""
    if empty:
        photo = empty[int(generator.integers(len(empty)))]
        return cv2.resize(photo, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)
    photo = source.photo(row)
    colour = photo.reshape(-1, 3)[generator.integers(0, photo.shape[0] * photo.shape[1], 64)].reshape(8, 8, 3)
    return cv2.resize(colour, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)


def _paste(
    canvas: np.ndarray, free: np.ndarray, source: Source, row: int, fraction: float, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray] | None:
    """Paste one person where ``free`` (640, 640) has room, in place; joints and box on the canvas, or None."""
    photo, box = source.photo(row), source.box[row].astype(float)
    side = (box[2:] - box[:2]).max()
    low = np.maximum(np.floor(box[:2] - _MARGIN * side), 0).astype(int)
    high = np.minimum(np.ceil(box[2:] + _MARGIN * side) + 1, photo.shape[1::-1]).astype(int)
    part = photo[low[1] : high[1], low[0] : high[0]]
    height, width = part.shape[:2]
    scale = fraction * _SIDE / side
    w, h = (max(2, round(length * scale)) for length in (width, height))
    for _ in range(_TRIES):
        if w > _SIDE or h > _SIDE:
            return None
        x, y = (int(generator.integers(0, _SIDE - length + 1)) for length in (w, h))
        if free[y : y + h, x : x + w].all():
            method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
            canvas[y : y + h, x : x + w] = cv2.resize(part, (w, h), interpolation=method)
            free[y : y + h, x : x + w] = False
            factor, corner = np.array([w / width, h / height]), np.array([x, y]) - 0.5
            joints = (source.joints[row] - low + 0.5) * factor + corner
            return joints, ((box.reshape(2, 2) - low + 0.5) * factor + corner).ravel()
    return None
