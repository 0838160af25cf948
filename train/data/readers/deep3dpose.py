"""The training data of Chen et al. 2016 (Deep3DPose): Caffe's LMDB folders of pictures and of 15 x 3 numbers.

Order, unit and axes of the 15 joints are published nowhere that we know of. Whoever has the data states them in
``deep3dpose.json``: ``joints``, a name of Human3.6M's 17 or null for each of the 15, and ``millimetres``, what one unit
of x, y and z is worth in camera axes (x right, y down, z away), negative where an axis points the other way.
There are no 2D labels; the box is the whole picture.
"""

from __future__ import annotations

import json
from collections import Counter
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from fusion_model.skeletons import HUMAN36M_17
from train.data.photos import decode
from train.data.readers.layout import LayoutError, reading, require_any
from train.data.readers.records import UNKNOWN, Frame, Plan, Record, in_units

_IMAGES, _JOINTS, _ORDER = "image_train.lmdb", "joint3_train.lmdb", "deep3dpose.json"
_COUNT = 15
_EVERY = 20  # every so many pictures one validates
_HIPS = (HUMAN36M_17.index("left_hip"), HUMAN36M_17.index("right_hip"))
_FIELDS = {  # of caffe.proto's Datum: number, and protobuf's type
    "channels": (1, 5), "height": (2, 5), "width": (3, 5), "data": (4, 12), "label": (5, 5), "float_data": (6, 2),
    "encoded": (7, 8),
}  # fmt: skip


def plan_deep3dpose(source: Path) -> Plan:
    """All pictures; those that validate are this project's choice, since the set is for training alone."""
    require_any(source, "*.lmdb", f"the folders {_IMAGES} and {_JOINTS}")
    order, unit = _read_order(source / _ORDER)
    keys, labels = _read_keys(source / _IMAGES), _read_keys(source / _JOINTS)
    if keys != labels:
        found = f"{len(labels)} keys that are not the {len(keys)} of {_IMAGES}"
        raise LayoutError(source / _JOINTS, found, "the same keys in both")
    units = in_units(list(enumerate(keys)), "pictures from", partial(_load, source, order, unit))
    return Plan(HUMAN36M_17, units, found=[f"the order of the joints from {_ORDER}"])


def _read_order(path: Path) -> tuple[list[str | None], np.ndarray]:
    """Names of the 15 joints and what a unit of each axis is worth in mm."""
    names = f"{_COUNT} names, left_hip and right_hip among them, of {', '.join(HUMAN36M_17.joints)}, or null"
    with reading(path, f"the order of the joints, which is not published: 'joints' ({names}) and 'millimetres' (3)"):
        stated = json.loads(path.read_text(encoding="utf-8"))
        order, unit = list(stated["joints"]), np.array(stated["millimetres"], float).reshape(3)
        named = {HUMAN36M_17.index(name) for name in order if name is not None}
        different = len(named) == _COUNT - order.count(None) and named.issuperset(_HIPS)
        if len(order) != _COUNT or not different or not (np.isfinite(unit) & (unit != 0)).all():
            raise ValueError(f"{len(order)} joints, {len(named)} different names, millimetres {unit.tolist()}")
    return order, unit


def _load(
    source: Path, order: list[str | None], unit: np.ndarray, keys: list[tuple[int, bytes]], _: Counter[str]
) -> list[Record]:
    """The pictures of some of the numbered keys."""
    records = []
    for number, key in keys:
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
    return records


def _pose(path: Path, key: bytes, order: list[str | None], unit: np.ndarray) -> np.ndarray:
    """(17, 3) mm, NaN for joints that are not named; a pelvis that is not named is the middle of the hips."""
    datum = _read_datum(path, key)
    numbers = np.array(datum.float_data) if datum.float_data else np.frombuffer(datum.data, "<f4").astype(float)
    if numbers.size != 3 * _COUNT or not np.isfinite(numbers).all():
        expected = f"{3 * _COUNT}, x y z of {_COUNT} joints"
        raise LayoutError(path / key.decode("latin-1"), f"{numbers.size} numbers, or NaN among them", expected)
    pose = np.full((len(HUMAN36M_17), 3), np.nan)
    for name, point in zip(order, numbers.reshape(_COUNT, 3) * unit, strict=True):
        if name is not None:
            pose[HUMAN36M_17.index(name)] = point
    if "pelvis" not in order:
        pose[HUMAN36M_17.root] = pose[list(_HIPS)].mean(0)
    return pose


@lru_cache(maxsize=8)  # LMDB allows one open handle of a folder in a process
def _open(path: Path) -> Any:
    """A read-only environment."""
    with reading(path, "a folder with data.mdb, as Caffe writes it, and the package lmdb ('pip install lmdb')"):
        import lmdb  # noqa: PLC0415 - one data set alone needs it

        environment = lmdb.open(str(path), create=False, readonly=True, lock=False, readahead=False)
        # LMDB maps the file into memory: reading past the end of one that was cut would end the program.
        needed = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
        if (held := (path / "data.mdb").stat().st_size) < needed:
            raise ValueError(f"data.mdb has {held} bytes of {needed}")
        return environment


@lru_cache
def _datum() -> type:
    """The class of the messages."""
    # protobuf comes with TensorBoard, and a machine that trains from a pack does without.
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # noqa: PLC0415

    file = descriptor_pb2.FileDescriptorProto(name="datum.proto", package="caffe")
    message = file.message_type.add(name="Datum")
    for name, (number, kind) in _FIELDS.items():
        message.field.add(name=name, number=number, type=kind, label=3 if name == "float_data" else 1)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("caffe.Datum"))


def _read_keys(path: Path) -> list[bytes]:
    """All keys of a folder, in their order."""
    with reading(path, "a folder of Caffe's LMDB"), _open(path).begin() as transaction:
        return list(transaction.cursor().iternext(keys=True, values=False))


def _read_datum(path: Path, key: bytes) -> Any:
    """The message of a key, with the fields of caffe.proto."""
    with reading(path / key.decode("latin-1"), "a Datum"), _open(path).begin() as transaction:
        return _datum().FromString(transaction.get(key))


def read_image(path: Path, key: bytes) -> np.ndarray:
    """A picture (H, W, 3) uint8 BGR of an LMDB folder; LayoutError if the value is no picture."""
    datum = _read_datum(path, key)
    if datum.encoded:
        image = decode(datum.data)
    else:
        planes, shape = np.frombuffer(datum.data, np.uint8), (3, datum.height, datum.width)
        fits = datum.channels == 3 and planes.size == np.prod(shape) > 0
        image = np.ascontiguousarray(planes.reshape(shape).transpose(1, 2, 0)) if fits else None
    if image is None:
        found = f"{len(datum.data)} bytes, {datum.channels} x {datum.height} x {datum.width}"
        raise LayoutError(path / key.decode("latin-1"), found, "a picture of three channels")
    return image
