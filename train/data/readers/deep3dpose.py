"""The training data of Chen et al. 2016 (Deep3DPose): Caffe's LMDB folders of pictures and of 15 x 3 numbers.

Order, unit and axes of the 15 joints are published nowhere that we know of. Whoever has the data states them in
``deep3dpose.json``: ``joints``, a name of Human3.6M's 17 or null for each of the 15, and ``millimetres``, what one unit
of x, y and z is worth in camera axes (x right, y down, z away), negative where an axis points the other way.
There are no 2D labels; the box is the whole picture.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np

from fusion_model.skeletons import HUMAN36M_17
from train.data.readers.caffe import read_datum, read_image, read_keys
from train.data.readers.layout import LayoutError, Place, reading, require_any
from train.data.readers.records import UNKNOWN, Frame, Labels, Plan, Record, split_units

_IMAGES, _JOINTS, _ORDER = "image_train.lmdb", "joint3_train.lmdb", "deep3dpose.json"
_COUNT = 15
_EVERY = 20  # every so many pictures one validates
_HIPS = (HUMAN36M_17.index("left_hip"), HUMAN36M_17.index("right_hip"))


def plan_deep3dpose(source: Path) -> Plan:
    """All pictures; those that validate are this project's choice, since the set is for training alone.

    Raises:
        LayoutError: if a folder or the order of the joints is missing, or the folders do not fit each other.
    """
    require_any(source, "*.lmdb", f"the folders {_IMAGES} and {_JOINTS}")
    order, unit = _read_order(source / _ORDER)
    keys = read_keys(source / _IMAGES)
    labels = read_keys(source / _JOINTS)
    if keys != labels:
        found = f"{len(labels)} keys that are not the {len(keys)} of {_IMAGES}"
        raise LayoutError(source / _JOINTS, found, "the same keys in both")
    units = split_units(len(keys), "pictures from", partial(_load, source, keys, order, unit))
    return Plan(HUMAN36M_17, units, found=[f"the order of the joints from {_ORDER}"])


def _read_order(path: Path) -> tuple[list[str | None], np.ndarray]:
    """Names of the 15 joints and what a unit of each axis is worth in mm."""
    expected = f"'joints' ({_COUNT} names of {', '.join(HUMAN36M_17.joints)}, or null) and 'millimetres' (3 numbers)"
    if not path.is_file():
        raise LayoutError(path, "there is no such file, and the order of the joints is not published", expected)
    with reading(path, expected):
        stated = json.loads(path.read_text(encoding="utf-8"))
        order, unit = list(stated["joints"]), np.array(stated["millimetres"], float).reshape(3)
        named = [HUMAN36M_17.index(name) for name in order if name is not None]
    if len(order) != _COUNT or len(set(named)) < len(named) or not (np.isfinite(unit) & (unit != 0)).all():
        found = f"{len(order)} joints, {len(set(named))} different names, millimetres {unit.tolist()}"
        raise LayoutError(path, found, expected)
    if not set(_HIPS) <= set(named):
        raise LayoutError(path, "no left_hip and right_hip", "both, since poses are relative to their middle")
    return order, unit


def _load(source: Path, keys: list[bytes], order: list[str | None], unit: np.ndarray, rows: range) -> Labels:
    """The pictures of some of the keys."""
    records = []
    for number in rows:
        key = keys[number]
        height, width = read_image(source / _IMAGES, key).shape[:2]
        records.append(
            Record(
                Frame(source / _IMAGES, member=key.decode("latin-1")),  # which any key goes through and back
                "train" if (number + 1) % _EVERY else "validation",
                np.zeros((len(HUMAN36M_17), 2)),
                np.full(len(HUMAN36M_17), UNKNOWN),
                _pose(source / _JOINTS, key, order, unit),
                box=np.array([0, 0, width, height]) - 0.5,
                number=number,
            )
        )
    return Labels(records)


def _pose(path: Path, key: bytes, order: list[str | None], unit: np.ndarray) -> np.ndarray:
    """(17, 3) mm, NaN for joints that are not named; a pelvis that is not named is the middle of the hips."""
    datum = read_datum(path, key)
    numbers = np.array(datum.float_data) if datum.float_data else np.frombuffer(datum.data, "<f4").astype(float)
    if numbers.size != 3 * _COUNT or not np.isfinite(numbers).all():
        place = Place(path / key.decode(errors="replace"))
        raise place.error(f"{numbers.size} numbers, or NaN among them", f"{3 * _COUNT}, x y z of {_COUNT} joints")
    pose = np.full((len(HUMAN36M_17), 3), np.nan)
    for name, point in zip(order, numbers.reshape(_COUNT, 3) * unit, strict=True):
        if name is not None:
            pose[HUMAN36M_17.index(name)] = point
    if "pelvis" not in order:
        pose[HUMAN36M_17.root] = pose[list(_HIPS)].mean(0)
    return pose
