"""The download menu: any file of ``demo.exports`` for the picked people."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from demo.exports import FORMATS
from fusion_model import Pose

CHOICES = [(f"{name.upper()}: {one.description}", name) for name, one in FORMATS.items()]
"""Label and value of each format."""


def file_of(kind: str, poses: Mapping[str, Pose], photo: np.ndarray, name: str) -> tuple[str, bytes]:
    """Make one file.

    Args:
        kind: key of :data:`demo.exports.FORMATS`.
        poses: the people by their numbers, at least one. One person is written as such, not as a list of one.
        photo: (H, W, 3) uint8 RGB.
        name: of the photo.

    Returns:
        Name and content. Where each person has a file of its own and there are several, it is a zip archive.
    """
    form, stem = FORMATS[kind], Path(name).stem
    people = list(poses.values())
    if len(people) == 1 or form.together:
        return f"{stem}{form.suffix}", form.write(people[0] if len(people) == 1 else people, photo, name)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, pose in poses.items():
            archive.writestr(f"{stem}.person{number}{form.suffix}", form.write(pose, photo, name))
    return f"{stem}{form.suffix}.zip", packed.getvalue()
