"""A skeleton that animation programs and the player of clips can move: nodes, a T-pose, and their turns in each frame.

Axes are y up, x to the right of the camera, z towards it. The rest pose is a T-pose that faces z: spine and head up,
legs down, arms out. A turn is the smallest one that brings a bone from rest to where it points, so bones do not twist;
pelvis and thorax also turn with the line of hips and of shoulders. Where a joint has several bones, all but the middle
one hang on a node of their own at the same place, such as ``thorax_to_left_shoulder``: the angles between those bones
differ from pose to pose, and one rotation could not meet them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fusion_model import Pose
from fusion_model.skeletons import SKELETONS, Skeleton

_RIGHT, _UP = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])
TO_RIG = np.array([1.0, -1.0, -1.0])
"""Camera axes -> those of the rig: half a turn about x."""


@dataclass(frozen=True)
class Node:
    """A node of the rig.

    Attributes:
        name: of the joint at whose place it stands, or ``JOINT_to_JOINT``.
        joint: index of that joint.
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


@dataclass(frozen=True)
class Rig:
    """One person in T frames, with K nodes.

    Attributes:
        skeleton: J joints.
        nodes: each before its children and next to its own branch.
        offsets: (K, 3) mm from each node's parent to the node at rest; bone lengths are the median over the frames.
        points: (T, K, 3) mm, where the nodes are; the pelvis is where ``joints_3d`` has it.
        turns: (T, K, 3, 3) rotation of each node from rest.
    """

    skeleton: Skeleton
    nodes: tuple[Node, ...]
    offsets: np.ndarray
    points: np.ndarray
    turns: np.ndarray

    @classmethod
    def of(cls, poses: Sequence[Pose]) -> Rig:
        """The rig of one person's poses, one for each frame.

        Raises:
            TypeError: if something else than a pose is among them.
            ValueError: if there is no pose, if the poses mix skeletons, or if the skeleton has no root or a joint is
                not finite.
        """
        skeleton = _common_skeleton(poses)
        joints = np.stack([pose.joints_3d for pose in poses]).astype(np.float64) * TO_RIG
        if not np.isfinite(joints).all():
            raise ValueError("joints_3d holds values that are not finite: a rig needs every joint")
        nodes = _nodes(skeleton)
        points = joints[:, [node.joint for node in nodes]]
        return cls(skeleton, nodes, _offsets(nodes, joints, skeleton), points, _turns(nodes, joints, skeleton))

    @property
    def rest(self) -> np.ndarray:
        """(K, 3) mm, the nodes in the T-pose, the root at the origin."""
        places = np.zeros_like(self.offsets)
        for row, node in enumerate(self.nodes[1:], start=1):
            places[row] = places[node.parent] + self.offsets[row]
        return places

    @property
    def local_turns(self) -> np.ndarray:
        """(T, K, 3, 3) rotation of each node relative to its parent."""
        return np.swapaxes(self._parents(self.turns, np.eye(3)), 2, 3) @ self.turns

    @property
    def local_points(self) -> np.ndarray:
        """(T, K, 3) mm from each node's parent to the node, in the parent's axes."""
        steps = self.points - self._parents(self.points, np.zeros(3))
        return np.einsum("tkji,tkj->tki", self._parents(self.turns, np.eye(3)), steps)

    def node_of(self, joint: int) -> int:
        """The node that stands for a joint."""
        return next(row for row, node in enumerate(self.nodes) if node.joint == joint and (row == 0 or node.bone >= 0))

    def node_along(self, bone: tuple[int, int]) -> int:
        """The node that turns with a bone: parent and joint."""
        return next(row for row, node in enumerate(self.nodes) if (node.joint, node.aim) == bone)

    def _parents(self, values: np.ndarray, of_root: np.ndarray) -> np.ndarray:
        """(T, K, ...) the parents' values instead of the nodes'."""
        moved = values[:, [node.parent for node in self.nodes]].copy()
        moved[:, 0] = of_root
        return moved


def rest_direction(joint: str) -> np.ndarray:
    """(3,) unit vector along the bone that ends in a joint, in the T-pose."""
    if joint.endswith(("knee", "ankle")):
        return -_UP
    if joint.startswith("left_"):
        return _RIGHT  # the person faces the camera
    return -_RIGHT if joint.startswith("right_") else _UP


def turn_about(axis: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """(T, 3, 3) rotations by angles (T,) in radians about axes (T, 3) of any length, by Rodrigues' formula."""
    x, y, z = (axis / np.maximum(np.linalg.norm(axis, axis=1, keepdims=True), 1e-12)).T
    zero = np.zeros_like(x)
    cross = np.stack((zero, -z, y, z, zero, -x, -y, x, zero), axis=1).reshape(-1, 3, 3)
    angle = angle[:, None, None]
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def _common_skeleton(poses: Sequence[Pose]) -> Skeleton:
    """The skeleton of all poses, which must have a root."""
    for number, pose in enumerate(poses):
        if not isinstance(pose, Pose):
            raise TypeError(f"frame {number} is {type(pose).__name__}: expected a Pose for every frame")
    names = sorted({pose.skeleton for pose in poses})
    if len(names) != 1:
        raise ValueError(f"a rig takes poses of one skeleton, got {len(poses)} poses of {names or 'none'}")
    skeleton = SKELETONS[names[0]]
    if skeleton.root < 0:
        raise ValueError(f"a rig needs a root joint, which the skeleton {skeleton.name} lacks")
    return skeleton


def _nodes(skeleton: Skeleton) -> tuple[Node, ...]:
    """The nodes, each before its children and next to its own branch."""
    nodes: list[Node] = []

    def add(joint: int, parent: int) -> None:
        children = [child for child, one in enumerate(skeleton.parents) if one == joint]
        branches = [child for child in children if len(children) > 1 and skeleton.side(child) != "middle"]
        aims = [child for child in children if child not in branches]
        sides = tuple(sorted(branches, key=skeleton.side))
        here = len(nodes)
        name, bone = skeleton.joints[joint], joint if parent >= 0 else -1
        nodes.append(Node(name, joint, parent, aims[0] if aims else -1, sides, bone))
        for child in children:
            if child in branches:
                nodes.append(Node(f"{name}_to_{skeleton.joints[child]}", joint, here, child))
                add(child, len(nodes) - 1)
            else:
                add(child, here)

    add(skeleton.root, -1)
    return tuple(nodes)


def _offsets(nodes: Sequence[Node], joints: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """(K, 3) mm from each node's parent to the node at rest, for joints (T, J, 3)."""
    offsets = np.zeros((len(nodes), 3))
    for row, node in enumerate(nodes):
        if node.bone >= 0:
            ends = joints[:, node.bone] - joints[:, skeleton.parents[node.bone]]
            length = np.median(np.linalg.norm(ends, axis=1))
            offsets[row] = length * rest_direction(skeleton.joints[node.bone])
    return offsets


def _turns(nodes: Sequence[Node], joints: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """(T, K, 3, 3) rotation of each node from rest, for joints (T, J, 3)."""
    turns: list[np.ndarray] = []
    for node in nodes:
        here = turns[node.parent] if node.parent >= 0 else np.broadcast_to(np.eye(3), (len(joints), 3, 3))
        if node.aim >= 0:
            wanted = joints[:, node.aim] - joints[:, node.joint]
            here = _smallest_turn(here @ rest_direction(skeleton.joints[node.aim]), wanted) @ here
            if node.sides:
                left, right = node.sides
                here = _twist(wanted, here @ _RIGHT, joints[:, left] - joints[:, right]) @ here
        turns.append(here)
    return np.stack(turns, axis=1)


def _smallest_turn(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """(T, 3, 3) rotations that bring directions (T, 3) to others; none for a bone without length."""
    axis = np.cross(start, end)
    angle = np.arctan2(np.linalg.norm(axis, axis=1), (start * end).sum(1))
    any_perpendicular = np.cross(start, np.eye(3)[np.abs(start).argmin(1)])
    opposite = np.linalg.norm(axis, axis=1) < 1e-9 * np.linalg.norm(end, axis=1)
    return turn_about(np.where(opposite[:, None], any_perpendicular, axis), angle)


def _twist(axis: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """(T, 3, 3) rotations about axes (T, 3) that bring directions as near to others as they can."""
    axis = axis / np.maximum(np.linalg.norm(axis, axis=1, keepdims=True), 1e-12)
    end = end - (end * axis).sum(1, keepdims=True) * axis
    return turn_about(axis, np.arctan2((np.cross(start, end) * axis).sum(1), (start * end).sum(1)))
