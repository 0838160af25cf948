"""The prepared format: person crops and their labels, the same for every data set.

A folder with ``part-00000.zip`` and so on (JPEG crops and ``labels.npz``), ``people.npz`` with the labels of all
parts, and ``prepared.json``, which is written last: a folder without it is not finished, and is never read. The columns
are described in docs/data.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from fusion_model.estimator import CONVENTIONAL_HEIGHT_MM
from fusion_model.skeletons import HUMAN36M_17, MPII_16, SKELETONS, Skeleton, conversion_matrix
from train.data.columns import check_columns, read_arrays
from train.data.photos import ZipReader
from train.data.readers.records import HIDDEN, UNKNOWN
from train.data.readers.registry import data_set
from train.data.source import Source, add_middle_joints

INDEX = "prepared.json"
ANNOTATIONS = "people.npz"
SETTINGS = "prepare-settings.json"
FORMAT = "fusion-pose-prepared/1"
TRAIN = "train"
_UNKNOWN = ("root", "camera_values", "head_size")  # columns that are NaN where the set does not say
_TEXT = ("subject", "action", "camera", "sequence", "split")


@dataclass(frozen=True)
class Prepared:
    """A finished folder.

    Attributes:
        folder: where it lies.
        index: what ``prepared.json`` says.
        skeleton: the data set's own joints.
        columns: (N, ...) arrays by name, a row a person.
    """

    folder: Path
    index: dict[str, Any]
    skeleton: Skeleton
    columns: dict[str, np.ndarray]

    def __len__(self) -> int:
        """Number of people."""
        return len(self.columns["split"])

    @cached_property
    def read(self) -> Callable[[int], bytes]:
        """Gives the JPEG file of a person by their row, from several threads; ValueError if its part is damaged."""
        reader = ZipReader("crop", "delete it and prepared.json, and run train.prepare again")
        parts, members = self.columns["part"].tolist(), self.columns["member"].tolist()
        return lambda row: reader(part_path(self.folder, parts[row]), member_name(members[row]))


def part_path(folder: Path, part: int) -> Path:
    """File of one part."""
    return folder / f"part-{part:05d}.zip"


def member_name(member: int) -> str:
    """Name of a crop in its part."""
    return f"{member:06d}.jpg"


def column_shapes(skeleton: Skeleton, camera_values: int) -> dict[str, tuple[type, tuple[int, ...]]]:
    """Type and shape of a row of every column that all sets have."""
    joints = len(skeleton)
    return {
        **dict.fromkeys(_TEXT, (np.str_, ())),
        "frame": (np.int32, ()),
        "joints_2d": (np.float32, (joints, 2)),
        "visible": (np.uint8, (joints,)),
        "joints_3d": (np.float32, (joints, 3)),
        "has_3d": (np.bool_, (joints,)),
        "root": (np.float32, (3,)),
        "box": (np.float32, (4,)),
        "size": (np.int32, (2,)),
        "affine": (np.float64, (2, 3)),
        "camera_values": (np.float64, (camera_values,)),
        "head_size": (np.float32, ()),
    }


def open_prepared(folder: Path) -> Prepared:
    """Read a finished folder's labels; the crops stay in their files.

    Raises:
        FileNotFoundError: if it is not finished, or a part is missing.
        ValueError: if a file is damaged, or its columns do not fit each other.
    """
    path = folder / INDEX
    if not path.is_file():
        raise FileNotFoundError(f"{folder} has no {INDEX}: run train.prepare to its end, the same command goes on")
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        known = index["format"] == FORMAT and index["joint_set"] in SKELETONS
        found = "" if known else f"it has the format {index['format']!r} and joints {index['joint_set']!r}"
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        found = repr(error)
    if found:
        expected = f"the format {FORMAT!r} and joints of {', '.join(SKELETONS)}"
        raise ValueError(f"{path} cannot be used ({found}, expected {expected}): delete it and run train.prepare again")
    skeleton = SKELETONS[index["joint_set"]]
    files = [folder / ANNOTATIONS, *(part_path(folder, part) for part in range(index["parts"]))]
    if missing := [file for file in files if not file.is_file()]:
        again = f"copy the folder again, or delete {INDEX} and run train.prepare again"
        raise FileNotFoundError(f"{missing[0]} not found, {len(missing)} of {len(files)} files are missing: {again}")
    advice = f"delete it and {INDEX}, run train.prepare again"
    columns = read_arrays(folder / ANNOTATIONS, (), advice)
    wanted = column_shapes(skeleton, index["camera_values"]) | {"part": (np.int32, ()), "member": (np.int32, ())}
    check_columns(folder / ANNOTATIONS, columns, wanted, index["people"], advice, unknown=_UNKNOWN)
    return Prepared(folder, index, skeleton, columns)


def read_prepared(folder: Path) -> Source:
    """A prepared data set as training reads it, in the pixels of its crops.

    All that is not of the split ``train`` is for validation. 3D poses are in the sizes they were measured in, but for
    rendered people, who are brought to the height that the estimator assumes.

    Raises:
        FileNotFoundError: if it is not finished.
        ValueError: if it is damaged.
    """
    prepared = open_prepared(folder)
    columns = prepared.columns
    joints, weight = _joints(prepared)
    pose, pose_weight = _poses(prepared)
    if "stature" in columns:
        pose *= (CONVENTIONAL_HEIGHT_MM / columns["stature"])[:, None, None]
    groups = {name: columns[name] for name in ("subject", "action") if (columns[name] != "").any()}
    corners = np.einsum("nij,nkj->nki", columns["affine"][:, :, :2], columns["box"].reshape(-1, 2, 2))
    return Source(
        name=prepared.index["data_set"],
        read=prepared.read,
        joints=joints,
        weight=weight,
        by_hand=weight > 0,
        box=(corners + columns["affine"][:, None, :, 2]).reshape(-1, 4).astype(np.float32),
        pose=pose,
        pose_weight=pose_weight,
        validation=columns["split"] != TRAIN,
        groups=groups,
    )


def _joints(prepared: Prepared) -> tuple[np.ndarray, np.ndarray]:
    """MPII's joints (N, 16, 2) and their weights (N, 16)."""
    carried = conversion_matrix(prepared.skeleton, MPII_16)
    visible = prepared.columns["visible"]
    trust = np.where(visible == UNKNOWN, 0.0, 1.0)
    trust[visible == HIDDEN] = data_set(prepared.index["data_set"]).hidden_weight
    joints = np.einsum("ts,nsc->ntc", carried, prepared.columns["joints_2d"]).astype(np.float32)
    weight = _carried_weight(carried, trust)
    add_middle_joints(joints, weight)
    return joints, weight


def _poses(prepared: Prepared) -> tuple[np.ndarray, np.ndarray]:
    """Human3.6M's joints (N, 17, 3) and their weights (N, 17)."""
    carried = conversion_matrix(prepared.skeleton, HUMAN36M_17)
    pose = np.einsum("ts,nsc->ntc", carried, prepared.columns["joints_3d"]).astype(np.float32)
    return pose, _carried_weight(carried, prepared.columns["has_3d"].astype(float))


def _carried_weight(carried: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """(N, T) float32: the lowest trust (N, S) of the joints that each target joint is made of, 0 if it has none."""
    used = carried > 0
    lowest = np.where(used[None], trust[:, None, :], np.inf).min(2)
    return np.where(used.any(1), lowest, 0).astype(np.float32)
