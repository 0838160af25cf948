"""What a reader of a distributed data set yields: records, a person in a frame or a whole photo each, unit by unit.

A reader is a function ``plan(source)``, of an entry with ``cameras`` ``plan(source, cameras, every)``, that reads the
folder, not every file in it, and returns a :class:`Plan`, or raises :class:`train.data.readers.layout.LayoutError`.
``train.prepare`` then loads each unit, cuts its crops and stores them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fusion_model.skeletons import Skeleton

UNKNOWN, HIDDEN, VISIBLE = 0, 1, 2
"""What ``visible`` says of a joint in 2D: not labelled, labelled though hidden, seen."""

Load = Callable[[Counter[str]], list[Any]]
"""Reads the records of a unit and counts what is left out by its reason; ValueError or OSError if a file is damaged."""

UNIT_PICTURES = 200  # records of single pictures in a unit


@dataclass(frozen=True)
class Frame:
    """Where a picture lies.

    Attributes:
        path: an image, a video, a zip of images, or a folder called ``.lmdb``.
        number: of the frame in a video, from 0; None for an image.
        member: name in the zip, or key in the folder.
        size: width and height that the labels say an image has; None where they do not.
    """

    path: Path
    number: int | None = None
    member: str = ""
    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class Record:
    """One person in one frame.

    Attributes:
        frame: the picture.
        split: ``train``, ``validation`` or ``test``.
        joints_2d: (J, 2) pixels of the frame, the center of the top-left pixel at (0, 0).
        visible: (J,) :data:`UNKNOWN`, :data:`HIDDEN` or :data:`VISIBLE`.
        joints_3d: (J, 3) mm, camera axes, NaN where unknown; None without 3D. Any origin: it is stored
            relative to the root.
        box: (4,) x0, y0, x1, y1 in pixels of the frame; None for the box of the labelled joints.
        subject: who, empty where the set does not say; ``action``, ``camera`` and ``sequence`` alike.
        number: of the frame as the data set counts it.
        head_size: length that PCKh is relative to, pixels of the frame; NaN where there is none.
        extra: further numbers of the set by name, the same names in all its records.
        place: file and entry of the labels, for messages; empty for the frame itself.
    """

    frame: Frame
    split: str
    joints_2d: np.ndarray
    visible: np.ndarray
    joints_3d: np.ndarray | None = None
    box: np.ndarray | None = None
    subject: str = ""
    action: str = ""
    camera: str = ""
    sequence: str = ""
    number: int = 0
    head_size: float = float("nan")
    extra: dict[str, float] = field(default_factory=dict)
    place: str = ""


@dataclass(frozen=True)
class ScenePhoto:
    """A photo in which everyone is boxed, or nobody is.

    Attributes:
        frame: the picture, with the size that the labels say.
        boxes: (K, 4) x0, y0, x1, y1 in pixels of the photo, the center of the top-left pixel at (0, 0).
        flags: (K,) :data:`train.data.scenes.WHOLE`, ``CUT_OFF`` or ``UNSURE``.
        split: ``train`` or ``validation``.
        source: name of the data set with its year, where there are several.
    """

    frame: Frame
    boxes: np.ndarray
    flags: np.ndarray
    split: str
    source: str


@dataclass
class Plan:
    """A data set as its reader finds it.

    Attributes:
        skeleton: of all records; None for whole photos.
        units: by name, in a fixed order, what is stored together: one camera's video, or some pictures.
        skipped: what is left out as a whole, by reason.
        found: which of several layouts was found, and whatever else the user should know.
    """

    skeleton: Skeleton | None
    units: dict[str, Load] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)
    found: list[str] = field(default_factory=list)


def in_units(items: Sequence[Any], name: str, load: Callable[..., list[Any]] | None = None) -> dict[str, Load]:
    """Units of single pictures: records, or what ``load(items, skipped)`` makes records of, some at a time."""
    load = load or (lambda records, _: list(records))
    starts = range(0, len(items), UNIT_PICTURES)
    return {f"{name} {start}": partial(load, items[start : start + UNIT_PICTURES]) for start in starts}


def measured_people(
    rows: Iterable[int],
    points: np.ndarray,
    poses: np.ndarray,
    skipped: Counter[str],
    own: Callable[[int], dict[str, Any]],
    **shared: Any,
) -> list[Record]:
    """People of a sequence whose joints are all known, in 2D and 3D; frames with NaN are left out and counted.

    Args:
        rows: frames that are wanted.
        points: (F, J, 2) pixels.
        poses: (F, J, 3) mm, camera axes.
        skipped: counts the frames that are left out.
        own: further attributes of the :class:`Record` of a row, its ``frame`` among them.
        shared: those that are alike in all.
    """
    records = []
    for row in map(int, rows):
        if np.isfinite(points[row]).all() and np.isfinite(poses[row]).all():
            both = {"joints_2d": points[row], "visible": np.full(points.shape[1], VISIBLE), "joints_3d": poses[row]}
            records.append(Record(**both, **{"number": row} | shared | own(row)))
        else:
            skipped["a frame whose pose is no number"] += 1
    return records
