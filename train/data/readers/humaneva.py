"""HumanEva-I: the poses that VideoPose3D's ConvertHumanEva.m writes, beside the distributed videos and cameras.

HumanEva does not store joints; that MATLAB script makes them from its markers. Training: the Train part of trial 1 of
S1 to S3; test: the Validate part.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from fusion_model.skeletons import HUMANEVA_15
from train.data.cameras import opencv_camera_axes
from train.data.readers.layout import LayoutError, Place, reading, require_any, require_cameras
from train.data.readers.matlab import read_numbers
from train.data.readers.records import UNKNOWN, Frame, Labels, Plan, Unit, measured_people

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


@dataclass(frozen=True)
class _View:
    """One part of one sequence of one camera."""

    source: Path
    poses: Path
    part: str
    subject: str
    action: str
    camera: str


def plan_humaneva(source: Path, cameras: tuple[str, ...], every: int) -> Plan:
    """The converted sequences of the cameras that are wanted, of the paper's C1 by itself.

    Raises:
        LayoutError: if there is no converted sequence, or one is not of HumanEva.
    """
    require_cameras(cameras, CAMERAS)
    plan = Plan(HUMANEVA_15, [], camera_model="opencv")
    below = "converted_15j/" if (source / "converted_15j").is_dir() else ""
    expected = "converted_15j/Train/S1/Walking_1.mat and so on, as ConvertHumanEva.m writes them"
    for path in require_any(source, f"{below}*/S[1-4]/*.mat", expected):
        part, subject = path.parent.parent.name, path.parent.name
        match = re.fullmatch(r"(\w+?)[_ ]1", path.stem)
        action = match[1] if match else ""
        reason = _DAMAGED.get((subject, action))
        if part not in _SPLITS or (subject, action) not in _SEQUENCES:
            reason = "no part of the protocol"
        if reason:
            plan.skipped[f"{part}/{subject}/{path.stem}: {reason}"] += 1
            continue
        for camera in cameras or PAPER_CAMERAS:
            view = _View(source, path, part, subject, action, camera)
            plan.units.append(Unit(f"{part}/{subject}/{action}.{camera}", partial(_load, view, every)))
    return plan


def read_calibration(path: Path) -> np.ndarray:
    """(21,) values of the model ``opencv`` of a ``.cal`` file: 22 numbers, the fifth a skew that has to be 0.

    Raises:
        LayoutError: if the file is missing or holds something else.
    """
    expected = "22 numbers: focal lengths, center, skew of 0, 5 of distortion, rotation, translation"
    with reading(path, expected):
        numbers = np.array(path.read_text(encoding="ascii").split(), float)
    if len(numbers) != 22 or not np.isfinite(numbers).all() or abs(numbers[4]) > 1e-6:
        raise LayoutError(path, f"{len(numbers)} numbers, {numbers[:5].tolist()} ...", expected)
    return np.delete(numbers, 4)


def _load(view: _View, every: int) -> Labels:
    """The people of one view."""
    first, poses, points = _poses(view)
    values = read_calibration(view.source / view.subject / "Calibration_Data" / f"{view.camera}.cal")
    video = view.source / view.subject / "Image_Data" / f"{view.action}_1_({view.camera}).avi"
    offset = first + _SEQUENCES[view.subject, view.action][2][CAMERAS.index(view.camera)] - 1
    labels = measured_people(
        range(0, len(poses), every),
        points,
        opencv_camera_axes(poses, values),
        lambda row: {
            "frame": Frame(video, row + offset),
            "number": first + row,
            "place": Place(view.poses, f"row {row} of camera {view.camera}"),
        },
        split=_SPLITS[view.part],
        subject=view.subject,
        action=view.action,
        camera=view.camera,
        sequence=f"{view.action} 1",
        camera_values=tuple(values),
    )
    for record in labels.records:
        joints = record.joints_3d
        if (view.subject, view.action) == _LOW_HEADS and joints[_HEAD, 1] > joints[_THORAX, 1]:
            joints[_HEAD], record.visible[_HEAD] = np.nan, UNKNOWN
            labels.skipped["a head joint of S3 Walking that lies below the thorax (the person is kept)"] += 1
    return labels


def _poses(view: _View) -> tuple[int, np.ndarray, np.ndarray]:
    """The first frame from 0, poses (F, 15, 3) in world mm and points (F, 15, 2) of one part."""
    poses = read_numbers(view.poses, "poses_3d")
    points = read_numbers(view.poses, "poses_2d")
    joints = len(HUMANEVA_15)
    if poses.ndim != 3 or poses.shape[1:] != (joints, 3) or points.shape != (3, len(poses), joints, 2):
        found = f"poses_3d has shape {poses.shape}, poses_2d {points.shape}"
        raise LayoutError(view.poses, found, f"(F, {joints}, 3) and (3, F, {joints}, 2)")
    points = points[CAMERAS.index(view.camera)]
    middle, end, _ = _SEQUENCES[view.subject, view.action]
    start, stop = (middle, end) if view.part == "Train" else (_FIRST, middle)
    if len(poses) == stop - start:  # the part alone, as the script writes it, else all from the first frame on
        return start, poses, points
    if len(poses) >= end:
        return start, poses[start:stop], points[start:stop]
    raise LayoutError(view.poses, f"{len(poses)} frames", f"the {stop - start} of the {view.part} part, or all {end}")
