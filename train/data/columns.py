"""Labels as arrays of an npz file, a row a person or a photo: all there, of the right type and shape, and numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

Columns = Mapping[str, tuple[type, tuple[int, ...]]]
"""Type and shape of a row of every array; any type of number stands for all."""


def read_arrays(path: Path, names: Collection[str], advice: str) -> dict[str, np.ndarray]:
    """All arrays of a file as they are, never Python objects.

    Args:
        path: of the file.
        names: what has to be among them.
        advice: how a damaged file is mended.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged, or an array is missing.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
    except FileNotFoundError:
        raise
    except Exception as error:
        raise ValueError(f"{path} is damaged or no npz file ({error}): {advice}") from error
    if missing := [name for name in names if name not in arrays]:
        raise ValueError(f"{path} has no array {', '.join(missing)}; it has {', '.join(arrays) or 'none'}")
    return arrays


def check_columns(
    path: Path,
    arrays: Mapping[str, np.ndarray],
    rows: Columns,
    count: int,
    advice: str,
    unknown: Collection[str] = (),
) -> None:
    """Refuse arrays of another type or shape, and NaN and infinity but in those that are ``unknown`` here and there.

    Raises:
        ValueError: names file and array.
    """
    for name, (kind, row) in rows.items():
        array, shape = arrays.get(name), (count, *row)
        if getattr(array, "shape", None) != shape:
            found = "is missing" if array is None else f"has shape {array.shape}"
            raise ValueError(f"{path}: array {name} {found}, expected {shape}: {advice}")
        if array.dtype.kind not in ("U" if kind is np.str_ else "biuf"):
            expected = "text" if kind is np.str_ else "numbers"
            raise ValueError(f"{path}: array {name} holds {array.dtype}, expected {expected}: {advice}")
        if array.dtype.kind == "f" and name not in unknown and not np.isfinite(array).all():
            first = int(np.argwhere(~np.isfinite(array))[0][0])
            raise ValueError(f"{path}: array {name} holds NaN or infinity in row {first}: {advice}")


def check_shares(path: Path, name: str, values: np.ndarray, advice: str) -> None:
    """Refuse scores and the like (N, ...) beyond [0, 1]; ValueError names file and row."""
    if (wrong := ((values < 0) | (values > 1)).any(1)).any():
        row = int(wrong.argmax())
        raise ValueError(f"{path}: array {name} has scores beyond 0 and 1 in row {row}: {advice}")


def check_boxes(path: Path, name: str, boxes: np.ndarray, advice: str) -> None:
    """Refuse boxes (N, 4) that are inside-out or empty; ValueError names file and row."""
    if (wrong := (boxes[:, :2] >= boxes[:, 2:]).any(1)).any():
        row = int(wrong.argmax())
        raise ValueError(f"{path}: array {name} has an empty box in row {row}, {boxes[row].tolist()}: {advice}")
