"""A data set as its reader returns it for training: encoded photos with labels in photo pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from fusion_model.skeletons import HUMAN36M_17, LIMB_JOINTS, MPII_16
from train.data.photos import decode_rgb

SYNTHETIC = "synthetic"
"""Name of every rendered set."""


@dataclass(frozen=True)
class Source:
    """One data set, a row a person.

    Attributes:
        name: short name, used for sampling weights and reports.
        read: photo i as encoded bytes.
        joints: (N, 16, 2) float32, MPII order, x and y in photo pixels.
        weight: (N, 16) float32, how far the joint is trusted: 1 by hand, less by a teacher, 0 unknown.
        by_hand: (N, 16) bool, labelled by a person rather than by a teacher network.
        box: (N, 4) float32, tight round the body as far as it is seen, photo pixels.
        pose: (N, 17, 3) float32, Human3.6M order, mm, camera axes, pelvis at the origin.
        pose_weight: (N, 17) float32, 0 where the 3D is unknown.
        validation: (N,) bool, never trained on.
        groups: kinds of people to report apart, each a name for every row: ``{"viewpoint": (N,), ...}``.
        photos: (N,) name of the photo that each row shows, as the data set has it; None where it is not known.
        contradicted: (N, 2) bool, people whose hand labels of the arms, and of the legs, the teacher sees on the other
            side; None where one of the two is missing.
    """

    name: str
    read: Callable[[int], bytes]
    joints: np.ndarray
    weight: np.ndarray
    by_hand: np.ndarray
    box: np.ndarray
    pose: np.ndarray
    pose_weight: np.ndarray
    validation: np.ndarray
    groups: dict[str, np.ndarray] = field(default_factory=dict)
    photos: np.ndarray | None = None
    contradicted: np.ndarray | None = None

    def __len__(self) -> int:
        """Number of people."""
        return len(self.box)

    @property
    def measured(self) -> np.ndarray:
        """(N,) bool, people whose twelve limb joints are all known in 3D, by which poses are measured."""
        return whole_poses(self.pose_weight)

    def take(self, rows: np.ndarray) -> Source:
        """The people of these rows, numbers or a mask (N,)."""
        numbers = np.arange(len(self))[rows]
        columns = {f.name: getattr(self, f.name) for f in fields(self)}
        taken = {name: column[numbers] for name, column in columns.items() if isinstance(column, np.ndarray)}
        groups = {name: values[numbers] for name, values in self.groups.items()}
        return replace(self, read=lambda row: self.read(int(numbers[row])), groups=groups, **taken)

    def photo(self, index: int) -> np.ndarray:
        """Photo of one person, (H, W, 3) uint8 RGB; ValueError if it cannot be decoded."""
        return decode_rgb(self.read(index), f"{self.name}: photo {index}")


def whole_poses(weight: Any) -> Any:
    """(N,) bool, which poses of these weights (N, 17), an array or a tensor, lack none of the twelve limb joints."""
    return (weight[:, [HUMAN36M_17.index(name) for name in LIMB_JOINTS]] > 0).all(1)


def add_middle_joints(joints: np.ndarray, weight: np.ndarray) -> None:
    """Fill an unlabelled pelvis or thorax with the midpoint of the hips or shoulders, in place.

    Args:
        joints: (N, 16, 2) MPII order.
        weight: (N, 16).
    """
    for middle, ends in (("pelvis", ("left_hip", "right_hip")), ("thorax", ("left_shoulder", "right_shoulder"))):
        target, (a, b) = MPII_16.index(middle), (MPII_16.index(end) for end in ends)
        known = (weight[:, target] == 0) & (weight[:, a] > 0) & (weight[:, b] > 0)
        joints[known, target] = (joints[known, a] + joints[known, b]) / 2
        weight[known, target] = np.minimum(weight[known, a], weight[known, b])
