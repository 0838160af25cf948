"""The 3D figures in words, for users who cannot see or turn them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fusion_model import Pose
from fusion_model.skeletons import SKELETONS

# By the angle of the chest from the camera towards the right of the picture, in steps of 45 degrees.
_DIRECTIONS = (
    "faces the camera",
    "faces the camera, half turned to the right of the picture",
    "faces the right of the picture",
    "faces away, half turned to the right of the picture",
    "faces away from the camera",
    "faces away, half turned to the left of the picture",
    "faces the left of the picture",
    "faces the camera, half turned to the left of the picture",
)


def figure_text(poses: Mapping[str, Pose]) -> str:
    """A sentence for each person of a 3D figure: where they face, and which joints are not certain.

    Args:
        poses: people by their numbers.
    """
    alone = len(poses) == 1
    names = ["In 3D, the person" if alone else f"Person {number}" for number in poses]
    return " ".join(f"{name} {_described(pose)}." for name, pose in zip(names, poses.values(), strict=True))


def facing(pose: Pose) -> str:
    """Which way the chest faces, such as "faces the camera"."""
    names = SKELETONS[pose.skeleton].joints
    joints = dict(zip(names, pose.joints_3d.astype(np.float64), strict=True))
    across = joints["left_hip"] - joints["right_hip"] + joints["left_shoulder"] - joints["right_shoulder"]
    x, y, z = np.cross(across, joints["thorax"] - joints["pelvis"])
    if abs(y) > np.hypot(x, z):
        return "faces down" if y > 0 else "faces up"
    return _DIRECTIONS[round(np.degrees(np.arctan2(x, -z)) / 45) % 8]


def _described(pose: Pose) -> str:
    """The sentence about one person, without its subject."""
    text = f"{facing(pose)}; {pose.status.count('seen')} of {len(pose.status)} joints are seen"
    for status, words in (("guessed", "guessed"), ("outside", "beyond the frame")):
        named = zip(SKELETONS[pose.skeleton].joints, pose.status, strict=True)
        joints = [name.replace("_", " ") for name, one in named if one == status]
        if joints:
            text += f"; {words}: {', '.join(joints)}"
    return text
