"""MPI-INF-3DHP as distributed: ``S1/Seq1/annot.mat`` with videos to train on, ``TS1/annot_data.mat`` to test on.

28 joints in training and 17 in the test become Human3.6M's 17. 3D is ``annot3``: mm, camera axes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from fusion_model.skeletons import HUMAN36M_17
from train.data.readers.layout import LayoutError, read_numbers, read_variable, reading, require_any, require_cameras
from train.data.readers.records import Frame, Load, Plan, Record, in_units, measured_people

CAMERAS = ("0", "1", "2", "4", "5", "6", "7", "8")
_VIEWS = 14
_TRAIN_JOINTS, _TEST_JOINTS = 28, 17
_FROM_28 = (4, 23, 24, 25, 18, 19, 20, 3, 5, 6, 7, 9, 10, 11, 14, 15, 16)  # of HUMAN36M_17, in its order
_FROM_17 = (14, 8, 9, 10, 11, 12, 13, 15, 1, 16, 0, 5, 6, 7, 2, 3, 4)
_SHORT = {("S6", "Seq2", "2"): 3911}  # frames that this video has, fewer than its labels
_KINDS = ("green screen", "green screen", "indoors", "indoors", "outdoors", "outdoors")  # of TS1 to TS6


def plan_mpi_inf_3dhp(source: Path, cameras: Sequence[str], every: int) -> Plan:
    """Training sequences and test sequences that are there."""
    require_cameras(cameras, [str(view) for view in range(_VIEWS)])
    plan = Plan(HUMAN36M_17)
    train = sorted(source.glob("**/S[1-8]/Seq[12]/annot.mat"))
    test = sorted(source.glob("**/TS[1-6]/annot_data.mat"))
    if not train and not test:
        require_any(source, "**/S1/Seq1/annot.mat", "S1/Seq1/annot.mat and so on, or TS1/annot_data.mat and so on")
    plan.found.append(f"{len(train)} training sequences of 16, {len(test)} test sequences of 6")
    for path in train:
        for camera in cameras or CAMERAS:
            name = f"{path.parent.parent.name}/{path.parent.name}.{camera}"
            video = path.parent / "imageSequence" / f"video_{camera}.avi"
            if video.is_file():
                plan.units[name] = partial(_load_view, path, video, camera, every)
            else:
                plan.skipped[f"{name}: its video is not there"] += 1
    for path in test:
        plan.units |= _test_units(path, every, plan.skipped)
    return plan


def _load_view(path: Path, video: Path, camera: str, every: int, skipped: Counter[str]) -> list[Record]:
    """The people of one video of a training sequence."""
    subject, sequence = path.parent.parent.name, path.parent.name
    points, joints = (_cell(path, name, int(camera), d)[:, _FROM_28] for name, d in (("annot2", 2), ("annot3", 3)))
    if len(points) != len(joints):
        raise LayoutError(path, f"{len(points)} frames in 2D, {len(joints)} in 3D", "as many of each")
    count = min(len(joints), _SHORT.get((subject, sequence, camera), len(joints)))
    if count < len(joints):
        skipped["a labelled frame beyond the end of the video of S6/Seq2, camera 2"] += len(joints) - count
    return measured_people(
        range(0, count, every),
        points,
        joints,
        skipped,
        lambda row: {"frame": Frame(video, row), "place": f"{path}: frame {row} of camera {camera}"},
        split="train",
        subject=subject,
        camera=camera,
        sequence=sequence,
    )


def _cell(path: Path, name: str, view: int, dimensions: int) -> np.ndarray:
    """(N, 28, D) of one view of a cell array."""
    cells = np.ravel(read_variable(path, name))
    expected = f"a cell for each of {_VIEWS} views in {name}, (N, {_TRAIN_JOINTS * dimensions}) in each"
    with reading(path, expected):
        values = np.asarray(cells[view]).astype(float)
        return values.reshape(len(values), _TRAIN_JOINTS, dimensions)


def _test_units(path: Path, every: int, skipped: Counter[str]) -> dict[str, Load]:
    """The valid frames of a test sequence; its labels are small, so they are read at once."""
    subject, pictures = path.parent.name, path.parent / "imageSequence"
    valid = np.ravel(read_numbers(path, "valid_frame")) > 0
    points = _frames(path, "annot2", len(valid), 2)[:, _FROM_17]
    joints = _frames(path, "annot3", len(valid), 3)[:, _FROM_17]
    valid &= np.isfinite(points).all((1, 2)) & np.isfinite(joints).all((1, 2))
    if not valid.all():
        skipped[f"a frame of {subject} that is not valid"] += int((~valid).sum())

    def load(rows: np.ndarray, skipped: Counter[str]) -> list[Record]:
        return measured_people(
            rows,
            points,
            joints,
            skipped,
            lambda row: {"frame": Frame(pictures / f"img_{row + 1:06d}.jpg"), "place": f"{path}: frame {row}"},
            split="test",
            subject=subject,
            action=_KINDS[int(subject[2:]) - 1],
            sequence=subject,
        )

    return in_units(np.flatnonzero(valid)[::every], subject, load)


def _frames(path: Path, name: str, count: int, dimensions: int) -> np.ndarray:
    """(N, 17, D) of a test sequence, whose axes lie in one order or the other."""
    values = read_numbers(path, name)
    wanted = (count, 1, _TEST_JOINTS, dimensions)
    for found in (values, values.T):
        if found.shape == wanted:
            return found[:, 0]
    raise LayoutError(path, f"{name} has shape {values.shape}", f"{wanted} or the reverse")
