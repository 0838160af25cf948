"""Caffe's LMDB folders, whose values are messages of the type Datum: pictures or numbers.

Fields of Datum: 1 channels, 2 height, 3 width, 4 data (bytes), 5 label, 6 numbers (float), 7 encoded.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from train.data.photos import decode
from train.data.readers.records import LayoutError

_EXPECTED = "a folder with data.mdb, as Caffe writes it"

_TYPES = {0: (0, 1, 2, 5), 1: (0,), 2: (0,), 3: (0,), 4: (2,), 6: (2, 5), 7: (0,)}  # of the fields; 0: of others
T = TypeVar("T")


@dataclass
class Datum:
    """One message; lengths are 0 and ``data`` empty where a field is missing."""

    channels: int = 0
    height: int = 0
    width: int = 0
    data: bytes = b""
    numbers: tuple[float, ...] = ()
    encoded: bool = False


@lru_cache(maxsize=8)  # LMDB allows one open handle of a folder in a process
def _open(path: Path) -> Any:
    """A read-only environment."""
    if not (path / "data.mdb").is_file():
        raise LayoutError(path, "there is no data.mdb in it", _EXPECTED)
    try:
        import lmdb  # noqa: PLC0415 - one data set alone needs it
    except ImportError as error:
        raise LayoutError(path, "the package lmdb is not installed", "'pip install lmdb'") from error
    try:
        environment = lmdb.open(str(path), readonly=True, lock=False, readahead=False)
    except lmdb.Error as error:
        raise LayoutError(path, f"cannot be read ({error})", f"{_EXPECTED}: unpack it again") from error
    # LMDB maps the file into memory: reading past the end of one that was cut would end the program.
    needed = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    if (held := (path / "data.mdb").stat().st_size) < needed:
        raise LayoutError(path, f"data.mdb has {held} bytes of {needed}", f"{_EXPECTED}: unpack it again")
    return environment


def _within(path: Path, read: Callable[[Any], T]) -> T:
    """What ``read`` gives for a transaction."""
    environment = _open(path)
    import lmdb  # noqa: PLC0415 - as above

    try:
        with environment.begin() as transaction:
            return read(transaction)
    except lmdb.Error as error:
        raise LayoutError(path, f"cannot be read ({error})", f"{_EXPECTED}: unpack it again") from error


def read_keys(path: Path) -> list[bytes]:
    """All keys, in their order.

    Raises:
        LayoutError: if the folder is missing or damaged.
    """
    return _within(path, lambda found: list(found.cursor().iternext(keys=True, values=False)))


def read_datum(path: Path, key: bytes) -> Datum:
    """One value.

    Raises:
        LayoutError: if it is missing or no Datum.
    """
    value = _within(path, lambda found: found.get(key))
    where = path / key.decode(errors="replace")
    if value is None:
        raise LayoutError(where, "there is no such key", "the keys of the other folder")
    datum = Datum()
    names = {1: "channels", 2: "height", 3: "width", 4: "data"}
    numbers: list[float] = []
    try:
        for field, content in _fields(value):
            if field == 6:
                numbers.extend(struct.unpack(f"<{len(content) // 4}f", content))
            elif field == 7:
                datum.encoded = bool(content)
            elif field in names:
                setattr(datum, names[field], content)
    except (IndexError, struct.error, ValueError) as error:
        raise LayoutError(where, f"{len(value)} bytes that are no Datum ({error})", _EXPECTED) from error
    datum.numbers = tuple(numbers)
    return datum


def read_image(path: Path, key: bytes) -> np.ndarray:
    """A picture (H, W, 3) uint8 BGR.

    Raises:
        LayoutError: if the value is no picture.
    """
    datum = read_datum(path, key)
    if datum.encoded:
        if (image := decode(datum.data)) is not None:
            return image
    elif datum.channels == 3 and len(datum.data) == 3 * datum.height * datum.width > 0:
        planes = np.frombuffer(datum.data, np.uint8).reshape(3, datum.height, datum.width)
        return np.ascontiguousarray(planes.transpose(1, 2, 0))
    found = f"{len(datum.data)} bytes, {datum.channels} x {datum.height} x {datum.width}"
    raise LayoutError(path / key.decode(errors="replace"), found, "a picture of three channels")


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """(number, content) of each field: a whole number, or bytes."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        number, kind = tag >> 3, tag & 7
        if kind not in _TYPES.get(number, _TYPES[0]):
            raise ValueError(f"field {number} has the type {kind}")
        if kind == 0:
            content, place = _varint(message, place)
        else:
            if kind == 2:
                length, place = _varint(message, place)
            else:
                length = 8 if kind == 1 else 4
            content, place = message[place : place + length], place + length
            if place > len(message):
                raise ValueError("it is cut short")
        yield number, content


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """A whole number of seven bits a byte, and where it ends."""
    value = shift = 0
    while True:
        byte = message[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
