"""Leeds Sports Pose and its extension as distributed: ``joints.mat`` beside ``images/``.

LSP: (3, 14, 2000), flag 1 means hidden, all coordinates given; photos 1 to 1000 train, the others test; left and right
are the person's own. LSP-extended: (14, 3, N), flag 1 means labelled; training only, of which photos from 8501 on are
this project's validation part. Coordinates are taken as they are: the center of the top-left pixel at (0, 0).
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from fusion_model.skeletons import LSP_14, MPII_16
from train.data.columns import check_columns, read_arrays
from train.data.prepared import carry_joints
from train.data.readers.layout import LayoutError, read_numbers, require_any
from train.data.readers.people import TEACHER, repair_labels, teacher_joints, teacher_pose
from train.data.readers.records import HIDDEN, UNKNOWN, VISIBLE, Frame, Plan, Record, in_units
from train.data.source import Source, add_middle_joints

_LSPET_VALIDATION_FROM = 8501
_LSP_TEST_FROM = 1001
_MIN_JOINTS = 4  # fewer give no box


def plan_lsp(source: Path) -> Plan:
    """Leeds Sports Pose, small or full-size pictures."""
    joints = _labels(source, (3, len(LSP_14)), "LSP").transpose(2, 1, 0)
    visible = np.where(joints[..., 2] == 1, HIDDEN, VISIBLE)
    return _plan(source, joints, visible, np.where(np.arange(len(joints)) + 1 < _LSP_TEST_FROM, "train", "test"))


def plan_lspet(source: Path) -> Plan:
    """LSP-extended, or its version in high resolution (``*.png``)."""
    joints = _labels(source, (len(LSP_14), 3), "LSP-extended").transpose(2, 0, 1)
    split = np.where(np.arange(len(joints)) + 1 < _LSPET_VALIDATION_FROM, "train", "validation")
    return _plan(source, joints, np.where(joints[..., 2] == 1, VISIBLE, UNKNOWN), split)


def read_lspet(folder: Path, teacher: Path | None) -> Source:
    """LSP-extended for training, with what a teacher adds to the labels.

    Args:
        folder: holds ``joints.mat`` and ``images``.
        teacher: npz with pseudo-labels of the first photos, row i for photo i + 1; fills unlabelled joints, repairs
            swapped and misplaced ones (:func:`repair_labels`) and gives the 3D. None for hand labels alone.

    Raises:
        LayoutError: if a file is missing or damaged, or ``joints.mat`` has another shape.
        ValueError: if the teacher's file is damaged, or has columns of another shape.
    """
    labels = _labels(folder, (len(LSP_14), 3), "LSP-extended").transpose(2, 0, 1)
    photos = _photos(folder, len(labels))
    joints, weight = carry_joints(LSP_14, MPII_16, labels[..., :2].astype(np.float32), labels[..., 2] == 1)
    taught, rows = {name: np.zeros((len(labels), *row), kind) for name, (kind, row) in TEACHER.items()}, 0
    if teacher is not None:
        arrays = read_arrays(teacher, TEACHER, "copy it again")
        rows = len(arrays["teacher_2d"])
        check_columns(teacher, arrays, TEACHER, rows, "copy it again")
        if rows > len(labels):
            raise ValueError(f"{teacher} has {rows} rows, more than the {len(labels)} photos of {folder}")
        for name, array in taught.items():
            array[:rows] = arrays[name]
    guess, trust = teacher_joints(taught["teacher_2d"])
    exchanged = repair_labels(joints, weight, guess, trust)
    by_hand = weight > 0
    missing = ~by_hand & (np.arange(len(labels)) < rows)[:, None]
    joints[missing], weight[missing] = guess[missing], trust[missing]
    add_middle_joints(joints, weight)
    pose, pose_weight = teacher_pose(taught["teacher_3d"], taught["teacher_3d_visible"])
    return Source(
        name="lspet",
        read=lambda index: photos[index].read_bytes(),
        joints=joints,
        weight=weight,
        by_hand=by_hand,
        box=_boxes(joints, weight),
        pose=pose,
        pose_weight=pose_weight,
        validation=np.arange(len(labels)) + 1 >= _LSPET_VALIDATION_FROM,
        contradicted=None if teacher is None else exchanged,
    )


def _labels(source: Path, shape: tuple[int, int], name: str) -> np.ndarray:
    """The variable ``joints``, (*shape, N)."""
    require_any(source, "joints.mat", "joints.mat and the folder images, as in the archive")
    path = source / "joints.mat"
    labels = read_numbers(path, "joints")
    if labels.shape[:2] != shape:
        expected = f"({shape[0]}, {shape[1]}, N) of {name}, not another set"
        raise LayoutError(path, f"'joints' has shape {labels.shape}", expected)
    if not (finite := np.isfinite(labels).all((0, 1))).all():
        raise LayoutError(
            path, f"photo {finite.argmin() + 1} has a joint that is no number", "numbers: unpack it again"
        )
    return labels


def _photos(source: Path, count: int) -> list[Path]:
    """The files of photos 1 to ``count``."""
    names = {path.stem: path for path in sorted(source.glob("images/*")) if path.suffix in (".jpg", ".png")}
    photos = [names.get(f"im{number:04d}") or names.get(f"im{number:05d}") for number in range(1, count + 1)]
    if None in photos:
        found = f"photo {photos.index(None) + 1} is missing, {len(names)} are there"
        raise LayoutError(source / "images", found, f"{count} photos, one for each row of joints.mat")
    return photos


def _plan(source: Path, joints: np.ndarray, visible: np.ndarray, split: np.ndarray) -> Plan:
    """Records of joints (N, 14, 3), their ``visible`` (N, 14) and ``split`` (N,), a person a photo."""
    records, skipped = [], Counter()
    for row, path in enumerate(_photos(source, len(joints))):
        known = visible[row] != UNKNOWN
        if known.sum() < _MIN_JOINTS:
            skipped[f"fewer than {_MIN_JOINTS} labelled joints"] += 1
            continue
        points = np.where(known[:, None], joints[row, :, :2], 0)
        place = f"{source / 'joints.mat'}: photo {row + 1}"
        records.append(Record(Frame(path), str(split[row]), points, visible[row], number=row + 1, place=place))
    return Plan(LSP_14, in_units(records, "photos from"), skipped)


def _boxes(joints: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(N, 4) tight boxes of the labelled joints; the unit box where there is none."""
    known = weight[..., None] > 0
    low, high = np.where(known, joints, np.inf).min(1), np.where(known, joints, -np.inf).max(1)
    boxes = np.concatenate((low, np.maximum(high, low + 1)), 1)
    boxes[known.sum((1, 2)) < 2] = 0, 0, 1, 1
    return boxes.astype(np.float32)
