"""Leeds Sports Pose Extended, in its distributed layout: ``joints.mat`` (14, 3, N) and ``images/im00001.jpg``.

Flag 1 means labelled. Coordinates are taken as they are: pixel centers whole numbers, top left (0, 0).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from fusion_model.skeletons import LSP_14, MPII_16, conversion_matrix
from train.data.people import Source, add_middle_joints
from train.data.readers.label_repair import repair_labels
from train.data.readers.teacher import teacher_joints, teacher_pose


def read_lspet(folder: Path, teacher: Path | None, validation_from: int) -> Source:
    """Read the set.

    Args:
        folder: holds ``joints.mat`` and ``images``.
        teacher: npz with pseudo-labels of the first photos, row i for photo i + 1; fills unlabelled joints, settles
            swapped and misplaced ones (:mod:`train.data.readers.label_repair`) and gives the 3D. None for hand labels alone.
        validation_from: 1-based number of the first photo held out.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if ``joints.mat`` cannot be read, or has another shape.
    """
    path = folder / "joints.mat"
    if not path.is_file():
        msg = f"{path} not found: expected LSP-extended as distributed, joints.mat beside images/"
        raise FileNotFoundError(msg)
    labels = _labels(path)
    if labels.ndim != 3 or labels.shape[:2] != (14, 3):
        msg = f"{path}: variable 'joints' has shape {labels.shape}, expected (14, 3, N) of LSP-extended"
        raise ValueError(msg)
    labels = labels.transpose(2, 0, 1).astype(np.float32)
    count = len(labels)
    carried = conversion_matrix(LSP_14, MPII_16)
    joints = np.einsum("ts,nsc->ntc", carried, labels[..., :2])
    labelled = labels[..., 2] == 1
    weight = (np.einsum("ts,ns->nt", carried, labelled.astype(np.float32)) == 1).astype(np.float32)
    by_hand = weight > 0
    pose, pose_weight = np.zeros((count, 17, 3), np.float32), np.zeros((count, 17), np.float32)
    if teacher is not None:
        with np.load(teacher) as data:
            rows = len(data["teacher_2d"])
            guess, trust = teacher_joints(data["teacher_2d"])
            pose[:rows], pose_weight[:rows] = teacher_pose(data["teacher_3d"], data["teacher_3d_visible"])
        repair_labels(joints[:rows], weight[:rows], guess, trust)
        by_hand = weight > 0
        missing = ~by_hand[:rows]
        joints[:rows][missing], weight[:rows][missing] = guess[missing], trust[missing]
        add_middle_joints(joints, weight)

    numbers = np.arange(count) + 1
    return Source(
        name="lspet",
        read=lambda index: (folder / "images" / f"im{index + 1:05d}.jpg").read_bytes(),
        joints=joints,
        weight=weight,
        by_hand=by_hand,
        box=_boxes(joints, weight),
        pose=pose,
        pose_weight=pose_weight,
        validation=numbers >= validation_from,
    )


def _labels(path: Path) -> np.ndarray:
    """The variable ``joints`` of a MATLAB file."""
    try:
        variables = loadmat(path)
    except (ValueError, TypeError, EOFError, MatReadError, NotImplementedError) as error:
        msg = f"{path} cannot be read as a MATLAB file ({error}): unpack LSP-extended again"
        raise ValueError(msg) from error
    if "joints" not in variables:
        found = ", ".join(name for name in variables if not name.startswith("__"))
        msg = f"{path} has no variable 'joints' but {found or 'none'}: expected the file of LSP-extended"
        raise ValueError(msg)
    return variables["joints"]


def _boxes(joints: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(N, 4) tight boxes of the labelled joints; the unit box where there is none."""
    boxes = np.tile(np.array([0, 0, 1, 1], np.float32), (len(joints), 1))
    for row, (points, known) in enumerate(zip(joints, weight > 0, strict=True)):
        if known.sum() >= 2:
            low, high = points[known].min(0), points[known].max(0)
            boxes[row] = (*low, *np.maximum(high, low + 1))
    return boxes
