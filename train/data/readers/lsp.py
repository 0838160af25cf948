"""Leeds Sports Pose and its extension as distributed: ``joints.mat`` beside ``images/``.

LSP: (3, 14, 2000), flag 1 means hidden, all coordinates given; photos 1 to 1000 train, the others test; left and right
are the person's own. LSP-extended: (14, 3, N), flag 1 means labelled; training only, of which photos from 8501 on are
this project's validation part. Coordinates are taken as they are: the center of the top-left pixel at (0, 0).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fusion_model.skeletons import LSP_14
from train.data.readers.matlab import read_variable
from train.data.readers.records import HIDDEN, UNKNOWN, VISIBLE, Frame, LayoutError, Plan, Record, in_units, require_any

LSPET_VALIDATION_FROM = 8501
_LSP_TEST_FROM = 1001
_LSP_COUNT = 2000
_LEAST_JOINTS = 4  # fewer give no box


def plan_lsp(source: Path) -> Plan:
    """Leeds Sports Pose, small or full-size pictures."""
    section = "LSP"
    labels = _labels(source, section)
    if labels.ndim != 3 or labels.shape[0] != 3 or labels.shape[1] != len(LSP_14):
        raise LayoutError(
            source / "joints.mat", f"'joints' has shape {labels.shape}", "(3, 14, N) of LSP, not another set", section
        )
    joints = labels.transpose(2, 1, 0)
    plan = _plan(source, section, joints, np.where(joints[..., 2] == 1, HIDDEN, VISIBLE), _lsp_split)
    if len(joints) != _LSP_COUNT:
        plan.found.append(f"{len(joints)} photos where LSP has {_LSP_COUNT}")
    return plan


def plan_lspet(source: Path) -> Plan:
    """LSP-extended, or its version in high resolution (``*.png``)."""
    section = "LSP-extended"
    labels = _labels(source, section)
    if labels.ndim != 3 or labels.shape[:2] != (len(LSP_14), 3):
        raise LayoutError(
            source / "joints.mat",
            f"'joints' has shape {labels.shape}",
            "(14, 3, N) of LSP-extended, not another set",
            section,
        )
    joints = labels.transpose(2, 0, 1)
    return _plan(source, section, joints, np.where(joints[..., 2] == 1, VISIBLE, UNKNOWN), _lspet_split)


def _lsp_split(number: int) -> str:
    return "test" if number >= _LSP_TEST_FROM else "train"


def _lspet_split(number: int) -> str:
    return "validation" if number >= LSPET_VALIDATION_FROM else "train"


def _labels(source: Path, section: str) -> np.ndarray:
    """The variable ``joints``."""
    require_any(source, "joints.mat", "joints.mat and the folder images, as in the archive", section)
    labels = np.asarray(read_variable(source / "joints.mat", "joints", section))
    images = source / "images"
    if not images.is_dir():
        raise LayoutError(images, "there is no such folder", "the photos im00001.jpg and so on", section)
    return labels


def _plan(source: Path, section: str, joints: np.ndarray, visible: np.ndarray, split: Callable[[int], str]) -> Plan:
    """Records of joints (N, 14, 3) and their ``visible`` (N, 14), a person a photo."""
    names = {path.stem: path for path in sorted((source / "images").iterdir()) if path.suffix in (".jpg", ".png")}
    records, skipped = [], Counter()
    for row in range(len(joints)):
        number = row + 1
        path = names.get(f"im{number:04d}") or names.get(f"im{number:05d}")
        if path is None:
            raise LayoutError(
                source / "images",
                f"photo {number} is missing, {len(names)} are there",
                f"{len(joints)} photos, one for each row of joints.mat",
                section,
            )
        known = visible[row] != UNKNOWN
        if known.sum() < _LEAST_JOINTS:
            skipped[f"fewer than {_LEAST_JOINTS} labelled joints"] += 1
            continue
        points = np.where(known[:, None], joints[row, :, :2], 0)
        records.append(Record(Frame(path), split(number), points, visible[row], number=number))
    return Plan(LSP_14, in_units(records, "photos from"), skipped)
