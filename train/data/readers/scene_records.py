"""What a reader of boxed photos yields: whole photos with everyone in them, in units loaded one by one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from train.data.readers.records import LayoutError, Unit

_SLACK = 1.0  # pixels that a box may reach beyond its photo, since labels are rounded; it is cut there


@dataclass(frozen=True)
class ScenePhoto:
    """A photo in which everyone is boxed, or nobody is.

    Attributes:
        path: of the picture.
        size: width and height that the labels say.
        boxes: (K, 4) x0, y0, x1, y1 in pixels of the photo, the center of the top-left pixel at (0, 0).
        flags: (K,) :data:`train.data.scenes.WHOLE`, ``CUT_OFF`` or ``UNSURE``.
        split: ``train`` or ``validation``.
        source: name of the data set with its year, where there are several.
    """

    path: Path
    size: tuple[int, int]
    boxes: np.ndarray
    flags: np.ndarray
    split: str
    source: str


@dataclass(frozen=True)
class ScenePlan:
    """A data set of boxed photos as its reader finds it.

    Attributes:
        units: in a fixed order.
        skipped: what is left out, by reason.
    """

    units: list[Unit[ScenePhoto]]
    skipped: Counter[str] = field(default_factory=Counter)


def box_inside(box: np.ndarray, size: tuple[int, int], path: Path, entry: str, section: str) -> np.ndarray:
    """(4,) a box of the labels, cut where it reaches less than a pixel beyond its photo.

    Args:
        box: (4,) x0, y0, x1, y1, the center of the top-left pixel at (0, 0).
        size: width and height of the photo.
        path: of the labels, for messages; entry and section likewise.
        entry: whose box it is.
        section: of DATASETS.md.

    Raises:
        LayoutError: if the box is inside-out or reaches further.
    """
    inside = np.clip(box, -0.5, np.tile(size, 2) - 0.5)
    numbers = ", ".join(f"{number:g}" for number in box)
    if np.abs(inside - box).max() > _SLACK:
        found = f"the box of {entry} ({numbers}) reaches beyond the photo of {size[0]} x {size[1]} pixels"
        raise LayoutError(path, found, "boxes within the photo: unpack it again", section)
    if not (inside[:2] < inside[2:]).all():
        found = f"the box of {entry} ({numbers}) is inside-out"
        raise LayoutError(path, found, "left before right and top before bottom: unpack it again", section)
    return inside
