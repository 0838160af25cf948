"""Packs of people: ``<name>.npz`` with the labels beside ``<name>.zip`` with a photo a person.

Arrays: name, validation (N,), box (N, 4), joints (N, 16, 3) by hand in MPII order with flag 0 none, 1 hidden,
2 visible, teacher_2d (N, 19, 3), teacher_3d (N, 17, 3), teacher_3d_visible (N, 33).

Pseudo-labels of teacher networks: 2D x, y, score of COCO's 17 joints, then neck and head top, both computed from the
others; 3D mm in Human3.6M's order, whose spine, thorax, neck and head are made from other joints; the 3D teacher's own
visibility in BlazePose's order.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fusion_model.skeletons import COCO_17, HUMAN36M_17, LIMB_JOINTS, MPII_16
from train.data.columns import check_boxes, read_columns
from train.data.photos import ZipReader, archive_beside
from train.data.readers.label_repair import exchanged_sides
from train.data.source import Source, add_middle_joints

_MIN_SCORE = 0.6  # below it the two teachers disagree too often to learn from
TEACHER = {
    "teacher_2d": (np.float32, (19, 3)),
    "teacher_3d": (np.int16, (17, 3)),
    "teacher_3d_visible": (np.float32, (33,)),
}
"""Type and shape of a row of each array."""

_MADE_WEIGHT = 0.1  # of 3D joints that were made from others: enough to have a value, too little to be a lesson
_BLAZEPOSE_LIMBS = {
    "left_shoulder": 11, "right_shoulder": 12, "left_elbow": 13, "right_elbow": 14, "left_wrist": 15,
    "right_wrist": 16, "left_hip": 23, "right_hip": 24, "left_knee": 25, "right_knee": 26, "left_ankle": 27,
    "right_ankle": 28,
}  # fmt: skip


def teacher_joints(teacher_2d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Joints of sufficient score in MPII order.

    Returns:
        joints (N, 16, 2) float32 and weight (N, 16) float32, the score squared, 0 below 0.6.
    """
    joints = np.zeros((len(teacher_2d), len(MPII_16), 2), np.float32)
    weight = np.zeros(joints.shape[:2], np.float32)
    for column, name in enumerate((*COCO_17.joints, "neck", "head_top")):
        if name in MPII_16.joints:
            score = teacher_2d[:, column, 2]
            joints[:, MPII_16.index(name)] = teacher_2d[:, column, :2]
            weight[:, MPII_16.index(name)] = np.where(score >= _MIN_SCORE, score**2, 0)
    return joints, weight


def teacher_pose(teacher_3d: np.ndarray, visible: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """3D joints and how far each is trusted.

    Returns:
        pose (N, 17, 3) float32 mm and weight (N, 17) float32: 0 for rows of zeros.
    """
    pose = teacher_3d.astype(np.float32)
    weight = np.full(pose.shape[:2], _MADE_WEIGHT, np.float32)
    weight[:, HUMAN36M_17.index("pelvis")] = 1.0
    for name in LIMB_JOINTS:
        seen = visible[:, _BLAZEPOSE_LIMBS[name]].astype(np.float32)
        weight[:, HUMAN36M_17.index(name)] = np.clip(seen, _MADE_WEIGHT, 1.0)
    weight[np.abs(pose).sum((1, 2)) == 0] = 0
    return pose, weight


_ARRAYS = {
    "name": (np.str_, ()), "validation": (np.bool_, ()), "box": (np.float32, (4,)), "joints": (np.float32, (16, 3)),
    **TEACHER,
}  # fmt: skip
_ADVICE = "copy it again"


def read_people(labels: Path) -> Source:
    """Read a pack by its npz file.

    Raises:
        FileNotFoundError: if the npz or the zip beside it is missing.
        ValueError: if the file is damaged, or an array is missing, of another type or shape, or no number; names it.
    """
    archive = archive_beside(labels, "people")
    arrays, reader = read_columns(labels, _ARRAYS, _ADVICE), ZipReader("photo", "copy the archive again")
    check_boxes(labels, "box", arrays["box"], _ADVICE)
    joints, weight = teacher_joints(arrays["teacher_2d"])
    by_hand = arrays["joints"][..., 2] > 0
    exchanged = exchanged_sides(arrays["joints"][..., :2], by_hand, joints, weight)
    joints[by_hand], weight[by_hand] = arrays["joints"][by_hand][:, :2], 1.0
    add_middle_joints(joints, weight)
    pose, pose_weight = teacher_pose(arrays["teacher_3d"], arrays["teacher_3d_visible"])
    return Source(
        name=labels.stem.removeprefix("people_"),
        read=lambda row: reader(archive, str(arrays["name"][row])),
        joints=joints,
        weight=weight,
        by_hand=by_hand,
        box=arrays["box"].astype(np.float32),
        pose=pose,
        pose_weight=pose_weight,
        validation=arrays["validation"].astype(bool),
        photos=arrays["name"],
        contradicted=exchanged if by_hand.any() else None,
    )
