"""KTH Multiview Football II (3D part) as distributed: pictures of three cameras and text files of numbers.

``positions3d.txt`` is (F, 14, 3) in body axes, about metres; ``positions2d.txt`` (F, 3, 14, 2); ``cameras.txt``
(F, 3, 4, 2), the transpose of affine 2 x 4 cameras. The joints are LSP's. The first half of each sequence is for
training, the second for testing.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import numpy as np

from fusion_model.skeletons import LSP_14
from train.data.cameras import affine_rotation, project_affine
from train.data.readers.records import VISIBLE, Frame, Labels, LayoutError, Place, Plan, Record, Unit, require_any

CAMERAS = ("1", "2", "3")
PAPER_CAMERAS = ("1",)
_JOINTS = len(LSP_14)
_MM = 1000.0  # of the unit that positions are stored in, about a metre
_FAR = 50.0  # pixels by which cameras and positions may disagree in the middle (median)


def plan_kth(source: Path, cameras: tuple[str, ...], every: int) -> Plan:
    """Every sequence under a folder, of the paper's camera 1 by itself.

    Raises:
        LayoutError: if there is none, or its files do not fit each other.
    """
    if unknown := [camera for camera in cameras if camera not in CAMERAS]:
        raise ValueError(f"the cameras of KTH are {', '.join(CAMERAS)}, not {unknown[0]}")
    plan = Plan(LSP_14, [], camera_model="affine")
    expected = "player2sequence1/Sequence 1/positions3d.txt and so on, each zip unpacked into a folder of its name"
    for path in require_any(source, "**/positions3d.txt", expected):
        folder = path.parent
        player, sequence = _who(path.relative_to(source))
        plan.found.append(f"player {player}, sequence {sequence}: {folder.relative_to(source)}")
        for camera in cameras or PAPER_CAMERAS:
            load = partial(_load, folder, player, sequence, camera, every)
            plan.units.append(Unit(f"player{player}sequence{sequence}.{camera}", load))
    names = [unit.name for unit in plan.units]
    if len(set(names)) < len(names):
        raise LayoutError(source, "two folders hold the same sequence", expected)
    return plan


def _who(path: Path) -> tuple[str, str]:
    """Player and sequence by the names of the folders that a file lies in."""
    player = re.search(r"player\s*_?(\d+)", str(path), re.IGNORECASE)
    sequence = re.search(r"sequence\s*_?(\d+)", str(path), re.IGNORECASE)
    if player is None or sequence is None:
        missing = "player" if player is None else "sequence"
        expected = "folders called player2sequence1/Sequence 1, as the zips are"
        raise LayoutError(path, f"no folder names the {missing}", expected)
    return player[1], sequence[1]


def _load(folder: Path, player: str, sequence: str, camera: str, every: int) -> Labels:
    """The people of one camera of a sequence."""
    poses = _numbers(folder / "positions3d.txt", (_JOINTS, 3))
    points = _numbers(folder / "positions2d.txt", (3, _JOINTS, 2), len(poses))
    values = _numbers(folder / "cameras.txt", (3, 4, 2), len(poses))
    view = CAMERAS.index(camera)
    points, matrices = points[:, view], values[:, view].transpose(0, 2, 1)
    _check(folder, poses, points, matrices)
    labels = Labels([])
    for row in range(0, len(poses), every):
        if not (np.isfinite(poses[row]).all() and np.isfinite(points[row]).all()):
            labels.skipped["a frame whose pose is no number"] += 1
            continue
        labels.records.append(
            Record(
                Frame(folder / f"Camera {camera}" / f"{row + 1:05d}.png"),
                "train" if row < len(poses) // 2 else "test",
                points[row],
                np.full(_JOINTS, VISIBLE),
                _MM * poses[row] @ _rotation(folder, row, matrices[row]).T,
                subject=f"player {player}",
                camera=camera,
                sequence=f"player{player}sequence{sequence}",
                number=row,
                camera_values=tuple(matrices[row].ravel()),
                place=Place(folder / "positions2d.txt", f"frame {row} of camera {camera}"),
            )
        )
    return labels


def _numbers(path: Path, shape: tuple[int, ...], frames: int | None = None) -> np.ndarray:
    """(F, *shape) of a text file with a number a line."""
    width = int(np.prod(shape))
    expected = f"a number a line, {width} a frame" + (f" for {frames} frames" if frames else "")
    try:
        numbers = np.array(path.read_text(encoding="ascii").split(), float)
    except (OSError, ValueError) as error:
        raise LayoutError(path, f"cannot be read ({error})", expected) from error
    if not len(numbers) or len(numbers) % width or (frames and len(numbers) != frames * width):
        raise LayoutError(path, f"{len(numbers)} numbers", expected)
    return numbers.reshape(-1, *shape)


def _rotation(folder: Path, row: int, matrix: np.ndarray) -> np.ndarray:
    """(3, 3) body axes -> camera axes of a frame."""
    try:
        return affine_rotation(matrix)
    except ValueError as error:
        raise LayoutError(folder / "cameras.txt", f"frame {row}: {error}", "affine cameras") from error


def _check(folder: Path, poses: np.ndarray, points: np.ndarray, matrices: np.ndarray) -> None:
    """Refuse files whose cameras do not take the 3D positions near the 2D ones."""
    if not np.isfinite(matrices).all():
        raise LayoutError(folder / "cameras.txt", "a camera holds NaN or infinity", "numbers")
    with np.errstate(invalid="ignore"):  # frames without a pose
        seen = np.stack([project_affine(pose, matrix) for pose, matrix in zip(poses, matrices, strict=True)])
    distances = np.linalg.norm(seen - points, axis=-1)
    distance = float(np.median(distances[np.isfinite(distances)])) if np.isfinite(distances).any() else 0.0
    if distance > _FAR:
        found = f"its cameras put the 3D joints {distance:.0f} pixels (median) from the 2D ones"
        raise LayoutError(folder / "cameras.txt", found, "a few pixels: files of one sequence")
