"""BVH: a skeleton with rotations, which Blender and other animation programs open.

Conventions of the file: centimetres and degrees; y up, x to the right of the camera, z towards it; the root is the
pelvis and stands where ``joints_3d`` has it. The rest pose, which the OFFSETs give, is a T-pose that faces z: spine and
head up, legs down, arms out. A rotation is the smallest one that brings a bone from rest to where it points, so bones
do not twist; pelvis and thorax also turn with the line of hips and of shoulders. Where a joint has several bones, all
but the middle one hang on a joint of their own at the same place, such as ``thorax_to_left_shoulder``: the angles
between those bones differ from pose to pose, and one rotation could not meet them all. Beyond the last joints, bones of
5 cm stand in for the unknown ends. Each joint's channels say its order of rotation: the middle one turns about the
bone itself, where little is to be turned, so that gimbal lock stays away from ordinary poses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fusion_model import Pose
from fusion_model.skeletons import SKELETONS, Skeleton

STILL_SECONDS = 1 / 30  # a frame's duration where there is only one
_CM_PER_MM = 0.1
_END_CM = 5.0
_RIGHT, _UP = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])
_TO_BVH = np.array([1.0, -1.0, -1.0])  # camera axes -> x right, y up, z towards the camera: half a turn about x


@dataclass(frozen=True)
class _Node:
    """A joint of the file.

    Attributes:
        name: in the file.
        joint: index of the skeleton's joint at whose place it stands.
        parent: index of its parent in the list of nodes, -1 for the root.
        aim: joint that its rotation points a bone at, -1 for none.
        sides: left and right joint whose line it turns with, empty for none.
        bone: joint that its offset leads to, -1 where the offset is zero.
    """

    name: str
    joint: int
    parent: int
    aim: int
    sides: tuple[int, ...] = ()
    bone: int = -1


def encode(poses: Sequence[Pose], frame_seconds: float = STILL_SECONDS) -> bytes:
    """Write one person's pose, or a sequence of that person's poses.

    Args:
        poses: one for each frame, all of the same skeleton. Bone lengths are the median over the frames.
        frame_seconds: duration of a frame.

    Returns:
        The file's text in ASCII.

    Raises:
        ValueError: if there is no pose, if the poses mix skeletons, if the skeleton has no root or a joint is not
            finite, or if the duration is not positive.
    """
    skeleton = _common_skeleton(poses)
    if not (np.isfinite(frame_seconds) and frame_seconds > 0):
        raise ValueError(f"a frame must last a positive number of seconds, got {frame_seconds}")
    points = np.stack([pose.joints_3d for pose in poses]).astype(np.float64) * _TO_BVH * _CM_PER_MM
    if not np.isfinite(points).all():
        raise ValueError("joints_3d holds values that are not finite: a BVH file needs every joint")
    nodes = _nodes(skeleton)
    columns = [points[:, skeleton.root]]
    columns += [
        np.unwrap(_angles(rotation, _order(node, skeleton)), axis=0, period=360)
        for node, rotation in zip(nodes, _rotations(nodes, points, skeleton), strict=True)
    ]
    frames = [" ".join(_text(value) for value in frame) for frame in np.concatenate(columns, axis=1)]
    lines = ["HIERARCHY", *_hierarchy(nodes, 0, _offsets(nodes, points, skeleton), skeleton)]
    lines += ["MOTION", f"Frames: {len(frames)}", f"Frame Time: {frame_seconds:.8f}", *frames]
    return ("\n".join(lines) + "\n").encode("ascii")


def _common_skeleton(poses: Sequence[Pose]) -> Skeleton:
    """The skeleton of all poses, which must have a root."""
    names = sorted({pose.skeleton for pose in poses})
    if len(names) != 1:
        raise ValueError(f"a BVH file takes poses of one skeleton, got {len(poses)} poses of {names or 'none'}")
    skeleton = SKELETONS[names[0]]
    if skeleton.root < 0:
        raise ValueError(f"a BVH file needs a root joint, which the skeleton {skeleton.name} lacks")
    return skeleton


def _nodes(skeleton: Skeleton) -> list[_Node]:
    """The file's joints, each before its children and next to its own branch."""
    nodes: list[_Node] = []

    def add(joint: int, parent: int) -> None:
        children = [child for child, one in enumerate(skeleton.parents) if one == joint]
        branches = [child for child in children if len(children) > 1 and skeleton.side(child) != "middle"]
        aims = [child for child in children if child not in branches]
        sides = tuple(sorted(branches, key=skeleton.side))
        here = len(nodes)
        name, bone = skeleton.joints[joint], joint if parent >= 0 else -1
        nodes.append(_Node(name, joint, parent, aims[0] if aims else -1, sides, bone))
        for child in children:
            if child in branches:
                nodes.append(_Node(f"{name}_to_{skeleton.joints[child]}", joint, here, child))
                add(child, len(nodes) - 1)
            else:
                add(child, here)

    add(skeleton.root, -1)
    return nodes


def _rest_direction(joint: str) -> np.ndarray:
    """(3,) unit vector along the bone that ends in a joint, in the T-pose."""
    if joint.endswith(("knee", "ankle")):
        return -_UP
    if joint.startswith("left_"):
        return _RIGHT  # the person faces the camera
    return -_RIGHT if joint.startswith("right_") else _UP


def _offsets(nodes: list[_Node], points: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """(K, 3) cm from each node's parent to the node at rest."""
    offsets = np.zeros((len(nodes), 3))
    for row, node in enumerate(nodes):
        if node.bone >= 0:
            ends = points[:, node.bone] - points[:, skeleton.parents[node.bone]]
            length = np.median(np.linalg.norm(ends, axis=1))
            offsets[row] = length * _rest_direction(skeleton.joints[node.bone])
    return offsets


def _rotations(nodes: list[_Node], points: np.ndarray, skeleton: Skeleton) -> list[np.ndarray]:
    """(T, 3, 3) rotation of each node relative to its parent, for points (T, J, 3)."""
    world: list[np.ndarray] = []
    local = []
    for node in nodes:
        above = world[node.parent] if node.parent >= 0 else np.broadcast_to(np.eye(3), (len(points), 3, 3))
        here = above
        if node.aim >= 0:
            wanted = points[:, node.aim] - points[:, node.joint]
            here = _smallest_turn(above @ _rest_direction(skeleton.joints[node.aim]), wanted) @ above
            if node.sides:
                left, right = node.sides
                here = _twist(wanted, here @ _RIGHT, points[:, left] - points[:, right]) @ here
        world.append(here)
        local.append(np.swapaxes(above, 1, 2) @ here)
    return local


def _smallest_turn(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """(T, 3, 3) rotations that bring directions (T, 3) to others; none for a bone without length."""
    axis = np.cross(start, end)
    angle = np.arctan2(np.linalg.norm(axis, axis=1), (start * end).sum(1))
    any_perpendicular = np.cross(start, np.eye(3)[np.abs(start).argmin(1)])
    opposite = np.linalg.norm(axis, axis=1) < 1e-9 * np.linalg.norm(end, axis=1)
    return _turn(np.where(opposite[:, None], any_perpendicular, axis), angle)


def _twist(axis: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """(T, 3, 3) rotations about axes (T, 3) that bring directions as near to others as they can."""
    axis = axis / np.maximum(np.linalg.norm(axis, axis=1, keepdims=True), 1e-12)
    end = end - (end * axis).sum(1, keepdims=True) * axis
    return _turn(axis, np.arctan2((np.cross(start, end) * axis).sum(1), (start * end).sum(1)))


def _turn(axis: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """(T, 3, 3) rotations by angles (T,) in radians about axes (T, 3) of any length, by Rodrigues' formula."""
    x, y, z = (axis / np.maximum(np.linalg.norm(axis, axis=1, keepdims=True), 1e-12)).T
    zero = np.zeros_like(x)
    cross = np.stack((zero, -z, y, z, zero, -x, -y, x, zero), axis=1).reshape(-1, 3, 3)
    angle = angle[:, None, None]
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def _order(node: _Node, skeleton: Skeleton) -> str:
    """Order of rotation: about the bone in the middle; first the heading where whole parts of the body turn."""
    if node.sides:
        return "YXZ"
    along_x = node.aim < 0 or _rest_direction(skeleton.joints[node.aim])[0] != 0
    return "ZXY" if along_x else "ZYX"


def _angles(rotation: np.ndarray, order: str) -> np.ndarray:
    """(T, 3) degrees whose rotations about the named axes, multiplied in that order, are (T, 3, 3)."""
    i, j, k = ("XYZ".index(axis) for axis in order)
    sign = 1.0 if (j - i) % 3 == 1 else -1.0
    first = np.arctan2(-sign * rotation[:, j, k], rotation[:, k, k])
    rest = _turn(np.tile(np.eye(3)[i], (len(first), 1)), -first) @ rotation  # exact in gimbal lock, too
    second = np.arctan2(sign * rest[:, i, k], rest[:, k, k])
    third = np.arctan2(sign * rest[:, j, i], rest[:, j, j])
    return np.degrees(np.stack((first, second, third), axis=1))


def _hierarchy(nodes: list[_Node], row: int, offsets: np.ndarray, skeleton: Skeleton) -> list[str]:
    """Lines of the HIERARCHY part for a node and its descendants."""
    node = nodes[row]
    turns = " ".join(f"{axis}rotation" for axis in _order(node, skeleton))
    if node.parent < 0:
        kind, channels = "ROOT", f"CHANNELS 6 Xposition Yposition Zposition {turns}"
    else:
        kind, channels = "JOINT", f"CHANNELS 3 {turns}"
    inside = [f"OFFSET {' '.join(_text(value) for value in offsets[row])}", channels]
    children = [number for number, one in enumerate(nodes) if one.parent == row]
    for child in children:
        inside += _hierarchy(nodes, child, offsets, skeleton)
    if not children:
        end = " ".join(_text(value) for value in _END_CM * _rest_direction(node.name))
        inside += ["End Site", "{", f"\tOFFSET {end}", "}"]
    return [f"{kind} {node.name}", "{", *(f"\t{line}" for line in inside), "}"]


def _text(value: float) -> str:
    """A number with five decimals, without a negative zero."""
    return f"{round(float(value), 5) + 0.0:.5f}"
