"""A contact sheet of rendered pictures with their labels drawn in."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from fusion_model.drawing import draw_bones, draw_joints
from fusion_model.skeletons import HUMAN36M_17
from train.synthesis.dataset import ANNOTATIONS, encode_jpeg, iterate_images

_TILE, _COLUMNS, _ROWS = 192, 8, 8
_MAX_BYTES = 400_000


def write_preview(folder: Path, path: Path, seed: int = 0) -> int:
    """Draw up to 64 random pictures of a finished data set; returns how many.

    Filled dots are visible joints, rings hidden ones; blue is the person's left, orange the right.

    Args:
        folder: the data set.
        path: JPEG file to write, made small enough for a repository.
        seed: of the choice.
    """
    with np.load(folder / ANNOTATIONS) as data:
        labels = {name: data[name] for name in data}
    count = len(labels["intrinsics"])
    chosen = np.random.default_rng(seed).permutation(count)[: _COLUMNS * _ROWS]
    rows = -(-len(chosen) // _COLUMNS)
    sheet = np.full((rows * _TILE, _COLUMNS * _TILE, 3), 255, np.uint8)
    for place, (index, image) in enumerate(zip(chosen, iterate_images(folder, chosen), strict=True)):
        scale = _TILE / image.shape[0]
        tile = cv2.resize(image, (_TILE, _TILE), interpolation=cv2.INTER_AREA)
        for row in np.flatnonzero(labels["picture"] == index):
            joints = (labels["joints_2d"][row] + 0.5) * scale - 0.5
            draw_bones(tile, HUMAN36M_17, joints, np.ones(len(HUMAN36M_17), bool), width=1)
            draw_joints(tile, HUMAN36M_17, joints, labels["visible"][row])
        top, left = place // _COLUMNS * _TILE, place % _COLUMNS * _TILE
        sheet[top : top + _TILE, left : left + _TILE] = tile
    path.write_bytes(_small_jpeg(sheet))
    return len(chosen)


def _small_jpeg(image: np.ndarray) -> bytes:
    """JPEG of the best quality that stays small."""
    for quality in range(90, 20, -5):
        data = encode_jpeg(image, quality, "the sheet")
        if len(data) <= _MAX_BYTES:
            break
    return data
