"""Files and labels as a data set distributes them, and the one sentence that says what is not so.

The tolerances let pass what the sets as distributed hold: LSP-extended has a joint at 1.6 times the width of its photo,
rendered people are cut at the chest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fusion_model.skeletons import Skeleton
from train.data.readers.records import UNKNOWN, Record

_ROUNDING = 1.0  # pixels that a box may reach beyond its photo; it is cut there
# How far beyond the picture a joint may lie, over the picture's longer side. Joints by hand were seen in the picture;
# those measured in 3D may lie anywhere round it.
_ASIDE, _FAR, _FAR_IN_3D = 0.25, 1.0, 20.0
_FARTHEST = 1e6  # mm from the camera
_MOST_OUTSIDE = 0.5  # fraction of joints by hand that may lie outside
_MISPLACED = "a joint that lies far outside its photo (the person is kept)"


class LayoutError(ValueError):
    """Files that are not as distributed.

    Args:
        where: a file, or a text that names an entry in one.
        found: what is there.
        expected: what was to be there.
    """

    def __init__(self, where: Path | str, found: str, expected: str = "") -> None:
        place = f"{where}:" if isinstance(where, Path) else where
        super().__init__(f"{place} {found}" + (f"; expected {expected}" if expected else ""))

    def see(self, section: str) -> ValueError:
        """The same with the section of docs/data.md that tells how the files have to lie."""
        return ValueError(f"{self} (see {section} in docs/data.md)")


@contextmanager
def reading(where: Path | str, expected: str, advice: str = "unpack it again") -> Iterator[None]:
    """Whatever goes wrong while a file or an entry of it is read becomes a :class:`LayoutError` that names it."""
    try:
        yield
    except LayoutError:
        raise
    except Exception as error:
        kind = "" if type(error) is ValueError else f"{type(error).__name__}: "
        words = " ".join(f"{kind}{error}".split())
        raise LayoutError(where, f"cannot be read ({words})", f"{expected}: {advice}") from error


def require_any(source: Path, pattern: str, expected: str) -> list[Path]:
    """Files of a pattern, sorted; LayoutError that says what lies there instead if the folder holds none."""
    if not source.is_dir():
        found = "is a file" if source.exists() else "there is no such folder"
        raise LayoutError(source, found, "the folder that the archives were unpacked into")
    if paths := sorted(source.glob(pattern)):
        return paths
    there = sorted(path.name for path in source.iterdir())
    listed = ", ".join(there[:4]) + (f" and {len(there) - 4} more" if len(there) > 4 else "")
    raise LayoutError(source, f"there is no {pattern}, only {listed or 'an empty folder'}", f"{expected}, unpacked")


def require_cameras(cameras: Sequence[str], known: Sequence[str]) -> None:
    """ValueError if a camera is none of a data set's."""
    if unknown := [camera for camera in cameras if camera not in known]:
        raise ValueError(f"--cameras {unknown[0]} is none of the set's: it has {', '.join(known)}")


def read_variable(path: Path, name: str, *, structs: bool = False) -> Any:
    """One variable of a MATLAB file; one of version 7.3 (HDF5) is numeric, its axes in the order of MATLAB.

    Args:
        path: the file.
        name: of the variable.
        structs: squeeze and return structs as objects with attributes.

    Raises:
        LayoutError: if the file is missing or damaged, or has no such variable.
    """
    import h5py  # noqa: PLC0415 - a machine that trains from a pack does without
    from scipy.io import loadmat  # noqa: PLC0415

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


def member_path(folder: Path, name: Any, where: Path | str) -> Path:
    """Path of a file that labels name, in a folder; LayoutError if it is no name, or leads out of the folder."""
    if not isinstance(name, str) or not name or Path(name).is_absolute() or ".." in Path(name).parts:
        raise LayoutError(where, f"names the file {name!r}", f"a photo within {folder}")
    return folder / name


def box_inside(box: np.ndarray, size: tuple[int, int], where: str) -> np.ndarray:
    """(4,) a box x0, y0, x1, y1 of the labels, cut where it reaches less than a pixel beyond its photo of this size.

    Raises:
        LayoutError: if the box is no number, inside-out or empty, or reaches further.
    """
    x0, y0, x1, y1 = inside = np.clip(box, -0.5, (size[0] - 0.5, size[1] - 0.5) * 2)
    if np.abs(inside - box).max() <= _ROUNDING and x0 < x1 and y0 < y1:
        return inside
    found = f"has the box {_numbers(box)}, inside-out, empty or beyond the photo of {size[0]} x {size[1]} pixels"
    raise LayoutError(where, found, "boxes within the photo: unpack it again")


def check_person(record: Record, skeleton: Skeleton, size: tuple[int, int], skipped: Counter[str]) -> Record:
    """A person as the labels say, but for joints by hand that lie far outside the picture: these become unknown.

    Args:
        record: the person.
        skeleton: names the joints.
        size: width and height of the picture.
        skipped: counts such joints.

    Raises:
        LayoutError: if a joint is no number, or lies where this picture cannot have it.
    """
    where = record.place or f"{record.frame.path}: person {record.number}"
    picture = f"the picture {record.frame.path.name} of {size[0]} x {size[1]} pixels"
    if record.joints_3d is not None and (np.abs(record.joints_3d) > _FARTHEST).any():  # NaN means unknown
        far = f"places up to {_FARTHEST:,.0f} mm away"
        raise LayoutError(where, "has a joint in 3D that is absurdly far away", far)
    known = np.flatnonzero(record.visible != UNKNOWN)
    points, by_hand = record.joints_2d[known], record.joints_3d is None
    beyond = np.maximum(-0.5 - points, points - (size[0] - 0.5, size[1] - 0.5)).max(1, initial=-np.inf) / max(size)
    beyond = np.where(np.isnan(beyond), np.inf, beyond)
    outside = int((beyond > 0).sum())
    if by_hand and outside > _MOST_OUTSIDE * len(points):
        found = f"has {outside} of {len(points)} joints outside {picture}"
        raise LayoutError(where, found, "labels of this photo, in its pixels")
    if beyond.max(initial=0) > (_FAR if by_hand else _FAR_IN_3D):
        joint = known[beyond.argmax()]
        found = f"has the {skeleton.joints[joint]} at {_numbers(record.joints_2d[joint])}"
        raise LayoutError(where, found, f"a place in or near {picture}")
    aside = known[beyond > _ASIDE]
    if not by_hand or not len(aside):
        return record
    visible = record.visible.copy()
    visible[aside] = UNKNOWN
    skipped[_MISPLACED] += len(aside)
    return replace(record, visible=visible)


def _numbers(values: np.ndarray) -> str:
    return f"({', '.join(f'{number:g}' for number in values)})"
