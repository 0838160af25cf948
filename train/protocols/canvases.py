"""People pasted on larger canvases: an end-to-end test for data that comes as crops round one person.

A fixed seed draws, for every picture, one to four people, their sizes (15 to 60 % of the canvas) and their places
without overlap; the canvas is a smooth field of colours drawn from the first person's photo.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from train.data.people import Source

_SIDE = 640  # pixels of the canvas
_TRIES = 60


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


def make_canvases(source: Source, rows: np.ndarray, seed: int = 0, most: int = 4) -> list[Canvas]:
    """Paste every person of ``rows`` once.

    Args:
        source: the data set.
        rows: people to paste.
        seed: of sizes, places and order.
        most: people in a picture.
    """
    generator = np.random.default_rng(seed)
    queue = [int(row) for row in generator.permutation(rows)]
    canvases = []
    while queue:
        wanted = int(generator.integers(1, most + 1))
        photo = _background(source, queue[0], generator)
        free = np.ones((_SIDE, _SIDE), bool)
        placed: list[tuple[int, np.ndarray, np.ndarray]] = []
        for row in queue[:wanted]:
            result = _paste(photo, free, source, row, generator)
            if result is None:
                break  # no room left: this person opens the next picture
            placed.append((row, *result))
        if not placed:
            msg = f"{source.name}: photo {queue[0]} fits on no canvas; is its box right?"
            raise ValueError(msg)
        queue = queue[len(placed) :]
        canvases.append(
            Canvas(
                photo,
                [row for row, _, _ in placed],
                np.stack([joints for _, joints, _ in placed]),
                np.stack([box for _, _, box in placed]),
            )
        )
    return canvases


def _background(source: Source, row: int, generator: np.random.Generator) -> np.ndarray:
    """A smooth field of colours drawn from a photo."""
    photo = source.photo(row)
    colour = photo.reshape(-1, 3)[generator.integers(0, photo.shape[0] * photo.shape[1], 64)].reshape(8, 8, 3)
    return cv2.resize(colour, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)


def _paste(
    canvas: np.ndarray, free: np.ndarray, source: Source, row: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray] | None:
    """Paste one person's photo where there is room, in place; joints and box on the canvas, or None."""
    photo, box = source.photo(row), source.box[row]
    height, width = photo.shape[:2]
    for attempt in range(_TRIES):
        share = generator.uniform(0.15, 0.6) * (1 - attempt / _TRIES) + 0.15 * attempt / _TRIES
        scale = share * _SIDE / max(box[2] - box[0], box[3] - box[1])
        w, h = round(width * scale), round(height * scale)
        if w > _SIDE or h > _SIDE or min(w, h) < 2:
            continue
        x, y = (int(generator.integers(0, _SIDE - length + 1)) for length in (w, h))
        if not free[y : y + h, x : x + w].all():
            continue
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        canvas[y : y + h, x : x + w] = cv2.resize(photo, (w, h), interpolation=method)
        free[y : y + h, x : x + w] = False
        factor = np.array([w / width, h / height])
        corner = np.array([x, y]) - 0.5

        def place(points: np.ndarray, factor: np.ndarray = factor, corner: np.ndarray = corner) -> np.ndarray:
            return (points + 0.5) * factor + corner

        return place(source.joints[row]), place(box.reshape(2, 2)).ravel()
    return None
