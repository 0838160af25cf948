"""BVH files: a tree of offsets and channels, and one row of channel values a frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .clips import MotionClip, cmu_clip
from .rotation import about

# CMU's skeletons are in inches over 0.45.
CMU_UNIT_MM = 25.4 / 0.45
_AXES = {"X": np.array([1.0, 0, 0]), "Y": np.array([0, 1.0, 0]), "Z": np.array([0, 0, 1.0])}
FACE_MM = 100.0  # from the head to the point ahead of it


@dataclass
class BvhJoint:
    """A joint of the tree: name, index of the parent (-1: none), offset (3,) from it, and its channels in order."""

    name: str
    parent: int
    offset: np.ndarray
    channels: list[str]


@dataclass(frozen=True)
class Bvh:
    """A file as it stands: its joints, end sites among them, and values (T, C) of all channels."""

    joints: list[BvhJoint]
    values: np.ndarray
    frame_seconds: float

    def place(self) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Positions name -> (T, 3) in the file's unit and world rotations name -> (T, 3, 3)."""
        positions: dict[str, np.ndarray] = {}
        rotations: dict[str, np.ndarray] = {}
        column = 0
        for joint in self.joints:
            rotation = np.broadcast_to(np.eye(3), (len(self.values), 3, 3))
            offset = np.broadcast_to(joint.offset, (len(self.values), 3)).copy()
            for channel in joint.channels:
                value = self.values[:, column]
                column += 1
                axis = _AXES[channel[0]]
                if channel.endswith("position"):
                    offset += value[:, None] * axis
                else:
                    rotation = rotation @ about(axis, np.deg2rad(value))
            if joint.parent < 0:
                positions[joint.name], rotations[joint.name] = offset, rotation
                continue
            parent = self.joints[joint.parent].name
            positions[joint.name] = positions[parent] + np.einsum("tij,tj->ti", rotations[parent], offset)
            rotations[joint.name] = rotations[parent] @ rotation
        return positions, rotations


def parse_bvh(path: Path) -> Bvh:
    """A BVH file as it stands.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a BVH file, or its rows do not fit its channels.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} not found: expected a BVH file")
    hierarchy, _, motion = path.read_text().partition("MOTION")
    words = iter(hierarchy.split())
    if next(words, "") != "HIERARCHY" or not motion:
        raise ValueError(f"{path} is not a BVH file: expected HIERARCHY and MOTION")
    joints = _parse_tree(words, path)
    lines = motion.strip().splitlines()
    frame_seconds = float(lines[1].split(":")[1])
    values = np.array([line.split() for line in lines[2:] if line.strip()], np.float64)
    channels = sum(len(joint.channels) for joint in joints)
    frames = int(lines[0].split(":")[1])
    if values.shape != (frames, channels):
        raise ValueError(f"{path}: motion has shape {values.shape}, expected {frames} frames of {channels} channels")
    return Bvh(joints, values, frame_seconds)


def _parse_tree(words: object, path: Path) -> list[BvhJoint]:
    """The joints of the part between HIERARCHY and MOTION."""
    joints: list[BvhJoint] = []
    open_joints: list[int] = []
    for word in words:
        if word in ("ROOT", "JOINT", "End"):
            name = next(words)
            parent = open_joints[-1] if open_joints else -1
            if word == "End":
                name = f"{joints[parent].name}_end"
            joints.append(BvhJoint(name, parent, np.zeros(3), []))
        elif word == "{":
            open_joints.append(len(joints) - 1)
        elif word == "}":
            open_joints.pop()
        elif word == "OFFSET":
            joints[-1].offset = np.array([next(words) for _ in range(3)], np.float64)
        elif word == "CHANNELS":
            joints[-1].channels = [next(words) for _ in range(int(next(words)))]
        else:
            raise ValueError(f"{path}: unexpected {word!r} in the hierarchy")
    return joints


def read_bvh(path: Path, unit_mm: float = CMU_UNIT_MM) -> MotionClip:
    """A clip from a BVH file with joints named as CMU's.

    Args:
        path: the file.
        unit_mm: millimetres of one unit of its offsets.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a BVH file, or joints are missing.
    """
    bvh = parse_bvh(path)
    positions, rotations = bvh.place()
    joints = {name: places * unit_mm for name, places in positions.items()}
    face = joints["Head"] + rotations["Head"][:, :, 2] * FACE_MM if "Head" in joints else None
    return cmu_clip(path.stem, joints, 1 / bvh.frame_seconds, face)
