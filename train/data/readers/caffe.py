"""Caffe's LMDB folders, whose values are messages of the type Datum: pictures or numbers."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from train.data.photos import decode
from train.data.readers.layout import LayoutError, Place, reading

_EXPECTED = "a folder with data.mdb, as Caffe writes it"
_FIELDS = {  # of caffe.proto: number, and protobuf's type
    "channels": (1, 5), "height": (2, 5), "width": (3, 5), "data": (4, 12), "label": (5, 5), "float_data": (6, 2),
    "encoded": (7, 8),
}  # fmt: skip


@lru_cache(maxsize=8)  # LMDB allows one open handle of a folder in a process
def _open(path: Path) -> Any:
    """A read-only environment."""
    if not (path / "data.mdb").is_file():
        raise LayoutError(path, "there is no data.mdb in it", _EXPECTED)
    try:
        import lmdb  # noqa: PLC0415 - one data set alone needs it
    except ImportError as error:
        raise LayoutError(path, "the package lmdb is not installed", "'pip install lmdb'") from error
    with reading(path, _EXPECTED):
        environment = lmdb.open(str(path), readonly=True, lock=False, readahead=False)
    # LMDB maps the file into memory: reading past the end of one that was cut would end the program.
    needed = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    if (held := (path / "data.mdb").stat().st_size) < needed:
        raise LayoutError(path, f"data.mdb has {held} bytes of {needed}", f"{_EXPECTED}: unpack it again")
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


def read_keys(path: Path) -> list[bytes]:
    """All keys, in their order; LayoutError if the folder is missing or damaged."""
    environment = _open(path)
    with reading(path, _EXPECTED), environment.begin() as transaction:
        return list(transaction.cursor().iternext(keys=True, values=False))


def read_datum(path: Path, key: bytes) -> Any:
    """The message of a key, with the fields of caffe.proto; LayoutError if it is none."""
    environment = _open(path)
    with reading(_place(path, key), "a Datum"), environment.begin() as transaction:
        return _datum().FromString(transaction.get(key))


def read_image(path: Path, key: bytes) -> np.ndarray:
    """A picture (H, W, 3) uint8 BGR; LayoutError if the value is no picture."""
    datum = read_datum(path, key)
    if datum.encoded:
        image = decode(datum.data)
    else:
        planes, shape = np.frombuffer(datum.data, np.uint8), (3, datum.height, datum.width)
        fits = datum.channels == 3 and planes.size == np.prod(shape) > 0
        image = np.ascontiguousarray(planes.reshape(shape).transpose(1, 2, 0)) if fits else None
    if image is None:
        found = f"{len(datum.data)} bytes, {datum.channels} x {datum.height} x {datum.width}"
        raise _place(path, key).error(found, "a picture of three channels")
    return image


def _place(path: Path, key: bytes) -> Place:
    return Place(path / key.decode(errors="replace"))
