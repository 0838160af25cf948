"""Photos and arrays in zip and npz files, which may come from anywhere.

Nothing is ever unpacked to a disk. Archives with names or sizes that no data set has are refused all the same: other
tools that read the same file would be harmed, and a few kilobytes could fill the memory.
"""

from __future__ import annotations

import io
import lzma
import stat
import threading
import zipfile
import zlib
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
from numpy.lib import format as npy

_MAX_PHOTO = 1 << 28  # bytes of an encoded photo
_LARGE = 1 << 30  # bytes from which it matters how well something is compressed
_MAX_RATIO = 200  # of what is large: labels repeat themselves, but not that much
_DAMAGE = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, EOFError, KeyError, NotImplementedError,
    RuntimeError, MemoryError, SyntaxError, TypeError, OverflowError, UnicodeError,
)  # fmt: skip


class MissingArrayError(ValueError):
    """An npz file lacks an array; says which, and what it has."""


class ZipReader:
    """Reads members of zip files from several threads, each of which keeps the file open that it read last.

    Args:
        what: a member is, for the message.
        advice: how a damaged file is mended.
    """

    def __init__(self, what: str, advice: str) -> None:
        self._what, self._advice, self._local = what, advice, threading.local()

    def __call__(self, path: Path, member: str) -> bytes:
        """The bytes of a member; ValueError if the file is damaged, hostile or missing, or lacks it."""
        try:
            if getattr(self._local, "path", None) != path:
                self._local.file, self._local.path = open_zip(path), path
            return read_member(self._local.file, member)
        except (OSError, ValueError) as error:
            raise ValueError(f"{path}: {self._what} {member} cannot be read ({error}): {self._advice}") from error


def archive_beside(labels: Path, what: str) -> Path:
    """The zip of a pack that is named by its npz file; FileNotFoundError if one of them is missing."""
    archive = labels.with_suffix(".zip")
    for path in (labels, archive):
        if not path.is_file():
            expected = f"a pack of {what} is an npz file with a zip of the same name beside it"
            raise FileNotFoundError(f"{path} not found: {expected}")
    return archive


def open_zip(file: Path | io.BytesIO) -> zipfile.ZipFile:
    """Open a zip file and check the names, kinds and sizes that it announces; reading gives no more than these.

    Raises:
        OSError: if there is no such file.
        ValueError: if it is damaged, or a member is a link, lies outside, is there twice or is far too large; names
            the member, not the file.
    """
    with _in_words():
        archive = zipfile.ZipFile(file)
    try:
        _check_members(archive)
    except ValueError:
        archive.close()
        raise
    return archive


def read_member(archive: zipfile.ZipFile, member: str, most: int = _MAX_PHOTO) -> bytes:
    """The bytes of a member of at most so many.

    Raises:
        ValueError: if it is damaged, missing or larger; without the file's name.
    """
    with _in_words():
        size = archive.getinfo(member).file_size
        if size > most:
            raise ValueError(f"{member!r} announces {_mb(size)}, at most {_mb(most)} are read")
        return archive.read(member)


def read_arrays(file: Path | io.BytesIO, names: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """Arrays of an npz file by name.

    Args:
        file: the file, or its content.
        names: which to read; None for all.

    Raises:
        OSError: if there is no such file.
        MissingArrayError: if it lacks an array; without the file's name, as all of these.
        ValueError: if it is damaged or hostile, or an array holds Python objects.
    """
    with open_zip(file) as archive, _in_words():
        held = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
        wanted = held if names is None else list(names)
        if missing := [name for name in wanted if name not in held]:
            raise MissingArrayError(f"has no array {', '.join(missing)}; it has {', '.join(held) or 'none'}")
        return {name: _read_array(archive, name) for name in wanted}


def _read_array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """An array, whose announced shape is compared with its bytes before memory is taken for it."""
    member = archive.getinfo(f"{name}.npy")
    try:
        with archive.open(member) as content:
            version = npy.read_magic(content)
            read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, _, kind = read_header(content)
            left = member.file_size - content.tell()
    except (ValueError, *_DAMAGE) as error:
        raise ValueError(f"array {name} has no header that can be read: {error}") from error
    if kind.hasobject:
        raise ValueError(f"array {name} holds Python objects (allow_pickle=False): store numbers or text")
    if prod(shape) * kind.itemsize != left:
        raise ValueError(f"array {name} announces the shape {shape} of {kind}, but has {left} bytes")
    with archive.open(member) as content:
        return npy.read_array(content, allow_pickle=False)


def _check_members(archive: zipfile.ZipFile) -> None:
    """Refuse what no data set has."""
    members = archive.infolist()
    for member in members:
        name = member.filename
        if PurePosixPath(name).is_absolute() or PureWindowsPath(name).anchor or ".." in PureWindowsPath(name).parts:
            raise ValueError(f"member {name!r} lies outside the archive")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise ValueError(f"member {name!r} is a link")
        if member.file_size > max(_LARGE, _MAX_RATIO * member.compress_size):
            raise ValueError(f"member {name!r} announces {_mb(member.file_size)} in {_mb(member.compress_size)}")
    name, times = Counter(archive.namelist()).most_common(1)[0] if members else ("", 1)
    if times > 1:
        raise ValueError(f"member {name!r} is there {times} times")
    archive.fp.seek(0, io.SEEK_END)
    held, total = archive.fp.tell(), sum(member.file_size for member in members)
    if total > max(_LARGE, _MAX_RATIO * held):
        largest = max(members, key=lambda member: member.file_size).filename
        raise ValueError(f"its members announce {_mb(total)} in {_mb(held)}, {largest!r} the most")


@contextmanager
def _in_words() -> Iterator[None]:
    """What reading a damaged archive raises becomes a ValueError."""
    try:
        yield
    except _DAMAGE as error:
        raise ValueError(str(error) or type(error).__name__) from error


def _mb(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
