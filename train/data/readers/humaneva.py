"""HumanEva-I: the poses that VideoPose3D's ConvertHumanEva.m writes, beside the distributed videos and cameras.

HumanEva does not store joints; that MATLAB script makes them from its markers. Training: the Train part of trial 1 of
S1 to S3; test: the Validate part.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from fusion_model.skeletons import HUMANEVA_15
from train.data.cameras import opencv_camera_axes
from train.data.readers.layout import LayoutError, read_numbers, reading, require_any, require_cameras
from train.data.readers.records import UNKNOWN, Frame, Plan, Record, measured_people

CAMERAS = ("C1", "C2", "C3")
PAPER_CAMERAS = ("C1",)
_SPLITS = {"Train": "train", "Validate": "test"}
_FIRST = 5  # frames before it are duplicates of the codec; Validate starts here, counted from 0

# Of each sequence of trial 1: the end of Validate and of Train, and the frame of each camera's video, counted from 1,
# that is the first of the common frames.
_SEQUENCES = {
    ("S1", "Walking"): (590, 1203, (82, 81, 82)),
    ("S1", "Jog"): (367, 740, (51, 51, 50)),
    ("S1", "ThrowCatch"): (473, 945, (61, 61, 60)),
    ("S1", "Gestures"): (395, 801, (45, 45, 44)),
    ("S1", "Box"): (385, 789, (57, 57, 56)),
    ("S2", "Walking"): (438, 876, (115, 115, 114)),
    ("S2", "Jog"): (398, 795, (100, 100, 99)),
    ("S2", "ThrowCatch"): (550, 1128, (127, 127, 127)),
    ("S2", "Gestures"): (500, 901, (122, 122, 121)),
    ("S2", "Box"): (382, 734, (119, 119, 117)),
    ("S3", "Walking"): (448, 939, (80, 80, 80)),
    ("S3", "Jog"): (401, 842, (65, 65, 65)),
    ("S3", "ThrowCatch"): (493, 1027, (79, 79, 79)),
    ("S3", "Gestures"): (533, 1102, (83, 83, 82)),
    ("S3", "Box"): (512, 1021, (1, 1, 1)),
}
_DAMAGED = {("S3", "ThrowCatch"): "its motion capture is damaged"}
_LOW_HEADS = ("S3", "Walking")
_HEAD, _THORAX = HUMANEVA_15.index("head_top"), HUMANEVA_15.index("thorax")


def plan_humaneva(source: Path, cameras: Sequence[str], every: int) -> Plan:
    """The converted sequences of the cameras that are wanted, of the paper's C1 by itself."""
    require_cameras(cameras, CAMERAS)
    plan = Plan(HUMANEVA_15)
    below = "converted_15j/" if (source / "converted_15j").is_dir() else ""
    expected = "converted_15j/Train/S1/Walking_1.mat and so on, as ConvertHumanEva.m writes them"
    for path in require_any(source, f"{below}*/S[1-4]/*.mat", expected):
        part, subject = path.parent.parent.name, path.parent.name
        action = re.sub("[_ ]1$", "", path.stem)
        reason = _DAMAGED.get((subject, action))
        if part not in _SPLITS or (subject, action) not in _SEQUENCES:
            reason = "no part of the protocol"
        if reason:
            plan.skipped[f"{part}/{subject}/{path.stem}: {reason}"] += 1
            continue
        for camera in cameras or PAPER_CAMERAS:
            name = f"{part}/{subject}/{action}.{camera}"
            plan.units[name] = partial(_load, source / subject, path, action, camera, every)
    return plan


def _read_calibration(path: Path) -> np.ndarray:
    """(21,) values of the model ``opencv`` of a ``.cal`` file: 22 numbers, the fifth a skew that has to be 0."""
    with reading(path, "22 numbers: focal lengths, center, skew of 0, 5 of distortion, rotation, translation"):
        numbers = np.array(path.read_text(encoding="ascii").split(), float)
        if len(numbers) != 22 or not np.isfinite(numbers).all() or abs(numbers[4]) > 1e-6:
            raise ValueError(f"{len(numbers)} numbers, {numbers[:5].tolist()} ...")
        return np.delete(numbers, 4)


def _load(folder: Path, path: Path, action: str, camera: str, every: int, skipped: Counter[str]) -> list[Record]:
    """The people of one camera in a converted part of a sequence; ``folder`` is the subject's."""
    subject, part, view = folder.name, path.parent.parent.name, CAMERAS.index(camera)
    middle, end, starts = _SEQUENCES[subject, action]
    first, stop = (middle, end) if part == "Train" else (_FIRST, middle)
    poses, points = _poses(path, first, stop, end)
    values = _read_calibration(folder / "Calibration_Data" / f"{camera}.cal")
    video = folder / "Image_Data" / f"{action}_1_({camera}).avi"
    records = measured_people(
        range(0, len(poses), every),
        points[view],
        opencv_camera_axes(poses, values),
        skipped,
        lambda row: {
            "frame": Frame(video, row + first + starts[view] - 1),
            "number": first + row,
            "place": f"{path}: row {row} of camera {camera}",
        },
        split=_SPLITS[part],
        subject=subject,
        action=action,
        camera=camera,
        sequence=f"{action} 1",
    )
    for record in records:
        joints = record.joints_3d
        if (subject, action) == _LOW_HEADS and joints[_HEAD, 1] > joints[_THORAX, 1]:
            joints[_HEAD], record.visible[_HEAD] = np.nan, UNKNOWN
            skipped["a head joint of S3 Walking that lies below the thorax (the person is kept)"] += 1
    return records


def _poses(path: Path, first: int, stop: int, end: int) -> tuple[np.ndarray, np.ndarray]:
    """Poses (F, 15, 3) in world mm and points (3, F, 15, 2) of the frames from ``first`` to ``stop``."""
    poses, points = read_numbers(path, "poses_3d"), read_numbers(path, "poses_2d")
    joints, count = len(HUMANEVA_15), stop - first
    if poses.shape[1:] != (joints, 3) or points.shape != (3, len(poses), joints, 2):
        found = f"poses_3d has shape {poses.shape}, poses_2d {points.shape}"
        raise LayoutError(path, found, f"(F, {joints}, 3) and (3, F, {joints}, 2)")
    if len(poses) == count:  # the part alone, as the script writes it, else all from the first frame on
        return poses, points
    if len(poses) >= end:
        return poses[first:stop], points[:, first:stop]
    raise LayoutError(path, f"{len(poses)} frames", f"the {count} of the part {path.parent.parent.name}, or all {end}")
