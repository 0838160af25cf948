"""Variables of MATLAB files: version 5 by SciPy, version 7.3 (HDF5) by h5py; never Python objects from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from scipy.io import loadmat

from train.data.readers.layout import reading


def read_variable(path: Path, name: str, *, structs: bool = False) -> Any:
    """One variable of a MATLAB file; one of version 7.3 is numeric, its axes in the order of MATLAB.

    Args:
        path: the file.
        name: of the variable.
        structs: squeeze and return structs as objects with attributes.

    Raises:
        LayoutError: if the file is missing or damaged, or has no such variable.
    """
    with reading(path, f"a MATLAB file with the variable {name!r}"):
        if path.is_file() and h5py.is_hdf5(path):
            with h5py.File(path, "r") as file:
                return np.asarray(file[name]).T
        return loadmat(path, squeeze_me=structs, struct_as_record=not structs)[name]


def read_numbers(path: Path, name: str) -> np.ndarray:
    """A variable that is an array of numbers, float64; LayoutError as :func:`read_variable`, or if it is none."""
    values = read_variable(path, name)
    with reading(path, f"real numbers in the variable {name!r}"):
        return np.asarray(values).astype(float)
