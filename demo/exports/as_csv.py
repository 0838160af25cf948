"""CSV: one row for each joint, the units in the header."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from fusion_model import Pose
from fusion_model.files import printable

JOINT_COLUMNS = ("joint", "x_px", "y_px", "x_mm", "y_mm", "z_mm", "confidence", "status")
COLUMNS = ("photo", "person", *JOINT_COLUMNS)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how one begins


def encode(poses: Pose | Sequence[Pose], name: str) -> bytes:
    """Write the joints of a pose, or of the people of one photo.

    Args:
        poses: one pose, or several; they are numbered from 1 in the column ``person``.
        name: for the column ``photo``. What cannot be printed is escaped there, and a quotation mark stands before
            what a spreadsheet would take for a formula.

    Returns:
        The file's text in UTF-8: a header, then a row for each joint. ``x_px``, ``y_px`` are pixels of the photo,
        ``x_mm``, ``y_mm``, ``z_mm`` camera axes (x right, y down, z away) with the pelvis at the origin.
    """
    name = printable(name)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    name = f"'{name}" if name.startswith(_FORMULA) else name
    writer.writerow(COLUMNS)
    for person, pose in enumerate([poses] if isinstance(poses, Pose) else poses, start=1):
        writer.writerows((name, person, *row) for row in joint_rows(pose))
    return text.getvalue().encode()


def joint_rows(pose: Pose) -> Iterator[tuple[str | float, ...]]:
    """A row of :data:`JOINT_COLUMNS` for each joint."""
    for joint in pose.to_dict()["joints"]:
        yield (joint["name"], *joint["pixel"], *joint["position_mm"], joint["confidence"], joint["status"])
