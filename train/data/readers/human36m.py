"""Human3.6M as distributed: CDF poses, videos, and where it is there ``metadata.xml``: cameras, numbers of poses.

3D is taken from ``D3_Positions_mono`` (camera axes), or else from ``D3_Positions`` (world) with the cameras of
``metadata.xml``; 2D from ``D2_Positions``, or else from the 3D by the camera. Training: S1, 5, 6, 7, 8; test: S9, S11.
"""

from __future__ import annotations

import re
import struct
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cdflib
import numpy as np

from fusion_model.skeletons import HUMAN36M_17
from train.data.cameras import human36m_camera_axes, human36m_rotation, project_human36m
from train.data.readers.layout import LayoutError, Place, reading, require_any, require_cameras
from train.data.readers.records import Frame, Labels, Plan, Unit, measured_people

CAMERAS = ("54138969", "55011271", "58860488", "60457274")
ACTIONS = (
    "Directions", "Discussion", "Eating", "Greeting", "Phoning", "Posing", "Purchases", "Sitting", "SittingDown",
    "Smoking", "Photo", "Waiting", "Walking", "WalkDog", "WalkTogether",
)  # fmt: skip
_OTHER_NAMES = {"TakingPhoto": "Photo", "WalkingDog": "WalkDog", "WalkingTogether": "WalkTogether"}
_SPLITS = {"S1": "train", "S5": "train", "S6": "train", "S7": "train", "S8": "train", "S9": "test", "S11": "test"}
_SEQUENCES = 30
_KEPT = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)  # of 32 joints, in the order of HUMAN36M_17
_DAMAGED = {("S11", "Directions"): "the video of one camera is corrupt"}
_SHIFTED = {("S9", "Greeting"), ("S9", "SittingDown 1"), ("S9", "Waiting 1")}
_SHIFT = np.array([200.0, 0.0, 0.0])  # mm of world x by which their 3D is off
_SUBJECTS, _EXTRINSIC, _INTRINSIC = 11, 6, 9  # of metadata.xml: people, numbers of a camera
_LISTED = 32  # its rows of sequences
_MOCAP_PER_POSE = 4  # 200 Hz over 50 Hz


@dataclass(frozen=True)
class _Metadata:
    """What the reader needs of ``metadata.xml``.

    Attributes:
        cameras: (11, 4, 15) ``camera_values`` of the model ``human36m`` by subject and camera, both from 0.
        poses: frames that have poses, by subject (``S1``) and file stem (``Directions 1``).
    """

    cameras: np.ndarray
    poses: dict[tuple[str, str], int]


@dataclass(frozen=True)
class _View:
    """One sequence of one camera."""

    folder: Path
    subject: str
    stem: str
    camera: str

    @property
    def world(self) -> Path:
        """The file of poses in world coordinates, which the cameras share."""
        return self.folder / "MyPoseFeatures" / "D3_Positions" / f"{self.stem}.cdf"

    def file(self, kind: str) -> Path:
        """A file of poses."""
        return self.folder / "MyPoseFeatures" / kind / f"{self.stem}.{self.camera}.cdf"


def plan_human36m(source: Path, cameras: tuple[str, ...], every: int) -> Plan:
    """Every sequence and camera that is there.

    Raises:
        LayoutError: if there is none, or what lies there is not Human3.6M.
    """
    require_cameras(cameras, CAMERAS)
    require_any(source, "S*/MyPoseFeatures", "S1/MyPoseFeatures and so on")
    plan = Plan(HUMAN36M_17, [], camera_model="human36m")
    files = [path for below in ("", "*/", "*/*/") for path in sorted(source.glob(f"{below}metadata.xml"))]
    metadata = _read_metadata(files[0]) if files else None
    known = "metadata.xml: cameras and frame counts are known"
    plan.found.append(known if files else "no metadata.xml: cameras are unknown, frame counts unchecked")
    for subject in _SPLITS:
        if not (source / subject / "MyPoseFeatures").is_dir():
            plan.found.append(f"no {subject}")
            continue
        stems = _stems(source / subject, metadata, plan)
        if len(stems) != _SEQUENCES:
            plan.found.append(f"{subject} has {len(stems)} sequences of {_SEQUENCES}")
        for stem in stems:
            shifted = (subject, stem) in _SHIFTED
            if reason := _DAMAGED.get((subject, stem)):
                plan.skipped[f"{subject} {stem}, all cameras: {reason}"] += 1
            elif shifted and metadata is None:
                reason = "its 3D is shifted, and mending it takes the cameras of metadata.xml"
                plan.skipped[f"{subject} {stem}: {reason}"] += 1
            else:
                if shifted:
                    plan.found.append(f"{subject} {stem}: its 3D is shifted, and mended")
                for camera in cameras or CAMERAS:
                    view = _View(source / subject, subject, stem, camera)
                    plan.units.append(Unit(f"{subject} {stem}.{camera}", partial(_load, view, metadata, every)))
    return plan


def _read_metadata(path: Path) -> _Metadata:
    """The file; LayoutError if it is damaged or another one."""
    cameras = len(CAMERAS)
    with reading(path, "the metadata.xml of Human3.6M's code (Release-v1.2), with w0, mapping and frames"):
        root = ET.parse(path).getroot()  # noqa: S314 - the user's own file, of a data set that was asked for
        extrinsic, intrinsic = np.split(_numbers(root.find("w0").text), [_SUBJECTS * cameras * _EXTRINSIC])
        extrinsic = extrinsic.reshape(cameras, _SUBJECTS, _EXTRINSIC).transpose(1, 0, 2)
        intrinsic = intrinsic.reshape(1, cameras, _INTRINSIC).repeat(_SUBJECTS, 0)
        stems = [[cell.text for cell in row] for row in root.find("mapping")]
        counts = [[_numbers(cell.text) for cell in row] for row in root.find("frames")]
        poses = {}
        for place, row in enumerate(stems[1 : _LISTED + 1], 1):
            for subject, stem in enumerate(row[2 : 2 + _SUBJECTS]):
                if stem and len(counts[subject]) > place and len(counts[subject][place]) > cameras:
                    poses[f"S{subject + 1}", stem] = int(counts[subject][place][-1]) // _MOCAP_PER_POSE
    return _Metadata(np.concatenate((extrinsic, intrinsic), 2), poses)


def _numbers(text: str | None) -> np.ndarray:
    """The numbers in a text."""
    return np.array([float(word) for word in re.findall(r"[-+.\deE]+", text or "")])


def _stems(folder: Path, metadata: _Metadata | None, plan: Plan) -> list[str]:
    """Names of a subject's sequences, each an action and a trial."""
    features = folder / "MyPoseFeatures"
    for kind, extension in (("D3_Positions_mono", ".*.cdf"), ("D3_Positions", ".cdf")):
        files = [path for path in (features / kind).glob(f"*{extension}") if not path.name.startswith("_ALL")]
        if files and kind == "D3_Positions" and metadata is None:
            expected = "D3_Positions_mono, or metadata.xml with the cameras of these world coordinates"
            raise LayoutError(features, "there is D3_Positions alone", expected)
        if files:
            plan.found.append(f"{folder.name}: 3D from {kind}")
            stems = sorted({path.name.split(".")[0] for path in files})
            for stem in stems:
                action_of(stem, folder)
            return stems
    raise LayoutError(features, "there are no CDF files", "D3_Positions_mono/Directions 1.54138969.cdf ...")


def action_of(stem: str, folder: Path) -> str:
    """The action of a file name: its first word as a whole, so that Sitting is not SittingDown.

    Raises:
        LayoutError: if it is none of the fifteen.
    """
    word = stem.split(" ", maxsplit=1)[0]
    action = _OTHER_NAMES.get(word, word)
    if action not in ACTIONS:
        raise LayoutError(folder, f"a sequence is called {stem!r}", f"one of {', '.join(ACTIONS)}")
    return action


def _load(view: _View, metadata: _Metadata | None, every: int) -> Labels:
    """The people of one view."""
    values = None if metadata is None else metadata.cameras[int(view.subject[1:]) - 1, CAMERAS.index(view.camera)]
    joints, points = _joints(view, values)
    if metadata is not None and len(joints) < (count := metadata.poses.get((view.subject, view.stem), 0)):
        mono = view.file("D3_Positions_mono")
        path = mono if mono.is_file() else view.world
        raise LayoutError(path, f"{len(joints)} poses", f"{count} by metadata.xml: unpack it again")
    video, flat = view.folder / "Videos" / f"{view.stem}.{view.camera}.mp4", view.file("D2_Positions")
    return measured_people(
        range(0, len(joints), every),
        points,
        joints,
        lambda row: {"frame": Frame(video, row), "number": row, "place": Place(flat, f"frame {row}")},
        split=_SPLITS[view.subject],
        subject=view.subject,
        action=action_of(view.stem, view.folder),
        camera=view.camera,
        sequence=view.stem,
        camera_values=() if values is None else tuple(values),
    )


def _joints(view: _View, values: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """(N, 17, 3) mm in camera axes and (N, 17, 2) pixels."""
    shifted = (view.subject, view.stem) in _SHIFTED
    mono, flat = view.file("D3_Positions_mono"), view.file("D2_Positions")
    if mono.parent.is_dir():
        joints = _read_poses(mono, 3)
        if shifted:
            joints = joints - human36m_rotation(values[:3]) @ _SHIFT
    else:
        joints = human36m_camera_axes(_read_poses(view.world, 3) - shifted * _SHIFT, values)
    if flat.parent.is_dir() and not shifted:
        points = _read_poses(flat, 2)
    elif values is not None:
        points = project_human36m(joints, values)
    else:
        raise LayoutError(flat, "there is no such folder", "2D poses, or metadata.xml with the cameras to make them")
    if len(points) != len(joints):
        raise LayoutError(flat, f"{len(points)} poses", f"{len(joints)} as in 3D: unpack it again")
    return joints, points


def _read_poses(path: Path, dimensions: int) -> np.ndarray:
    """(N, 17, D) float64 of a file: D is 3 (mm) or 2 (pixels)."""
    width = 32 * dimensions
    expected = f"a CDF file with the variable Pose, (1, N, {width})"
    with reading(path, expected):
        _check_length(path)
        file = cdflib.CDF(path)
        names = [*file.cdf_info().zVariables, *file.cdf_info().rVariables]
        if "Pose" not in names:
            raise LayoutError(path, f"has the variables {', '.join(names) or '(none)'}", expected)
        poses = np.asarray(file.varget("Pose"), float)
    if poses.ndim < 2 or poses.shape[-1] != width or poses.size != poses.shape[-2] * width:
        raise LayoutError(path, f"Pose has shape {poses.shape}", f"(1, N, {width})")
    return poses.reshape(-1, 32, dimensions)[:, _KEPT]


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
