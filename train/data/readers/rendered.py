"""Rendered people as ``train.synthesize`` writes them: a folder with annotations.npz and part-*.zip.

People that are too small or hidden to learn a pose from are left out.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np

from fusion_model.estimator import CONVENTIONAL_HEIGHT_MM
from fusion_model.skeletons import HUMAN36M_17, MPII_16, MPII_IN_HUMAN36M
from train.data.columns import check_columns, read_arrays
from train.data.photos import ZipReader
from train.data.readers.layout import require_any
from train.data.readers.records import HIDDEN, VISIBLE, Frame, Plan, Record
from train.data.readers.registry import data_set
from train.data.source import SYNTHETIC, Source
from train.synthesis.dataset import ANNOTATIONS, PERSON, image_place
from train.synthesis.labels import camera_name, posture_name, viewpoint_name

_ROWS = {"picture": (np.int32, ()), **PERSON}
_ADVICE = "delete it and run train.synthesize again"
_MIN_SIDE = 64  # pixels of the box's longer side
_MIN_VISIBLE = 4  # joints
_CHILD = 1400.0  # mm, below which a person is counted among the children


def _read_labels(folder: Path) -> tuple[dict[str, np.ndarray], str]:
    """Columns as ``train.synthesize`` writes them, a row a person, and the split of the set.

    So is ``pitch`` (N,), degrees by which the camera faces down: NaN in sets that do not say it.
    """
    path = folder / ANNOTATIONS
    arrays = read_arrays(path, (*_ROWS, "intrinsics", "split"), _ADVICE)
    check_columns(path, arrays, _ROWS, len(arrays["box"]), _ADVICE)
    picture, pictures = arrays["picture"], len(arrays["intrinsics"])
    if not ((picture >= 0) & (picture < pictures)).all():
        raise ValueError(f"{path}: array picture names others than the {pictures} pictures of the set: {_ADVICE}")
    pitch = arrays.get("pitch", np.full(pictures, np.nan, np.float32))
    side = (arrays["box"][:, 2:] - arrays["box"][:, :2]).max(1, initial=0)
    keep = (side >= _MIN_SIDE) & (arrays["visible"].sum(1) >= _MIN_VISIBLE)
    labels = {name: arrays[name] for name in _ROWS} | {"pitch": pitch[picture]}
    return {name: column[keep] for name, column in labels.items()}, str(arrays["split"])


def read_synthetic(folder: Path) -> Source:
    """A rendered data set for training.

    One photo does not tell a person's size, so poses are brought to the height that the estimator assumes.

    The groups are ``viewpoint`` (front, side, back), ``posture`` (standing, low, seated, lying), ``stature`` (child:
    below 1.40 m, else adult) and, where the set knows, ``camera`` (down, level, up).

    Raises:
        FileNotFoundError: if the data set is not finished.
        ValueError: if its annotations are damaged.
    """
    labels, split = _read_labels(folder)
    read = ZipReader("picture", "delete the part and run train.synthesize again")
    visible = labels["visible"][:, MPII_IN_HUMAN36M]
    count = len(visible)
    camera = {"camera": camera_name(labels["pitch"])} if np.isfinite(labels["pitch"]).all() else {}
    return Source(
        name=SYNTHETIC,
        read=lambda row: read(*image_place(folder, int(labels["picture"][row]))),
        joints=labels["joints_2d"][:, MPII_IN_HUMAN36M],
        weight=np.where(visible, 1.0, data_set(SYNTHETIC).hidden_weight).astype(np.float32),
        by_hand=np.ones((count, len(MPII_16)), bool),
        box=labels["box"],
        pose=labels["joints_3d"] * (CONVENTIONAL_HEIGHT_MM / labels["stature"])[:, None, None],
        pose_weight=np.ones((count, len(HUMAN36M_17)), np.float32),
        validation=np.full(count, split == "validation"),
        groups={
            "viewpoint": viewpoint_name(labels["azimuth"]),
            "posture": np.array([posture_name(kind) for kind in labels["kind"].tolist()]),
            "stature": np.where(labels["stature"] < _CHILD, "child", "adult"),
            **camera,
        },
    )


def plan_synthetic(source: Path) -> Plan:
    """The same people for the prepared format; their 3D is in their own sizes, which the column ``stature`` has."""
    require_any(source, ANNOTATIONS, "a finished set of train.synthesize")
    labels, split = _read_labels(source)
    rows: dict[Path, list[int]] = {}
    for row, picture in enumerate(labels["picture"].tolist()):
        rows.setdefault(image_place(source, picture)[0], []).append(row)
    units = {path.name: partial(_load, source, labels, rows[path], split) for path in sorted(rows)}
    return Plan(HUMAN36M_17, units)


def _load(source: Path, labels: dict[str, np.ndarray], rows: list[int], split: str, _: Counter[str]) -> list[Record]:
    """The people of one part."""
    records = []
    for row in rows:
        person = {name: column[row] for name, column in labels.items()}
        picture = int(person["picture"])
        path, member = image_place(source, picture)
        records.append(
            Record(
                Frame(path, member=member),
                split,
                person["joints_2d"],
                np.where(person["visible"], VISIBLE, HIDDEN),
                person["joints_3d"] + person["pelvis"],
                box=person["box"],
                subject=str(person["subject"]),
                action=str(person["kind"]),
                sequence=str(person["motion"]),
                number=picture,
                extra={"stature": float(person["stature"]), "azimuth": float(person["azimuth"])},
            )
        )
    return records
