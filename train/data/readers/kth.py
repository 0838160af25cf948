"""KTH Multiview Football II (3D part) as distributed: pictures of three cameras and text files of numbers.

``positions3d.txt`` is (F, 14, 3) in body axes, about metres; ``positions2d.txt`` (F, 3, 14, 2); ``cameras.txt``
(F, 3, 4, 2), the transpose of affine 2 x 4 cameras. The joints are LSP's. The first half of each sequence is for
training, the second for testing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from fusion_model.skeletons import LSP_14
from train.data.cameras import affine_rotation, project_affine
from train.data.readers.layout import LayoutError, reading, require_any, require_cameras
from train.data.readers.records import Frame, Plan, Record, measured_people

CAMERAS = ("1", "2", "3")
PAPER_CAMERAS = ("1",)
_JOINTS = len(LSP_14)
_MM = 1000.0  # of the unit that positions are stored in, about a metre
_FAR = 50.0  # pixels by which cameras and positions may disagree in the middle (median)


def plan_kth(source: Path, cameras: Sequence[str], every: int) -> Plan:
    """Every sequence under a folder, of the paper's camera 1 by itself."""
    require_cameras(cameras, CAMERAS)
    plan = Plan(LSP_14)
    expected = "player2sequence1/Sequence 1/positions3d.txt and so on, each zip unpacked into a folder of its name"
    for path in require_any(source, "**/positions3d.txt", expected):
        place = path.parent.relative_to(source)
        who = re.search(r"player\s*_?(\d+).*?sequence\s*_?(\d+)", str(place), re.IGNORECASE)
        if who is None:
            raise LayoutError(path, "no folder names player and sequence", expected)
        name = f"player{who[1]}sequence{who[2]}"
        plan.found.append(f"player {who[1]}, sequence {who[2]}: {place}")
        for camera in cameras or PAPER_CAMERAS:
            if f"{name}.{camera}" in plan.units:
                raise LayoutError(source, f"two folders hold {name}", expected)
            plan.units[f"{name}.{camera}"] = partial(_load, path.parent, who[1], name, camera, every)
    return plan


def _load(folder: Path, player: str, sequence: str, camera: str, every: int, skipped: Counter[str]) -> list[Record]:
    """The people of one camera of a sequence."""
    poses = _numbers(folder / "positions3d.txt", (_JOINTS, 3))
    points = _numbers(folder / "positions2d.txt", (3, _JOINTS, 2), len(poses))
    values = _numbers(folder / "cameras.txt", (3, 4, 2), len(poses))
    view = CAMERAS.index(camera)
    points, matrices = points[:, view], values[:, view].transpose(0, 2, 1)
    with reading(folder / "cameras.txt", "affine cameras"):
        if not np.isfinite(matrices).all():
            raise ValueError("a camera holds NaN or infinity")
        seen = np.stack([project_affine(pose, matrix) for pose, matrix in zip(poses, matrices, strict=True)])
        distance = np.nanmedian(np.linalg.norm(seen - points, axis=-1))  # NaN in frames without a pose
        if distance > _FAR:
            raise ValueError(f"its cameras put the 3D joints {distance:.0f} pixels (median) from the 2D ones")
        turns = np.stack([affine_rotation(matrix) for matrix in matrices])
    return measured_people(
        range(0, len(poses), every),
        points,
        _MM * poses @ turns.transpose(0, 2, 1),
        skipped,
        lambda row: {
            "frame": Frame(folder / f"Camera {camera}" / f"{row + 1:05d}.png"),
            "split": "train" if row < len(poses) // 2 else "test",
            "place": f"{folder / 'positions2d.txt'}: frame {row} of camera {camera}",
        },
        subject=f"player {player}",
        camera=camera,
        sequence=sequence,
    )


def _numbers(path: Path, shape: tuple[int, ...], frames: int = -1) -> np.ndarray:
    """(F, *shape) of a text file with a number a line."""
    count = f" for {frames} frames" if frames > 0 else ""
    with reading(path, f"a number a line, {np.prod(shape)} a frame{count}"):
        return np.array(path.read_text(encoding="ascii").split(), float).reshape(frames, *shape)
