"""Rendered groups: the pictures of ``train.synthesize`` with everybody in them, for finding people."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from fusion_model.skeletons import HUMAN36M_17
from train.synthesis.dataset import PART, image_name, part_path

_LEAST_VISIBLE = 4  # joints; of whom less is seen is neither to be found nor wrong to find
_LEAST_SIDE = 16  # pixels of the box's longer side
_PELVIS, _THORAX = HUMAN36M_17.index("pelvis"), HUMAN36M_17.index("thorax")


@dataclass
class Groups:
    """A rendered data set, a picture at a time.

    Attributes:
        folder: of the data set.
        held_out: whether it is for validation.
        first: (P + 1,) row of each picture's first person in the arrays.
        boxes: (N, 4) tight boxes, pixels.
        axes: (N, 2) cosine and sine of the body axis' angle.
        learn: (N,) bool, seen well enough to be found.
    """

    folder: Path
    held_out: bool
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
        path = part_path(self.folder, number // PART)
        with zipfile.ZipFile(path) as archive:
            data = np.frombuffer(archive.read(image_name(number)), np.uint8)
        image = cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        rows = slice(self.first[number], self.first[number + 1])
        return image, self.boxes[rows].astype(float), self.axes[rows], self.learn[rows]


def find_groups(folder: Path, *, held_out: bool) -> Groups | None:
    """The first rendered data set in a folder for training, or for validation; None if there is none.

    Raises:
        ValueError: if its annotations are damaged.
    """
    for path in sorted(folder.glob("*/annotations.npz")):
        groups = _read(path)
        if groups.held_out == held_out:
            return groups
    return None


def _read(path: Path) -> Groups:
    """One data set."""
    try:
        with np.load(path) as data:
            held_out, count = str(data["split"]) == "validation", len(data["intrinsics"])
            picture, joints, boxes = data["picture"], data["joints_2d"], data["box"]
            visible = data["visible"].sum(1)
    except (zipfile.BadZipFile, KeyError, EOFError, ValueError) as error:
        raise ValueError(f"{path} is damaged ({error}): delete it and run train.synthesize again") from error
    order = np.argsort(picture, kind="stable")
    picture, joints, boxes, visible = picture[order], joints[order], boxes[order], visible[order]
    along = joints[:, _THORAX] - joints[:, _PELVIS]
    length = np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
    axes = np.stack((-along[:, 1], along[:, 0]), 1) / length
    learn = (visible >= _LEAST_VISIBLE) & ((boxes[:, 2:] - boxes[:, :2]).max(1) >= _LEAST_SIDE)
    first = np.searchsorted(picture, np.arange(count + 1))
    return Groups(path.parent, held_out, first, boxes, axes.astype(np.float32), learn)
