"""Rendered data sets as ``train.synthesize`` writes them: a folder with annotations.npz and part-*.zip."""

from __future__ import annotations

import threading
import zipfile
from pathlib import Path

import numpy as np

from fusion_model.estimator import CONVENTIONAL_HEIGHT_MM
from fusion_model.skeletons import HUMAN36M_17, MPII_16, MPII_IN_HUMAN36M
from train.data.people import Source
from train.data.sampling import SYNTHETIC
from train.synthesis.dataset import PART, image_name, part_path
from train.synthesis.labels import posture_name, view_name

_COLUMNS = (
    *("picture", "joints_2d", "joints_3d", "pelvis", "visible", "box", "azimuth", "stature", "kind"),
    *("subject", "motion"),
)
_LEAST_SIDE = 64  # pixels of the box's longer side; smaller people teach no pose
_LEAST_VISIBLE = 4  # joints
_CHILD = 1400.0  # mm, below which somebody is counted among the children
_HIDDEN_WEIGHT = 0.5  # of a joint that something covers: its place is exact, but a guess from the picture


def read_synthetic(folder: Path) -> Source:
    """Read a data set; people that are too small or hidden to learn from are left out.

    One photo does not tell a person's size, so poses are brought to the height that the estimator assumes.

    The groups are ``view`` (front, side, back), ``posture`` (standing, low, seated, lying) and ``stature`` (child:
    below 1.40 m, else adult).

    Raises:
        FileNotFoundError: if the data set is not finished.
        ValueError: if its annotations are damaged.
    """
    labels, validation = read_labels(folder)
    return _source(folder, labels, validation=validation)


def read_labels(folder: Path) -> tuple[dict[str, np.ndarray], bool]:
    """The columns of the people who are used, and whether they are for validation; raises as :func:`read_synthetic`.

    Each is as ``train.synthesize`` writes it, a row a person; so is ``intrinsics``, (N, 3, 3).
    """
    path = folder / "annotations.npz"
    if not path.is_file():
        msg = f"{path} not found: the data set is not finished, run train.synthesize again with the same settings"
        raise FileNotFoundError(msg)
    try:
        with np.load(path) as data:
            validation = str(data["split"]) == "validation"
            labels = {name: data[name] for name in _COLUMNS}
            labels["intrinsics"] = data["intrinsics"][labels["picture"]]
        keep = _usable(labels)
        labels = {name: column[keep] for name, column in labels.items()}
    except (zipfile.BadZipFile, KeyError, EOFError, IndexError, ValueError) as error:
        msg = f"{path} is damaged ({error}): delete it and run train.synthesize again"
        raise ValueError(msg) from error
    return labels, validation


def _usable(labels: dict[str, np.ndarray]) -> np.ndarray:
    """(N,) bool: large and visible enough."""
    side = (labels["box"][:, 2:] - labels["box"][:, :2]).max(1)
    return (side >= _LEAST_SIDE) & (labels["visible"].sum(1) >= _LEAST_VISIBLE)


def _source(folder: Path, labels: dict[str, np.ndarray], *, validation: bool) -> Source:
    """The people as every other data set has them."""
    visible = labels["visible"][:, MPII_IN_HUMAN36M]
    count = len(visible)
    return Source(
        name=SYNTHETIC,
        read=_PartReader(folder, labels["picture"]),
        joints=labels["joints_2d"][:, MPII_IN_HUMAN36M],
        weight=np.where(visible, 1.0, _HIDDEN_WEIGHT).astype(np.float32),
        by_hand=np.ones((count, len(MPII_16)), bool),
        box=labels["box"],
        pose=labels["joints_3d"] * (CONVENTIONAL_HEIGHT_MM / labels["stature"])[:, None, None],
        pose_weight=np.ones((count, len(HUMAN36M_17)), np.float32),
        validation=np.full(count, validation),
        groups={
            "view": view_name(labels["azimuth"]),
            "posture": np.array([posture_name(kind) for kind in labels["kind"].tolist()]),
            "stature": np.where(labels["stature"] < _CHILD, "child", "adult"),
        },
    )


class _PartReader:
    """Reads pictures out of the parts from several threads."""

    def __init__(self, folder: Path, pictures: np.ndarray) -> None:
        self._folder, self._pictures, self._local = folder, pictures, threading.local()

    def __call__(self, row: int) -> bytes:
        """The bytes of a person's picture; ValueError if its part is damaged or missing."""
        index = int(self._pictures[row])
        path = part_path(self._folder, index // PART)
        try:
            files = self._local.__dict__.setdefault("files", {})
            if path not in files:
                files[path] = zipfile.ZipFile(path)
            return files[path].read(image_name(index))
        except (OSError, zipfile.BadZipFile, KeyError) as error:
            msg = f"{path}: picture {index} cannot be read ({error}): delete the part and run train.synthesize again"
            raise ValueError(msg) from error
