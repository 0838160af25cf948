"""Negatives: crops that show nobody, cut beside the labelled person of validation photos.

A crop can still show somebody who is not labelled. The crops of seed 0 were checked one by one, without their scores,
and the photos in whose crop a body, a part of one or worn clothes were plainly seen are left out (``no_negatives`` of a
set). Photos of sets without such a list too often show bystanders.
"""

from __future__ import annotations

import numpy as np

from train.data.readers.registry import data_set
from train.data.source import Source

_MAX_CROPS = 260  # of a source, which were checked
_TRIES = 40


def negative_crops(source: Source) -> list[np.ndarray]:
    """Squares (S, S, 3) uint8 of a data set that show nobody; empty for sets that were not checked."""
    left_out = data_set(source.name).no_negatives
    if left_out is None:
        return []
    generator = np.random.default_rng(0)  # others would give crops that were not checked
    crops: dict[int, np.ndarray] = {}
    for row in generator.permutation(np.flatnonzero(source.validation)):
        crop = _beside(source.photo(row), source.box[row], generator)
        if crop is not None:
            crops[int(row)] = crop
        if len(crops) == _MAX_CROPS:
            break
    return [crop for row, crop in crops.items() if row not in left_out]


def _beside(photo: np.ndarray, box: np.ndarray, generator: np.random.Generator) -> np.ndarray | None:
    """A random square of a photo that does not touch the box, or None if there is no room."""
    height, width = photo.shape[:2]
    for _ in range(_TRIES):
        side = int(generator.uniform(0.25, 0.6) * min(height, width))
        x, y = (int(generator.integers(0, length - side + 1)) for length in (width, height))
        beside = x + side <= box[0] or y + side <= box[1] or x >= box[2] or y >= box[3]
        if beside and side >= 32:
            return photo[y : y + side, x : x + side]
    return None
