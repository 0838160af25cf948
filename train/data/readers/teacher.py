"""Pseudo-labels of teacher networks, as they lie beside the packs.

2D: (N, 19, 3) x, y, score: COCO's 17 joints, then neck and head top, both computed from the others. 3D: (N, 17, 3)
mm, Human3.6M's order; its spine, thorax, neck and head are made from other joints. (N, 33): the 3D teacher's own
visibility in BlazePose's order.
"""

from __future__ import annotations

import numpy as np

from fusion_model.skeletons import COCO_17, HUMAN36M_17, LIMB_JOINTS, MPII_16

MIN_SCORE = 0.6  # below it the two teachers disagree too often to learn from
TEACHER = {
    "teacher_2d": (np.float32, (19, 3)),
    "teacher_3d": (np.int16, (17, 3)),
    "teacher_3d_visible": (np.float32, (33,)),
}
"""Type and shape of a row of each array."""

_MADE_WEIGHT = 0.1  # of 3D joints that were made from others: enough to have a value, too little to be a lesson
_NAMES_19 = (*COCO_17.joints, "neck", "head_top")
_BLAZEPOSE_LIMBS = {
    "left_shoulder": 11, "right_shoulder": 12, "left_elbow": 13, "right_elbow": 14, "left_wrist": 15,
    "right_wrist": 16, "left_hip": 23, "right_hip": 24, "left_knee": 25, "right_knee": 26, "left_ankle": 27,
    "right_ankle": 28,
}  # fmt: skip


def teacher_joints(teacher_2d: np.ndarray, min_score: float = MIN_SCORE) -> tuple[np.ndarray, np.ndarray]:
    """Joints of sufficient score in MPII order.

    Returns:
        joints (N, 16, 2) float32 and weight (N, 16) float32, the score squared, 0 below ``min_score``.
    """
    joints = np.zeros((len(teacher_2d), len(MPII_16), 2), np.float32)
    weight = np.zeros(joints.shape[:2], np.float32)
    for column, name in enumerate(_NAMES_19):
        if name in MPII_16.joints:
            target = MPII_16.index(name)
            joints[:, target] = teacher_2d[:, column, :2]
            score = teacher_2d[:, column, 2].astype(np.float32)
            weight[:, target] = np.where(score >= min_score, score**2, 0)
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
