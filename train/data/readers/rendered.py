"""Rendered people as ``train.synthesize`` writes them, for the prepared format.

3D is in the people's own sizes; the column ``stature`` has them.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from fusion_model.skeletons import HUMAN36M_17
from train.data.readers.records import HIDDEN, VISIBLE, Frame, Labels, LayoutError, Plan, Record, Unit, require_any
from train.data.readers.synthetic import read_labels
from train.synthesis.dataset import PART, image_name, part_path

_SECTION = "Rendered people"


def plan_synthetic(source: Path) -> Plan:
    """The people that are large and visible enough.

    Raises:
        LayoutError: if the folder holds no finished set.
    """
    require_any(source, "annotations.npz", "a finished set of train.synthesize", _SECTION)
    labels, validation = read_labels(source)
    split = "validation" if validation else "train"
    parts = labels["picture"] // PART
    plan = Plan(HUMAN36M_17, [], camera_model="pinhole")
    for part in np.unique(parts):
        path = part_path(source, int(part))
        if not path.is_file():
            raise LayoutError(path, "there is no such file", "all parts of the set", _SECTION)
        rows = np.flatnonzero(parts == part)
        plan.units.append(Unit(path.name, partial(_load, path, labels, rows, split)))
    return plan


def _load(path: Path, labels: dict[str, np.ndarray], rows: np.ndarray, split: str) -> Labels:
    """The people of one part."""
    return Labels([_record(path, {name: column[row] for name, column in labels.items()}, split) for row in rows])


def _record(path: Path, person: dict[str, np.ndarray], split: str) -> Record:
    """One person."""
    intrinsics = person["intrinsics"]
    return Record(
        Frame(path, member=image_name(int(person["picture"]))),
        split,
        person["joints_2d"],
        np.where(person["visible"], VISIBLE, HIDDEN),
        person["joints_3d"] + person["pelvis"],
        box=person["box"],
        subject=str(person["subject"]),
        action=str(person["kind"]),
        sequence=str(person["motion"]),
        number=int(person["picture"]),
        camera_values=(intrinsics[0, 0], intrinsics[1, 1], intrinsics[0, 2], intrinsics[1, 2]),
        extra={"stature": float(person["stature"]), "azimuth": float(person["azimuth"])},
    )
