"""Packs of people: ``<name>.npz`` with the labels beside ``<name>.zip`` with a photo a person.

Arrays: name, validation (N,), box (N, 4), joints (N, 16, 3) by hand in MPII order with flag 0 none, 1 hidden,
2 visible, teacher_2d (N, 19, 3), teacher_3d (N, 17, 3), teacher_3d_visible (N, 33).

Pseudo-labels of teacher networks: 2D x, y, score of COCO's 17 joints, then neck and head top, both computed from the
others; 3D mm in Human3.6M's order, whose spine, thorax, neck and head are made from other joints; the 3D teacher's own
visibility in BlazePose's order.

Annotators mistake left for right: of a whole person, of the arms or of the legs. Where the two strong networks of the
teacher agree on the mirrored labels, label repair exchanges the sides; where they are confident of a place far from the
label, it drops the label.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fusion_model.skeletons import COCO_17, HUMAN36M_17, LIMB_JOINTS, MPII_16
from train.data.columns import check_boxes, check_columns, check_shares, read_arrays
from train.data.photos import ZipReader, archive_beside
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


_NEAR = 0.2  # torso lengths from the teacher's joint, within which a label agrees with it
_FAR = 0.5  # torso lengths from which it contradicts
_CONFIDENT = 0.64  # teacher's weight (score 0.8, squared) from which its contradiction counts
_MIN_JOINTS = 4  # of a limb pair that both know, to compare its sides
_MARGIN = 0.5  # fraction of joints that must agree better when mirrored

LIMB_PAIRS = {
    "arms": [MPII_16.index(f"{side}_{name}") for name in ("shoulder", "elbow", "wrist") for side in ("left", "right")],
    "legs": [MPII_16.index(f"{side}_{name}") for name in ("hip", "knee", "ankle") for side in ("left", "right")],
}
"""Joints of MPII_16 that belong to a pair of limbs."""

_MIRROR = np.array(MPII_16.mirror)
_SHOULDERS = [MPII_16.index("left_shoulder"), MPII_16.index("right_shoulder")]
_HIPS = [MPII_16.index("right_hip"), MPII_16.index("left_hip")]  # those across the torso


def teacher_joints(teacher_2d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Joints of sufficient score in MPII order.

    Returns:
        joints (N, 16, 2) float32 and weight (N, 16) float32, the score squared, 0 below 0.6.
    """
    joints = np.zeros((len(teacher_2d), len(MPII_16), 2), np.float32)
    weight = np.zeros(joints.shape[:2], np.float32)
    for column, name in enumerate((*COCO_17.joints, "neck", "head_top")):
        if name in MPII_16.joints:
            score = teacher_2d[:, column, 2].astype(np.float32)
            joints[:, MPII_16.index(name)] = teacher_2d[:, column, :2]
            weight[:, MPII_16.index(name)] = np.where(score >= _MIN_SCORE, score**2, 0)
    return joints, weight


def teacher_pose(teacher_3d: np.ndarray, visible: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """3D joints and how far each is trusted.

    Returns:
        pose (N, 17, 3) float32 mm and weight (N, 17) float32: 0 for joints of zeros, but for a pelvis among others.
    """
    pose = teacher_3d.astype(np.float32)
    weight = np.full(pose.shape[:2], _MADE_WEIGHT, np.float32)
    weight[:, HUMAN36M_17.index("pelvis")] = 1.0
    for name in LIMB_JOINTS:
        seen = visible[:, _BLAZEPOSE_LIMBS[name]].astype(np.float32)
        weight[:, HUMAN36M_17.index(name)] = np.clip(seen, _MADE_WEIGHT, 1.0)
    missing = (pose == 0).all(-1)
    missing[:, HUMAN36M_17.root] = missing.all(1)
    weight[missing] = 0
    return pose, weight


def repair_labels(joints: np.ndarray, weight: np.ndarray, guess: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """Exchange swapped sides and drop misplaced joints, in place; arguments and result as :func:`exchanged_sides`."""
    torso = np.maximum(_torso(joints, weight), _torso(guess, trust))
    exchanged = exchanged_sides(joints, weight, guess, trust)
    for limbs, rows in zip(LIMB_PAIRS.values(), exchanged.T, strict=True):
        for values in (joints, weight):
            values[np.ix_(rows, limbs)] = values[np.ix_(rows, _MIRROR[limbs])]
    far = np.linalg.norm(joints - guess, axis=-1) > _FAR * torso[:, None]
    weight[far & (trust >= _CONFIDENT)] = 0
    return exchanged


def exchanged_sides(joints: np.ndarray, weight: np.ndarray, guess: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """People whose labels of a pair of limbs a second opinion clearly sees on the other side.

    Args:
        joints: (N, 16, 2) labels, MPII order.
        weight: (N, 16) bool or number, 0 where there is no label.
        guess: (N, 16, 2) the second opinion.
        trust: (N, 16) 0 where it does not know.

    Returns:
        (N, 2) bool, of the arms and of the legs.
    """
    near = _NEAR * np.maximum(_torso(joints, weight), _torso(guess, trust))[:, None]  # the longer torso; NaN if unknown
    exchanged = []
    for limbs in LIMB_PAIRS.values():
        mirrored = _MIRROR[limbs]
        both = (weight[:, limbs] > 0) & (weight[:, mirrored] > 0) & (trust[:, limbs] > 0)
        straight, crossed = (
            ((np.linalg.norm(joints[:, side] - guess[:, limbs], axis=-1) < near) & both).sum(1)
            for side in (limbs, mirrored)
        )
        known = both.sum(1)
        exchanged.append((known >= _MIN_JOINTS) & (crossed - straight >= _MARGIN * known))
    return np.stack(exchanged, 1)


def _torso(joints: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(N,) the longer of the torso's two diagonals as far as they are known, pixels; NaN where neither is."""
    lengths = np.linalg.norm(joints[:, _SHOULDERS] - joints[:, _HIPS], axis=-1)
    return np.fmax(*np.where((weight[:, _SHOULDERS] > 0) & (weight[:, _HIPS] > 0), lengths, np.nan).T)


_ARRAYS = {
    "name": (np.str_, ()), "validation": (np.bool_, ()), "box": (np.float32, (4,)), "joints": (np.float32, (16, 3)),
    **TEACHER,
}  # fmt: skip
_ADVICE = "copy it again, or mend it if it is yours"


def read_people(labels: Path) -> Source:
    """Read a pack by its npz file.

    Raises:
        FileNotFoundError: if the npz or the zip beside it is missing.
        ValueError: if the file is damaged, or an array is missing, of another type or shape, or no number; names it.
    """
    archive = archive_beside(labels, "people")
    arrays, reader = read_arrays(labels, _ARRAYS, _ADVICE), ZipReader("photo", "copy the archive again")
    check_columns(labels, arrays, _ARRAYS, arrays["name"].size, _ADVICE)
    check_boxes(labels, "box", arrays["box"], _ADVICE)
    check_shares(labels, "teacher_2d", arrays["teacher_2d"][..., 2], _ADVICE)
    check_shares(labels, "teacher_3d_visible", arrays["teacher_3d_visible"], _ADVICE)
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
