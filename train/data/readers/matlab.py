"""Variables of MATLAB files: version 5 by SciPy, version 7.3 (HDF5) by h5py; never Python objects from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from scipy.io import loadmat

from train.data.readers.layout import LayoutError, reading


def read_variable(path: Path, name: str, *, structs: bool = False) -> Any:
    """One variable of a MATLAB file; one of version 7.3 is numeric, its axes in the order of MATLAB.

    Args:
        path: the file.
        name: of the variable.
        structs: squeeze and return structs as objects with attributes.

    Raises:
        LayoutError: if the file is missing or damaged, or has no such variable.
    """
    expected = f"a MATLAB file with the variable {name!r}"
    with reading(path, expected):
        if path.is_file() and h5py.is_hdf5(path):
            with h5py.File(path, "r") as file:
                variables = {key: np.asarray(file[key]).T if key == name else None for key in file}
        else:
            variables = loadmat(path, squeeze_me=structs, struct_as_record=not structs)
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
