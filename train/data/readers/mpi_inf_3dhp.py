"""MPI-INF-3DHP as distributed: ``S1/Seq1/annot.mat`` with videos to train on, ``TS1/annot_data.mat`` to test on.

28 joints in training and 17 in the test become Human3.6M's 17. 3D is ``annot3``: mm, camera axes.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np

from fusion_model.skeletons import HUMAN36M_17
from train.data.readers.matlab import as_numbers, read_numbers, read_variable
from train.data.readers.records import (
    VISIBLE,
    Frame,
    Labels,
    LayoutError,
    Place,
    Plan,
    Record,
    Unit,
    require_any,
    split_units,
)

CAMERAS = ("0", "1", "2", "4", "5", "6", "7", "8")
_VIEWS = 14
_TRAIN_JOINTS, _TEST_JOINTS = 28, 17
_FROM_28 = (4, 23, 24, 25, 18, 19, 20, 3, 5, 6, 7, 9, 10, 11, 14, 15, 16)  # of HUMAN36M_17, in its order
_FROM_17 = (14, 8, 9, 10, 11, 12, 13, 15, 1, 16, 0, 5, 6, 7, 2, 3, 4)
_SHORT = {("S6", "Seq2", "2"): 3911}  # frames that this video has, fewer than its labels
_NO_NUMBER = "a frame whose pose is no number"
_KINDS = ("green screen", "green screen", "indoors", "indoors", "outdoors", "outdoors")  # of TS1 to TS6


def plan_mpi_inf_3dhp(source: Path, cameras: tuple[str, ...], every: int) -> Plan:
    """Training sequences and test sequences that are there.

    Raises:
        LayoutError: if there is neither.
    """
    if unknown := [camera for camera in cameras if not camera.isdigit() or int(camera) >= _VIEWS]:
        raise ValueError(f"the cameras of MPI-INF-3DHP are 0 to {_VIEWS - 1}, not {unknown[0]}")
    plan = Plan(HUMAN36M_17, [], camera_model="pinhole")
    train = sorted(source.glob("**/S[1-8]/Seq[12]/annot.mat"))
    test = sorted(source.glob("**/TS[1-6]/annot_data.mat"))
    if not train and not test:
        expected = "S1/Seq1/annot.mat and so on, or TS1/annot_data.mat and so on"
        elsewhere = require_any(source, "**/annot*.mat", expected)
        raise LayoutError(source, f"there is {elsewhere[0].relative_to(source)}", expected)
    plan.found.append(f"{len(train)} training sequences of 16, {len(test)} test sequences of 6")
    for path in train:
        for camera in cameras or CAMERAS:
            name = f"{path.parent.parent.name}/{path.parent.name}.{camera}"
            if (path.parent / "imageSequence" / f"video_{camera}.avi").is_file():
                plan.units.append(Unit(name, partial(_load_view, path, camera, every)))
            else:
                plan.skipped[f"{name}: its video is not there"] += 1
    for path in test:
        plan.units += _test_units(path, every)
    return plan


def _load_view(path: Path, camera: str, every: int) -> Labels:
    """The people of one video of a training sequence."""
    subject, sequence = path.parent.parent.name, path.parent.name
    points = _cell(path, "annot2", int(camera), 2)[:, _FROM_28]
    joints = _cell(path, "annot3", int(camera), 3)[:, _FROM_28]
    if len(points) != len(joints):
        raise LayoutError(path, f"{len(points)} frames in 2D, {len(joints)} in 3D", "as many of each")
    skipped: Counter[str] = Counter()
    count = min(len(joints), _SHORT.get((subject, sequence, camera), len(joints)))
    if count < len(joints):
        skipped["a labelled frame beyond the end of the video of S6/Seq2, camera 2"] = len(joints) - count
    values = _intrinsics(path.with_name("camera.calibration"), int(camera))
    video = path.parent / "imageSequence" / f"video_{camera}.avi"
    valid = np.isfinite(points).all((1, 2)) & np.isfinite(joints).all((1, 2))
    wanted = np.arange(0, count, every)
    if left_out := int((~valid[wanted]).sum()):
        skipped[_NO_NUMBER] = left_out
    records = [
        Record(
            Frame(video, number),
            "train",
            points[number],
            np.full(len(HUMAN36M_17), VISIBLE),
            joints[number],
            subject=subject,
            camera=camera,
            sequence=sequence,
            number=number,
            camera_values=values,
            extra={"activity": float("nan")},
            place=Place(path, f"frame {number} of camera {camera}"),
        )
        for number in wanted[valid[wanted]].tolist()
    ]
    return Labels(records, skipped)


def _cell(path: Path, name: str, view: int, dimensions: int) -> np.ndarray:
    """(N, 28, D) of one view of a cell array."""
    cells = np.atleast_1d(np.squeeze(read_variable(path, name)))
    expected = f"a cell for each of {_VIEWS} views, (N, {_TRAIN_JOINTS * dimensions}) in each"
    if cells.dtype != object or len(cells) <= view:
        raise LayoutError(path, f"{name} has shape {cells.shape}, type {cells.dtype}", expected)
    values = as_numbers(cells[view], path, f"{name} of view {view}")
    if values.ndim != 2 or values.shape[1] != _TRAIN_JOINTS * dimensions:
        raise LayoutError(path, f"{name} of view {view} has shape {values.shape}", expected)
    return values.reshape(-1, _TRAIN_JOINTS, dimensions)


def _intrinsics(path: Path, view: int) -> tuple[float, ...]:
    """Fx fy cx cy of a view in ``camera.calibration``; empty where the file is not there."""
    if not path.is_file():
        return ()
    names = re.findall(r"^name\s+(\d+)", text := path.read_text(encoding="ascii", errors="replace"), re.MULTILINE)
    matrices = re.findall(r"^\s*intrinsic\s+(.+)$", text, re.MULTILINE)
    try:
        numbers = [float(word) for word in matrices[names.index(str(view))].split()]
        values = numbers[0], numbers[5], numbers[2], numbers[6]
    except (ValueError, IndexError) as error:
        expected = f"'name {view}' and below it 'intrinsic' with 16 numbers"
        raise LayoutError(path, f"camera {view} cannot be read ({error})", expected) from error
    if not np.isfinite(values).all():
        raise LayoutError(path, f"camera {view} holds NaN or infinity", "numbers")
    return values


def _test_units(path: Path, every: int) -> list[Unit]:
    """The valid frames of a test sequence; its labels are small, so they are read at once."""
    valid = np.ravel(read_numbers(path, "valid_frame")) > 0
    points = _frames(path, "annot2", len(valid), 2)[:, _FROM_17]
    joints = _frames(path, "annot3", len(valid), 3)[:, _FROM_17]
    valid &= np.isfinite(points).all((1, 2)) & np.isfinite(joints).all((1, 2))
    numbers = np.flatnonzero(valid)[::every]
    activity = np.ravel(read_numbers(path, "activity_annotation"))
    if len(activity) != len(valid):
        raise LayoutError(path, f"{len(activity)} activities", f"{len(valid)}, one a frame")
    subject = path.parent.name
    skipped = int((~valid).sum())

    def load(rows: range) -> Labels:
        records = [
            Record(
                Frame(path.parent / "imageSequence" / f"img_{number + 1:06d}.jpg"),
                "test",
                points[number],
                np.full(len(HUMAN36M_17), VISIBLE),
                joints[number],
                subject=subject,
                action=_KINDS[int(subject[2:]) - 1],
                sequence=subject,
                number=int(number),
                extra={"activity": float(activity[number])},
                place=Place(path, f"frame {number}"),
            )
            for number in numbers[rows]
        ]
        invalid = {} if rows.start or not skipped else {f"a frame of {subject} that is not valid": skipped}
        return Labels(records, Counter(invalid))

    return split_units(len(numbers), subject, load)


def _frames(path: Path, name: str, count: int, dimensions: int) -> np.ndarray:
    """(N, 17, D) of a test sequence, whose axes lie in one order or the other."""
    values = read_numbers(path, name)
    wanted = (count, 1, _TEST_JOINTS, dimensions)
    for found in (values, values.T):
        if found.shape == wanted:
            return found[:, 0]
    raise LayoutError(path, f"{name} has shape {values.shape}", f"{wanted} or the reverse")
