"""Rendered groups: the pictures of ``train.synthesize`` with all of their people, for training the detector."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fusion_model.skeletons import HUMAN36M_17
from train.data.photos import decode_rgb
from train.data.readers.rendered import RenderedSet, read_rendered
from train.synthesis.dataset import ANNOTATIONS

_MIN_SIDE = 16  # pixels of the box's longer side; smaller people are neither to be found nor wrong to find
_PELVIS, _THORAX = HUMAN36M_17.index("pelvis"), HUMAN36M_17.index("thorax")


@dataclass
class Groups:
    """A rendered data set, a picture at a time.

    Attributes:
        read: gives the JPEG file of a picture by its number.
        first: (P + 1,) row of each picture's first person in the arrays.
        boxes: (N, 4) tight boxes, pixels.
        axes: (N, 2) cosine and sine of the body axis' angle.
        learn: (N,) bool, seen well enough to be found.
    """

    read: Callable[[int], bytes]
    first: np.ndarray
    boxes: np.ndarray
    axes: np.ndarray
    learn: np.ndarray

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.first) - 1

    def draw(self, generator: np.random.Generator) -> int:
        """Number of a random picture, half of the time one of several people."""
        several = np.flatnonzero(np.diff(self.first) > 1)
        if len(several) and generator.random() < 0.5:
            return int(several[generator.integers(len(several))])
        return int(generator.integers(len(self)))

    def load(self, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Picture (S, S, 3) uint8 RGB, boxes (K, 4), axes (K, 2) and who is seen well enough (K,)."""
        rows = slice(self.first[number], self.first[number + 1])
        image = decode_rgb(self.read(number), f"rendered picture {number}")
        return image, self.boxes[rows].astype(float), self.axes[rows], self.learn[rows]


def find_groups(folder: Path) -> Groups | None:
    """The first rendered data set for training in a folder; None if there is none.

    Raises:
        ValueError: if its annotations are damaged.
    """
    for path in sorted(folder.glob(f"*/{ANNOTATIONS}")):
        rendered = read_rendered(path.parent)
        if not rendered.validation:
            return _groups(rendered)
    return None


def _groups(rendered: RenderedSet) -> Groups:
    """The people of a data set, picture by picture."""
    labels, learn = rendered.labels, rendered.learnable(_MIN_SIDE)
    order = np.argsort(labels["picture"], kind="stable")
    along = labels["joints_2d"][order, _THORAX] - labels["joints_2d"][order, _PELVIS]
    axes = np.stack((-along[:, 1], along[:, 0]), 1) / np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
    first = np.searchsorted(labels["picture"][order], np.arange(rendered.pictures + 1))
    return Groups(rendered.read, first, labels["box"][order], axes.astype(np.float32), learn[order])
