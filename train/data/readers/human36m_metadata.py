"""Human3.6M's ``metadata.xml``: cameras, and how many poses each sequence has."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from train.data.readers.records import LayoutError

_SUBJECTS, _CAMERAS = 11, 4
_EXTRINSIC, _INTRINSIC = 6, 9
_SEQUENCES = 32
_MOCAP_PER_POSE = 4  # 200 Hz over 50 Hz


@dataclass(frozen=True)
class Metadata:
    """What the reader needs of the file.

    Attributes:
        cameras: (11, 4, 15) ``camera_values`` of the model ``human36m`` by subject and camera, both from 0.
        poses: frames that have poses, by subject (``S1``) and file stem (``Directions 1``).
    """

    cameras: np.ndarray
    poses: dict[tuple[str, str], int]


def read_metadata(path: Path, section: str) -> Metadata:
    """Read the file.

    Raises:
        LayoutError: if it is damaged or another file.
    """
    expected = "the metadata.xml of Human3.6M's code (Release-v1.2), with w0, mapping and frames"
    try:
        root = ET.parse(path).getroot()  # noqa: S314 - the user's own file, of a data set that was asked for
        weights = _numbers(root.find("w0"))
        rows = [[cell.text or "" for cell in row] for row in root.find("mapping")]
        counts = [[_numbers(cell) for cell in row] for row in root.find("frames")]
    except (ET.ParseError, OSError, TypeError, ValueError, LookupError) as error:
        raise LayoutError(path, f"cannot be read ({error})", expected, section) from error
    wanted = _SUBJECTS * _CAMERAS * _EXTRINSIC + _CAMERAS * _INTRINSIC
    if len(weights) != wanted or len(rows) <= _SEQUENCES or len(counts) < _SUBJECTS:
        found = f"{len(weights)} numbers in w0, {len(rows)} rows of mapping, {len(counts)} of frames"
        raise LayoutError(path, found, f"{wanted}, {_SEQUENCES + 1} and {_SUBJECTS}", section)
    extrinsic = weights[: -_CAMERAS * _INTRINSIC].reshape(_CAMERAS, _SUBJECTS, _EXTRINSIC).transpose(1, 0, 2)
    intrinsic = weights[-_CAMERAS * _INTRINSIC :].reshape(1, _CAMERAS, _INTRINSIC).repeat(_SUBJECTS, 0)
    return Metadata(np.concatenate((extrinsic, intrinsic), 2), _poses(rows, counts))


def _poses(rows: list[list[str]], counts: list[list[np.ndarray]]) -> dict[tuple[str, str], int]:
    """Poses of each sequence: its mocap samples over four."""
    poses = {}
    for place, row in enumerate(rows[1 : _SEQUENCES + 1]):
        for number, stem in enumerate(row[2 : 2 + _SUBJECTS]):
            cells = counts[number]
            if stem and place + 1 < len(cells) and len(cells[place + 1]) > _CAMERAS:
                poses[f"S{number + 1}", stem] = int(cells[place + 1][-1]) // _MOCAP_PER_POSE
    return poses


def _numbers(element: ET.Element | None) -> np.ndarray:
    """The numbers of an element's text; TypeError if there is no element."""
    if element is None:
        raise TypeError("an element is missing")
    found = np.array([float(word) for word in re.findall(r"[-+.\deE]+", element.text or "")])
    if not np.isfinite(found).all():
        raise ValueError("a number is too large")
    return found
