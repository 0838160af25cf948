"""The prepared format: person crops and their labels, the same for every data set.

A folder with ``part-00000.zip`` and so on (JPEG crops and ``labels.npz``), ``people.npz`` with the labels of all
parts, and ``prepared.json``, which is written last: a folder without it is not finished, and is never read. The columns
are described in docs/data.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fusion_model.estimator import CONVENTIONAL_HEIGHT_MM
from fusion_model.skeletons import HUMAN36M_17, MPII_16, SKELETONS, Skeleton, conversion_matrix
from train.data.columns import check_columns, read_arrays
from train.data.photos import ZipReader
from train.data.readers.layout import reading
from train.data.readers.records import HIDDEN, UNKNOWN
from train.data.readers.registry import data_set
from train.data.source import Source, add_middle_joints

INDEX = "prepared.json"
ANNOTATIONS = "people.npz"
SETTINGS = "prepare-settings.json"
FORMAT = "fusion-pose-prepared/1"
_UNKNOWN = ("root", "head_size")  # columns that are NaN where the set does not say
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


def part_path(folder: Path, part: int) -> Path:
    """File of one part."""
    return folder / f"part-{part:05d}.zip"


def member_name(member: int) -> str:
    """Name of a crop in its part."""
    return f"{member:06d}.jpg"


def column_shapes(skeleton: Skeleton) -> dict[str, tuple[type, tuple[int, ...]]]:
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
        "head_size": (np.float32, ()),
    }


def open_prepared(folder: Path) -> Prepared:
    """Read a finished folder's labels; the crops stay in their files.

    Raises:
        FileNotFoundError: if it is not finished.
        ValueError: if a file is damaged, or its columns do not fit each other.
    """
    path, again = folder / INDEX, f"delete it and {INDEX}, and run train.prepare again"
    if not path.is_file():
        raise FileNotFoundError(f"{folder} has no {INDEX}: run train.prepare to its end, the same command goes on")
    with reading(path, f"the format {FORMAT!r}", again):
        index = json.loads(path.read_text(encoding="utf-8"))
        if index["format"] != FORMAT:
            raise ValueError(f"its format is {index['format']!r}")
        skeleton = SKELETONS[index["joint_set"]]
    columns = read_arrays(folder / ANNOTATIONS, (), again)
    wanted = column_shapes(skeleton) | {"part": (np.int32, ()), "member": (np.int32, ())}
    check_columns(folder / ANNOTATIONS, columns, wanted, index["people"], again, unknown=_UNKNOWN)
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
    columns, reader = prepared.columns, ZipReader("crop", f"delete it and {INDEX}, and run train.prepare again")
    parts, members = columns["part"].tolist(), columns["member"].tolist()
    trust = np.where(columns["visible"] == UNKNOWN, 0.0, 1.0)
    trust[columns["visible"] == HIDDEN] = data_set(prepared.index["data_set"]).hidden_weight
    joints, weight = carry_joints(prepared.skeleton, MPII_16, columns["joints_2d"], trust)
    add_middle_joints(joints, weight)
    pose, pose_weight = carry_joints(prepared.skeleton, HUMAN36M_17, columns["joints_3d"], columns["has_3d"])
    if "stature" in columns:
        pose *= (CONVENTIONAL_HEIGHT_MM / columns["stature"])[:, None, None]
    corners = np.einsum("nij,nkj->nki", columns["affine"][:, :, :2], columns["box"].reshape(-1, 2, 2))
    return Source(
        name=prepared.index["data_set"],
        read=lambda row: reader(part_path(folder, parts[row]), member_name(members[row])),
        joints=joints,
        weight=weight,
        by_hand=weight > 0,
        box=(corners + columns["affine"][:, None, :, 2]).reshape(-1, 4).astype(np.float32),
        pose=pose,
        pose_weight=pose_weight,
        validation=columns["split"] != "train",
        groups={name: columns[name] for name in ("subject", "action") if (columns[name] != "").any()},
    )


def carry_joints(
    skeleton: Skeleton, target: Skeleton, values: np.ndarray, trust: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Joints of another skeleton, as far as they can be had.

    Args:
        skeleton: S joints that are known.
        target: T joints that are wanted.
        values: (N, S, C) places.
        trust: (N, S) in each, 0 where it is unknown.

    Returns:
        Places (N, T, C) float32, and (N, T) float32 the lowest trust in what each is made of, 0 if that is nothing.
    """
    carried = conversion_matrix(skeleton, target)
    used = carried > 0
    lowest = np.where(used, trust[:, None], np.inf).min(2)
    places = np.einsum("ts,nsc->ntc", carried, values)
    return places.astype(np.float32), np.where(used.any(1), lowest, 0).astype(np.float32)
