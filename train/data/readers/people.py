"""Packs of people: ``<name>.npz`` with the labels beside ``<name>.zip`` with a photo a person.

Arrays: name, validation (N,), box (N, 4), joints (N, 16, 3) by hand in MPII order with flag 0 none, 1 hidden,
2 visible, teacher_2d (N, 19, 3), teacher_3d (N, 17, 3), teacher_3d_visible (N, 33).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from train.data.columns import check_boxes, read_columns
from train.data.readers.label_repair import exchanged_sides
from train.data.readers.teacher import TEACHER, teacher_joints, teacher_pose
from train.data.source import Source, add_middle_joints
from train.data.zips import ZipReader

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
    archive = labels.with_suffix(".zip")
    for path in (labels, archive):
        if not path.is_file():
            expected = "a pack of people is an npz file with a zip of the same name beside it"
            raise FileNotFoundError(f"{path} not found: {expected}")
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
        contradicted=np.stack([exchanged["arms"], exchanged["legs"]], 1) if by_hand.any() else None,
    )
