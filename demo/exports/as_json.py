"""JSON: schema ``fusion-pose/1`` for one person, ``fusion-poses/1`` for several people of a photo."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from fusion_model import Pose

SCHEMA_SEVERAL = "fusion-poses/1"


def document(poses: Pose | Sequence[Pose]) -> dict[str, Any]:
    """The content of the file.

    Args:
        poses: one pose, or the people of one photo, best first.

    Returns:
        For a pose its ``to_dict()``. For a sequence, even of one: ``{"schema": "fusion-poses/1", "poses": [...]}``
        with one ``fusion-pose/1`` for each.
    """
    if isinstance(poses, Pose):
        return poses.to_dict()
    return {"schema": SCHEMA_SEVERAL, "poses": [pose.to_dict() for pose in poses]}


def encode(poses: Pose | Sequence[Pose], **more: object) -> bytes:
    """Write a pose, or the people of one photo.

    Args:
        poses: as for :func:`document`.
        more: further entries of the outermost object, JSON-ready.

    Returns:
        The file's text in UTF-8.

    Raises:
        ValueError: if a number is not finite, which JSON cannot hold.
    """
    return (json.dumps({**document(poses), **more}, indent=1, allow_nan=False) + "\n").encode()
