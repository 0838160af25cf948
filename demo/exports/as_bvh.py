"""BVH: a skeleton with rotations, which Blender and other animation programs open.

Conventions of the file: centimetres and degrees; the axes and the T-pose are those of :mod:`demo.drawing.rig`, and the
root, the pelvis, stands where ``joints_3d`` has it. Beyond the last joints, bones of 5 cm stand in for the unknown
ends. Each joint's channels say its order of rotation: the middle one turns about the bone itself, where little is to be
turned, so that gimbal lock stays away from ordinary poses.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from demo.drawing.rig import Node, Rig, rest_direction, turn_about
from fusion_model import Pose
from fusion_model.skeletons import Skeleton

STILL_SECONDS = 1 / 30  # a frame's duration where there is only one
_CM_PER_MM = 0.1
_END_CM = 5.0


def encode(poses: Sequence[Pose], frame_seconds: float = STILL_SECONDS) -> bytes:
    """Write one person's pose, or a sequence of that person's poses.

    Args:
        poses: one for each frame, all of the same skeleton. Bone lengths are the median over the frames.
        frame_seconds: duration of a frame.

    Returns:
        The file's text in ASCII.

    Raises:
        TypeError: if a frame has no pose, but None or its ``to_dict()``.
        ValueError: if there is no pose, if the poses mix skeletons, if the skeleton has no root or a joint is not
            finite, or if the duration is not positive.
    """
    if not (np.isfinite(frame_seconds) and frame_seconds > 0):
        raise ValueError(f"a frame must last a positive number of seconds, got {frame_seconds}")
    rig = Rig.of(poses)
    columns = [rig.points[:, 0] * _CM_PER_MM]
    columns += [
        np.unwrap(_angles(rotation, _order(node, rig.skeleton)), axis=0, period=360)
        for node, rotation in zip(rig.nodes, np.swapaxes(rig.local_turns, 0, 1), strict=True)
    ]
    frames = [" ".join(_text(value) for value in frame) for frame in np.concatenate(columns, axis=1)]
    lines = ["HIERARCHY", *_hierarchy(rig, 0)]
    lines += ["MOTION", f"Frames: {len(frames)}", f"Frame Time: {frame_seconds:.8f}", *frames]
    return ("\n".join(lines) + "\n").encode("ascii")


def _order(node: Node, skeleton: Skeleton) -> str:
    """Order of rotation: about the bone in the middle; first the heading where whole parts of the body turn."""
    if node.sides:
        return "YXZ"
    along_x = node.aim < 0 or rest_direction(skeleton.joints[node.aim])[0] != 0
    return "ZXY" if along_x else "ZYX"


def _angles(rotation: np.ndarray, order: str) -> np.ndarray:
    """(T, 3) degrees whose rotations about the named axes, multiplied in that order, are (T, 3, 3)."""
    i, j, k = ("XYZ".index(axis) for axis in order)
    sign = 1.0 if (j - i) % 3 == 1 else -1.0
    first = np.arctan2(-sign * rotation[:, j, k], rotation[:, k, k])
    rest = turn_about(np.tile(np.eye(3)[i], (len(first), 1)), -first) @ rotation  # exact in gimbal lock, too
    second = np.arctan2(sign * rest[:, i, k], rest[:, k, k])
    third = np.arctan2(sign * rest[:, j, i], rest[:, j, j])
    return np.degrees(np.stack((first, second, third), axis=1))


def _hierarchy(rig: Rig, row: int) -> list[str]:
    """Lines of the HIERARCHY part for a node and its descendants."""
    node = rig.nodes[row]
    turns = " ".join(f"{axis}rotation" for axis in _order(node, rig.skeleton))
    if node.parent < 0:
        kind, channels = "ROOT", f"CHANNELS 6 Xposition Yposition Zposition {turns}"
    else:
        kind, channels = "JOINT", f"CHANNELS 3 {turns}"
    inside = [f"OFFSET {' '.join(_text(value) for value in _CM_PER_MM * rig.offsets[row])}", channels]
    children = [number for number, one in enumerate(rig.nodes) if one.parent == row]
    for child in children:
        inside += _hierarchy(rig, child)
    if not children:
        end = " ".join(_text(value) for value in _END_CM * rest_direction(node.name))
        inside += ["End Site", "{", f"\tOFFSET {end}", "}"]
    return [f"{kind} {node.name}", "{", *(f"\t{line}" for line in inside), "}"]


def _text(value: float) -> str:
    """A number with five decimals, without a negative zero."""
    return f"{round(float(value), 5) + 0.0:.5f}"
