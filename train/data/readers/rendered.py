"""Rendered people as ``train.synthesize`` writes them: a folder with annotations.npz and part-*.zip.

:func:`read_rendered` reads and checks a folder. Training's source, the plan of ``train.prepare`` and the groups of
:mod:`train.detector_stage.rendered_groups` are made from what it returns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from fusion_model.estimator import CONVENTIONAL_HEIGHT_MM
from fusion_model.skeletons import HUMAN36M_17, MPII_16, MPII_IN_HUMAN36M
from train.data.columns import check_columns, read_named
from train.data.readers.records import HIDDEN, VISIBLE, Frame, Labels, LayoutError, Plan, Record, Unit, require_any
from train.data.readers.registry import data_set
from train.data.source import SYNTHETIC, Source
from train.data.zips import ZipReader
from train.synthesis.dataset import ANNOTATIONS, PERSON, image_place
from train.synthesis.labels import camera_name, posture_name, viewpoint_name

_ROWS = {"picture": (np.int32, ()), **PERSON}
_ADVICE = "delete it and run train.synthesize again"
_MIN_SIDE = 64  # pixels of the box's longer side; smaller people teach no pose
_MIN_VISIBLE = 4  # joints
_CHILD = 1400.0  # mm, below which a person is counted among the children


@dataclass(frozen=True)
class RenderedSet:
    """A finished folder.

    Attributes:
        folder: where it lies.
        validation: whether it is for validation, never trained on.
        pictures: how many there are, those without people included.
        labels: columns as ``train.synthesize`` writes them, a row a person; so are ``intrinsics``, (N, 3, 3), and
            ``pitch``, (N,) degrees by which the camera faces down: NaN in sets that do not say.
    """

    folder: Path
    validation: bool
    pictures: int
    labels: dict[str, np.ndarray]

    @cached_property
    def read(self) -> Callable[[int], bytes]:
        """Gives the JPEG file of a picture by its number, from several threads; ValueError if its part is damaged."""
        reader = ZipReader("picture", "delete the part and run train.synthesize again")
        return lambda picture: reader(*image_place(self.folder, picture))

    def learnable(self, min_side: float) -> np.ndarray:
        """(N,) bool: enough joints visible, and the longer side of the box at least ``min_side`` pixels."""
        side = (self.labels["box"][:, 2:] - self.labels["box"][:, :2]).max(1)
        return (side >= min_side) & (self.labels["visible"].sum(1) >= _MIN_VISIBLE)

    def pose_labels(self) -> dict[str, np.ndarray]:
        """The columns of the people who are large and visible enough to learn a pose from."""
        keep = self.learnable(_MIN_SIDE)
        return {name: column[keep] for name, column in self.labels.items()}


def read_rendered(folder: Path) -> RenderedSet:
    """Read and check the labels of a folder; the pictures stay in their files.

    Raises:
        FileNotFoundError: if the data set is not finished.
        ValueError: if its annotations are damaged.
    """
    path = folder / ANNOTATIONS
    if not path.is_file():
        unfinished = "the data set is not finished, run train.synthesize again with the same settings"
        raise FileNotFoundError(f"{path} not found: {unfinished}")
    arrays = read_named(path, [*_ROWS, "intrinsics", "split"], _ADVICE)
    intrinsics, split = arrays.pop("intrinsics"), str(arrays.pop("split"))
    people, pictures = arrays["picture"].size, len(intrinsics) if intrinsics.ndim else 0
    check_columns(path, arrays, _ROWS, people, _ADVICE)
    check_columns(path, {"intrinsics": intrinsics}, {"intrinsics": (np.float64, (3, 3))}, pictures, _ADVICE)
    picture = arrays["picture"]
    if picture.dtype.kind not in "iu" or (people and not 0 <= picture.min() <= picture.max() < pictures):
        raise ValueError(f"{path}: array picture names others than the {pictures} pictures of the set: {_ADVICE}")
    if split not in ("train", "validation"):
        raise ValueError(f"{path}: split must be 'train' or 'validation', got {split!r}: {_ADVICE}")
    pitch = read_named(path, None, _ADVICE).get("pitch", np.full(pictures, np.nan, np.float32))
    check_columns(path, {"pitch": pitch}, {"pitch": (np.float32, ())}, pictures, _ADVICE, unknown=["pitch"])
    cameras = {"intrinsics": intrinsics[picture], "pitch": pitch[picture]}
    return RenderedSet(folder, split == "validation", pictures, arrays | cameras)


def read_synthetic(folder: Path) -> Source:
    """A rendered data set for training; people that are too small or hidden to learn from are left out.

    One photo does not tell a person's size, so poses are brought to the height that the estimator assumes.

    The groups are ``viewpoint`` (front, side, back), ``posture`` (standing, low, seated, lying), ``stature`` (child:
    below 1.40 m, else adult) and, where the set knows, ``camera`` (down, level, up).

    Raises:
        FileNotFoundError: if the data set is not finished.
        ValueError: if its annotations are damaged.
    """
    rendered = read_rendered(folder)
    labels = rendered.pose_labels()
    visible = labels["visible"][:, MPII_IN_HUMAN36M]
    count = len(visible)
    camera = {"camera": camera_name(labels["pitch"])} if np.isfinite(labels["pitch"]).all() else {}
    return Source(
        name=SYNTHETIC,
        read=lambda row: rendered.read(int(labels["picture"][row])),
        joints=labels["joints_2d"][:, MPII_IN_HUMAN36M],
        weight=np.where(visible, 1.0, data_set(SYNTHETIC).hidden_weight).astype(np.float32),
        by_hand=np.ones((count, len(MPII_16)), bool),
        box=labels["box"],
        pose=labels["joints_3d"] * (CONVENTIONAL_HEIGHT_MM / labels["stature"])[:, None, None],
        pose_weight=np.ones((count, len(HUMAN36M_17)), np.float32),
        validation=np.full(count, rendered.validation),
        groups={
            "viewpoint": viewpoint_name(labels["azimuth"]),
            "posture": np.array([posture_name(kind) for kind in labels["kind"].tolist()]),
            "stature": np.where(labels["stature"] < _CHILD, "child", "adult"),
            **camera,
        },
    )


def plan_synthetic(source: Path) -> Plan:
    """The same people for the prepared format; their 3D is in their own sizes, which the column ``stature`` has.

    Raises:
        LayoutError: if the folder holds no finished set.
    """
    require_any(source, ANNOTATIONS, "a finished set of train.synthesize")
    rendered = read_rendered(source)
    labels, split = rendered.pose_labels(), "validation" if rendered.validation else "train"
    rows: dict[Path, list[int]] = {}
    for row, picture in enumerate(labels["picture"].tolist()):
        rows.setdefault(image_place(source, picture)[0], []).append(row)
    for path in rows:
        if not path.is_file():
            raise LayoutError(path, "there is no such file", "all parts of the set")
    units = [Unit(path.name, partial(_load, source, labels, rows[path], split)) for path in sorted(rows)]
    return Plan(HUMAN36M_17, units, camera_model="pinhole")


def _load(source: Path, labels: dict[str, np.ndarray], rows: list[int], split: str) -> Labels:
    """The people of one part."""
    return Labels([_record(source, {name: column[row] for name, column in labels.items()}, split) for row in rows])


def _record(source: Path, person: dict[str, np.ndarray], split: str) -> Record:
    """One person."""
    intrinsics, picture = person["intrinsics"], int(person["picture"])
    path, member = image_place(source, picture)
    return Record(
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
        camera_values=(intrinsics[0, 0], intrinsics[1, 1], intrinsics[0, 2], intrinsics[1, 2]),
        extra={"stature": float(person["stature"]), "azimuth": float(person["azimuth"])},
    )
