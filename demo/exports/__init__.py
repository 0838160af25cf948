"""The files made of a result: one module for each format, and the list of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from demo.exports import as_bvh, as_csv, as_glb, as_html, as_json, as_mp4, as_npz, as_png
from fusion_model import Pose


@dataclass(frozen=True)
class Format:
    """A file format.

    Attributes:
        suffix: ending of the file's name.
        description: of the content, in one line.
        together: whether all people of a photo are in one file; else each has one.
        write: ``write(poses, photo, name)`` returns the file: ``poses`` is one pose, or a sequence if ``together``;
            ``photo`` is (H, W, 3) uint8 RGB; ``name`` is that of the photo in the file.
        slow: whether it takes seconds, so that it is written only where it is asked for.
    """

    suffix: str
    description: str
    together: bool
    write: Callable[[Pose | Sequence[Pose], np.ndarray, str], bytes]
    slow: bool = False


FORMATS = {
    "json": Format(
        ".json", "everything but the maps, with names, units and axes (fusion-pose/1)", True,
        lambda poses, *_: as_json.encode(poses),
    ),
    "csv": Format(
        ".csv", "a table with one row for each joint", True, lambda poses, _, name: as_csv.encode(poses, name)
    ),
    "bvh": Format(
        ".bvh", "a skeleton with rotations for Blender and the like, in centimetres", False,
        lambda pose, *_: as_bvh.encode([pose]),
    ),
    "glb": Format(
        ".glb", "rigged bodies for Blender, three.js and game engines, in metres (glTF)", True,
        lambda poses, photo, _: as_glb.encode(poses, photo),
    ),
    "npz": Format(
        ".npz", "arrays for NumPy, the confidence maps among them", True, lambda poses, *_: as_npz.encode(poses)
    ),
    "png": Format(
        ".skeleton.png", "the skeleton on the photo", True, lambda poses, photo, _: as_png.encode(poses, photo)
    ),
    "maps": Format(
        ".maps.png", "the confidence maps on one sheet", False, lambda pose, photo, _: as_png.encode_maps(pose, photo)
    ),
    "html": Format(
        ".html", "the 3D view, which needs no network", False, lambda pose, photo, _: as_html.encode(pose, photo)
    ),
    "turn": Format(
        ".turn.mp4", "a clip of one turn round the 3D pose (three seconds)", True,
        lambda poses, photo, _: as_mp4.encode(poses, photo), slow=True,
    ),
}  # fmt: skip
"""By name, as ``python -m demo.predict --formats`` takes it."""
