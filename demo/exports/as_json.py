"""JSON: schema ``fusion-pose/1`` for one person, ``fusion-poses/1`` for several people of a photo."""

from __future__ import annotations

import json
from collections.abc import Sequence

from fusion_model import Pose

SCHEMA_SEVERAL = "fusion-poses/1"


def encode(poses: Pose | Sequence[Pose], **more: object) -> bytes:
    """Write a pose, or the people of one photo.

    Args:
        poses: one pose, or the people of one photo, best first.
        more: further entries of the outermost object, JSON-ready.

    Returns:
        The file's text in UTF-8. For a pose its ``to_dict()``. For a sequence, even of one:
        ``{"schema": "fusion-poses/1", "poses": [...]}`` with one ``fusion-pose/1`` for each.

    Raises:
        ValueError: if a number is not finite, which JSON cannot hold.
    """
    if isinstance(poses, Pose):
        document = poses.to_dict()
    else:
        document = {"schema": SCHEMA_SEVERAL, "poses": [pose.to_dict() for pose in poses]}
    return (json.dumps({**document, **more}, indent=1, allow_nan=False) + "\n").encode()
