"""Poses of Human3.6M: CDF files with the one variable ``Pose``."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cdflib
import numpy as np

from train.data.readers.records import LayoutError

# What cdflib raises on files that are cut short or are something else; it has no error of its own.
_DAMAGE = (
    ValueError, TypeError, AttributeError, EOFError, OSError, LookupError, ArithmeticError, struct.error, zlib.error,
    MemoryError,
)  # fmt: skip
_MOST = 1000  # variables, attributes and dimensions of a file


def read_poses(path: Path, dimensions: int, section: str) -> np.ndarray:
    """(N, 32, D) float64 of a file: D is 3 (mm) or 2 (pixels).

    Raises:
        LayoutError: if the file is missing or damaged, has no ``Pose``, or one of another shape.
    """
    expected = f"a CDF file with the variable Pose, 32 joints of {dimensions} numbers a frame"
    if not path.is_file():
        raise LayoutError(path, "there is no such file", expected, section)
    try:
        _check_header(path)
        file = cdflib.CDF(path)
        info = file.cdf_info()
        names = [*info.zVariables, *info.rVariables]
        poses = np.asarray(file.varget("Pose"), float) if "Pose" in names else None
    except _DAMAGE as error:
        raise LayoutError(path, f"cannot be read ({error})", f"{expected}: unpack it again", section) from error
    if poses is None:
        raise LayoutError(path, f"has the variables {', '.join(names) or '(none)'}", expected, section)
    width = 32 * dimensions
    if poses.ndim < 2 or poses.shape[-1] != width or poses.size != poses.shape[-2] * width:
        raise LayoutError(path, f"Pose has shape {poses.shape}", f"(1, N, {width})", section)
    return poses.reshape(-1, 32, dimensions)


def _check_header(path: Path) -> None:
    """ValueError if an uncompressed file of version 3 is shorter than it says, or announces more than any file has.

    cdflib may not notice the one, and counts to any number that the other gives.
    """
    with path.open("rb") as file:
        if file.read(8) != bytes.fromhex("cdf300010000ffff"):
            return
        file.seek(20)  # record size, type, then where the global record lies
        (place,) = struct.unpack(">q", file.read(8))
        file.seek(place + 36)  # size, type and three heads of lists before it
        length, variables, attributes, _, dimensions, others = struct.unpack(">q5i", file.read(28))
    if path.stat().st_size < length:
        raise ValueError(f"{path.stat().st_size} bytes of {length}")
    if max(variables, attributes, dimensions, others) > _MOST:
        raise ValueError(f"it announces {max(variables, attributes, dimensions, others)} variables or the like")
