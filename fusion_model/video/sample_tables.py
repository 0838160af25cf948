"""What the tables of an MP4 or MOV announce, before a decoder believes them.

FFmpeg reserves memory for every sample that a table announces: a file of a few kilobytes can ask for gigabytes.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_PARENTS = {*(b"moov trak mdia minf stbl moof traf mvex udta edts dinf tref wide".split())}
_COUNTS = {b"stsz": 8, b"stz2": 8, b"trun": 4}  # bytes from a box's head to the number of its samples
_UNKNOWN = 2**32  # of a compressed table
_DEPTH = 10  # FFmpeg's


def announced_samples(path: Path) -> int:
    """The largest number of samples (frames of pictures or of sound) that one table announces."""
    with path.open("rb") as file:
        return max(_counts(file, 0, os.fstat(file.fileno()).st_size, _DEPTH), default=0)


def _counts(file: BinaryIO, start: int, end: int, depth: int) -> Iterator[int]:
    """The numbers in the boxes of a stretch of the file."""
    while depth and end - start >= 8:
        file.seek(start)
        head = file.read(32).ljust(32, b"\0")
        size, kind = struct.unpack_from(">I4s", head)
        inside = start + 8
        if size == 1:
            (size,), inside = struct.unpack_from(">Q", head, 8), start + 16
        stop = min(end, max(start + size, inside)) if size else end
        if kind in _PARENTS:
            yield from _counts(file, inside, stop, depth - 1)
        elif kind in _COUNTS:
            yield struct.unpack_from(">I", head, inside - start + _COUNTS[kind])[0]
        elif kind == b"cmov":
            yield _UNKNOWN
        start = stop
