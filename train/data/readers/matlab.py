"""Variables of MATLAB files: version 5 by SciPy, version 7.3 (HDF5) by h5py; never Python objects from elsewhere."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from train.data.readers.records import LayoutError

_DAMAGE = (
    ValueError, NotImplementedError, TypeError, AttributeError, EOFError, OSError, LookupError, ArithmeticError,
    MemoryError, MatReadError, zlib.error,
)  # fmt: skip


def read_variable(path: Path, name: str, *, structs: bool = False) -> Any:
    """One variable of a MATLAB file.

    Args:
        path: the file.
        name: of the variable.
        structs: squeeze and return structs as objects with attributes.

    Raises:
        LayoutError: if the file is missing or damaged, or has no such variable.
    """
    expected = f"a MATLAB file with the variable {name!r}"
    if not path.is_file():
        raise LayoutError(path, "there is no such file", expected)
    if h5py.is_hdf5(path):
        return _read_hdf5(path, name)
    try:
        variables = loadmat(path, squeeze_me=structs, struct_as_record=not structs)
    except _DAMAGE as error:
        raise LayoutError(path, f"cannot be read ({error})", f"{expected}: unpack it again") from error
    if name not in variables:
        others = ", ".join(key for key in variables if not key.startswith("__"))
        raise LayoutError(path, f"has the variables {others or '(none)'}", expected)
    return variables[name]


def read_numbers(path: Path, name: str) -> np.ndarray:
    """A variable that is an array of numbers, float64; LayoutError as :func:`read_variable`, or if it is none."""
    return as_numbers(read_variable(path, name), path, name)


def as_numbers(values: Any, path: Path, name: str) -> np.ndarray:
    """The same of what was read already, which may be text, cells or structs."""
    found = np.asarray(values)
    if found.dtype.kind not in "biuf":
        raise LayoutError(path, f"{name!r} holds {found.dtype}", "real numbers: unpack it again")
    return found.astype(float)


def _read_hdf5(path: Path, name: str) -> np.ndarray:
    """A numeric variable of version 7.3, its axes in the order of MATLAB."""
    expected = f"a MATLAB 7.3 file with the array {name!r}"
    try:
        with h5py.File(path, "r") as file:
            if name not in file:
                raise LayoutError(path, f"has the variables {', '.join(file)}", expected)
            return np.asarray(file[name]).T
    except (OSError, RuntimeError, ValueError, TypeError, LookupError) as error:
        if isinstance(error, LayoutError):
            raise
        raise LayoutError(path, f"cannot be read ({error})", f"{expected}: unpack it again") from error
