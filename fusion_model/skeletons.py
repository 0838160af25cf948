"""Joint sets, their names, bones and mirror pairs, and the maps between them.

Left and right are the person's own. Sources of the orders: the data sets as distributed (Human3.6M's 17 joints
in the order of VideoPose3D, MPII, Leeds Sports Pose, HumanEva-I in VideoPose3D's order, COCO).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Skeleton:
    """An ordered joint set.

    Attributes:
        name: key in :data:`SKELETONS`.
        joints: names, lower case; a side is the prefix ``left_`` or ``right_``.
        parents: index of each joint's parent, -1 for the root.
        root: index of the joint that relative coordinates start from, -1 if the set has none.
    """

    name: str
    joints: tuple[str, ...]
    parents: tuple[int, ...]
    root: int

    def __len__(self) -> int:
        """Number of joints."""
        return len(self.joints)

    def index(self, joint: str) -> int:
        """Index of the joint of that name; ValueError if the set has none."""
        if joint not in self.joints:
            raise ValueError(f"{self.name} has no joint {joint!r}; it has {', '.join(self.joints)}")
        return self.joints.index(joint)

    @cached_property
    def bones(self) -> tuple[tuple[int, int], ...]:
        """(parent, joint) of every joint that has a parent."""
        return tuple((parent, joint) for joint, parent in enumerate(self.parents) if parent >= 0)

    @cached_property
    def mirror(self) -> tuple[int, ...]:
        """Index of each joint's mirror joint: its own for those on the middle line."""
        swap = {"left": "right", "right": "left"}
        names = []
        for joint in self.joints:
            side, _, rest = joint.partition("_")
            names.append(f"{swap[side]}_{rest}" if side in swap else joint)
        return tuple(self.joints.index(name) for name in names)

    def side(self, joint: int) -> str:
        """``"left"``, ``"right"`` or ``"middle"``."""
        prefix = self.joints[joint].partition("_")[0]
        return prefix if prefix in ("left", "right") else "middle"


HUMAN36M_17 = Skeleton(
    "human36m_17",
    (
        "pelvis", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "spine", "thorax",
        "neck", "head_top", "left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow", "right_wrist",
    ),
    (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15),
    root=0,
)  # fmt: skip

MPII_16 = Skeleton(
    "mpii_16",
    (
        "right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle", "pelvis", "thorax", "neck",
        "head_top", "right_wrist", "right_elbow", "right_shoulder", "left_shoulder", "left_elbow", "left_wrist",
    ),
    (1, 2, 6, 6, 3, 4, -1, 6, 7, 8, 11, 12, 7, 7, 13, 14),
    root=6,
)  # fmt: skip

LSP_14 = Skeleton(
    "lsp_14",
    (
        "right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle", "right_wrist", "right_elbow",
        "right_shoulder", "left_shoulder", "left_elbow", "left_wrist", "neck", "head_top",
    ),
    (1, 2, 8, 9, 3, 4, 7, 8, 12, 12, 9, 10, -1, 12),
    root=-1,
)  # fmt: skip

HUMANEVA_15 = Skeleton(
    "humaneva_15",
    (
        "pelvis", "thorax", "left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow", "right_wrist",
        "left_hip", "left_knee", "left_ankle", "right_hip", "right_knee", "right_ankle", "head_top",
    ),
    (-1, 0, 1, 2, 3, 1, 5, 6, 0, 8, 9, 0, 11, 12, 1),
    root=0,
)  # fmt: skip

COCO_17 = Skeleton(
    "coco_17",
    (
        "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
        "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
        "right_ankle",
    ),
    (-1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 5, 6, 11, 12, 13, 14),
    root=-1,
)  # fmt: skip

SKELETONS = {skeleton.name: skeleton for skeleton in (HUMAN36M_17, MPII_16, LSP_14, HUMANEVA_15, COCO_17)}

OUTPUTS = tuple(name for name, one in SKELETONS.items() if set(one.joints) <= set(HUMAN36M_17.joints))
"""Names of those that a fusion network may put out: the maps have all of their joints, or what these are made from."""

LIMB_JOINTS = tuple(
    f"{side}_{joint}" for side in ("left", "right") for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
)
"""The twelve joints that every set has and that comparisons between methods use."""

MPII_IN_HUMAN36M = tuple(HUMAN36M_17.index(name) for name in MPII_16.joints)
"""Where each of MPII's 16 joints stands among Human3.6M's 17."""

# A joint that a set lacks, as the mean of joints that it has. Spine and the middle joints are constructions, not
# observations; whoever shows them says so (`derived_joints`).
_MIDPOINTS = {
    "pelvis": ("left_hip", "right_hip"),
    "thorax": ("left_shoulder", "right_shoulder"),
    "spine": ("pelvis", "thorax"),
}


def conversion_matrix(source: Skeleton, target: Skeleton) -> np.ndarray:
    """Weights that turn one joint set into another.

    Args:
        source: the joint set at hand, S joints.
        target: the joint set wanted, T joints.

    Returns:
        (T, S) float32 with rows that sum to 1, or to 0 for joints that cannot be had: ``matrix @ joints``.
    """
    matrix = np.zeros((len(target), len(source)), np.float32)
    for row, joint in enumerate(target.joints):
        weights = _joint_weights(source, joint)
        if weights is not None:
            matrix[row] = weights
    return matrix


def pelvis_weights(skeleton: Skeleton) -> np.ndarray:
    """(J,) float32 weights that make the pelvis: its own joint, or both hips where the set has none.

    Raises:
        ValueError: if the set has neither.
    """
    weights = _joint_weights(skeleton, "pelvis")
    if weights is None:
        raise ValueError(f"{skeleton.name} has neither a pelvis nor both hips")
    return weights


def derived_joints(source: Skeleton, target: Skeleton) -> tuple[str, ...]:
    """Names of target joints that are made from several source joints rather than carried over."""
    return tuple(
        joint for joint in target.joints if joint not in source.joints and _joint_weights(source, joint) is not None
    )


def _joint_weights(source: Skeleton, joint: str) -> np.ndarray | None:
    """Row of :func:`conversion_matrix`, or None if the joint cannot be had."""
    if joint in source.joints:
        return np.eye(len(source), dtype=np.float32)[source.joints.index(joint)]
    if joint not in _MIDPOINTS:
        return None
    ends = [_joint_weights(source, end) for end in _MIDPOINTS[joint]]
    if any(end is None for end in ends):
        return None
    return (ends[0] + ends[1]) / 2
