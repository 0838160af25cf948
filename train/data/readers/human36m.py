"""Human3.6M as distributed: CDF poses, videos, and where it is there ``metadata.xml``: cameras, numbers of poses.

3D is taken from ``D3_Positions_mono`` (camera axes), or else from ``D3_Positions`` (world) with the cameras of
``metadata.xml``; 2D from ``D2_Positions``, or else from the 3D by the camera. Training: S1, 5, 6, 7, 8; test: S9, S11.
"""

from __future__ import annotations

import re
import struct
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cdflib
import numpy as np

from fusion_model.skeletons import HUMAN36M_17
from train.data.cameras import human36m_camera_axes, human36m_rotation, project_human36m
from train.data.readers.layout import LayoutError, reading, require_any, require_cameras
from train.data.readers.records import Frame, Plan, Record, measured_people

CAMERAS = ("54138969", "55011271", "58860488", "60457274")
_OTHER_NAMES = {"TakingPhoto": "Photo", "WalkingDog": "WalkDog", "WalkingTogether": "WalkTogether"}
_SPLITS = {"S1": "train", "S5": "train", "S6": "train", "S7": "train", "S8": "train", "S9": "test", "S11": "test"}
_KEPT = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)  # of 32 joints, in the order of HUMAN36M_17
_DAMAGED = {("S11", "Directions"): "the video of one camera is corrupt"}
_SHIFTED = {("S9", "Greeting"), ("S9", "SittingDown 1"), ("S9", "Waiting 1")}
_SHIFT = np.array([200.0, 0.0, 0.0])  # mm of world x by which their 3D is off
_SUBJECTS, _EXTRINSIC, _INTRINSIC = 11, 6, 9  # of metadata.xml: people, numbers of a camera


def plan_human36m(source: Path, cameras: Sequence[str], every: int) -> Plan:
    """Every sequence and camera that is there."""
    require_cameras(cameras, CAMERAS)
    require_any(source, "S*/MyPoseFeatures", "S1/MyPoseFeatures and so on")
    plan = Plan(HUMAN36M_17)
    files = [path for below in ("", "*/", "*/*/") for path in sorted(source.glob(f"{below}metadata.xml"))]
    values = _read_cameras(files[0]) if files else None
    plan.found.append("cameras of metadata.xml" if files else "no metadata.xml: cameras are unknown")
    for subject in _SPLITS:
        if not (source / subject / "MyPoseFeatures").is_dir():
            plan.found.append(f"no {subject}")
            continue
        stems = _stems(source / subject, bool(files), plan)
        for stem in stems:
            name = f"{subject} {stem}"
            if reason := _DAMAGED.get((subject, stem)):
                plan.skipped[f"{name}, all cameras: {reason}"] += 1
                continue
            if (subject, stem) in _SHIFTED and not files:
                plan.skipped[f"{name}: its 3D is shifted, and mending it takes the cameras of metadata.xml"] += 1
                continue
            for camera in cameras or CAMERAS:
                mine = None if values is None else values[int(subject[1:]) - 1, CAMERAS.index(camera)]
                plan.units[f"{name}.{camera}"] = partial(_load, source / subject, stem, camera, mine, every)
    return plan


def _read_cameras(path: Path) -> np.ndarray:
    """(11, 4, 15) values of the model ``human36m`` by subject and camera, of ``metadata.xml``."""
    cameras = len(CAMERAS)
    with reading(path, "the metadata.xml of Human3.6M's code (Release-v1.2), with w0"):
        text = ET.parse(path).getroot().find("w0").text  # noqa: S314 - the user's own file, that was asked for
        numbers = np.array([float(word) for word in re.findall(r"[-+.\deE]+", text)])
        extrinsic, intrinsic = np.split(numbers, [_SUBJECTS * cameras * _EXTRINSIC])
        extrinsic = extrinsic.reshape(cameras, _SUBJECTS, _EXTRINSIC).transpose(1, 0, 2)
        intrinsic = intrinsic.reshape(1, cameras, _INTRINSIC).repeat(_SUBJECTS, 0)
    return np.concatenate((extrinsic, intrinsic), 2)


def _stems(folder: Path, known_cameras: bool, plan: Plan) -> list[str]:
    """Names of a subject's sequences, each an action and a trial."""
    features = folder / "MyPoseFeatures"
    for kind in ("D3_Positions_mono", "D3_Positions"):
        if stems := {path.name.split(".")[0] for path in (features / kind).glob("*.cdf") if path.name[:4] != "_ALL"}:
            if kind == "D3_Positions" and not known_cameras:
                expected = "D3_Positions_mono, or metadata.xml with the cameras of these world coordinates"
                raise LayoutError(features, "there is D3_Positions alone", expected)
            plan.found.append(f"{folder.name}: 3D from {kind}")
            return sorted(stems)
    raise LayoutError(features, "there are no CDF files", "D3_Positions_mono/Directions 1.54138969.cdf ...")


def _load(
    folder: Path, stem: str, camera: str, values: np.ndarray | None, every: int, skipped: Counter[str]
) -> list[Record]:
    """The people of one camera of a subject's sequence, whose values (15,) are None without ``metadata.xml``."""
    shifted, features, name = (folder.name, stem) in _SHIFTED, folder / "MyPoseFeatures", f"{stem}.{camera}"
    path, flat = features / "D3_Positions_mono" / f"{name}.cdf", features / "D2_Positions" / f"{name}.cdf"
    if path.parent.is_dir():
        joints = _read_poses(path, 3)
        if shifted:
            joints = joints - human36m_rotation(values[:3]) @ _SHIFT
    else:
        path = features / "D3_Positions" / f"{stem}.cdf"  # of all cameras
        joints = human36m_camera_axes(_read_poses(path, 3) - shifted * _SHIFT, values)
    if flat.parent.is_dir() and not shifted:
        points = _read_poses(flat, 2)
    elif values is not None:
        points = project_human36m(joints, values)
    else:
        raise LayoutError(flat, "there is no such folder", "2D poses, or metadata.xml with the cameras to make them")
    if len(points) != len(joints):
        raise LayoutError(flat, f"{len(points)} poses", f"{len(joints)} as in 3D: unpack it again")
    word = stem.split(" ", maxsplit=1)[0]  # as a whole, so that Sitting is not SittingDown
    return measured_people(
        range(0, len(joints), every),
        points,
        joints,
        skipped,
        lambda row: {"frame": Frame(folder / "Videos" / f"{name}.mp4", row), "place": f"{path}: frame {row}"},
        split=_SPLITS[folder.name],
        subject=folder.name,
        action=_OTHER_NAMES.get(word, word),
        camera=camera,
        sequence=stem,
    )


def _read_poses(path: Path, dimensions: int) -> np.ndarray:
    """(N, 17, D) float64 of a file: D is 3 (mm) or 2 (pixels)."""
    with reading(path, f"a CDF file with the variable Pose, (1, N, {32 * dimensions})"):
        _check_length(path)
        poses = np.asarray(cdflib.CDF(path).varget("Pose"), float)
        return poses.reshape(poses.shape[-2], 32, dimensions)[:, _KEPT]


def _check_length(path: Path) -> None:
    """ValueError if an uncompressed file of version 3 is shorter than it says, which cdflib may not notice."""
    with path.open("rb") as file:
        if file.read(8) != bytes.fromhex("cdf300010000ffff"):
            return
        file.seek(20)  # record size, type, then where the global record lies
        (place,) = struct.unpack(">q", file.read(8))
        file.seek(place + 36)  # size, type and three heads of lists before it
        (length,) = struct.unpack(">q", file.read(8))
    if path.stat().st_size < length:
        raise ValueError(f"{path.stat().st_size} bytes of {length}")
