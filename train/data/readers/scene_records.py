"""What a reader of boxed photos yields: whole photos with everyone in them, in units loaded one by one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from train.data.readers.records import Unit


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
