"""Human3.6M as distributed: CDF poses, videos, and where it is there ``metadata.xml``: cameras, numbers of poses.

3D is taken from ``D3_Positions_mono`` (camera axes), or else from ``D3_Positions`` (world) with the cameras of
``metadata.xml``; 2D from ``D2_Positions``, or else from the 3D by the camera. Training: S1, 5, 6, 7, 8; test: S9, S11.
"""

from __future__ import annotations

import re
import struct
import xml.etree.ElementTree as ET
import zlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cdflib
import numpy as np

from fusion_model.skeletons import HUMAN36M_17
from train.data.cameras import human36m_camera_axes, human36m_rotation, project_human36m
from train.data.readers.records import VISIBLE, Frame, Labels, LayoutError, Place, Plan, Record, Unit, require_any

# What cdflib raises on files that are cut short or are something else; it has no error of its own.
_DAMAGE = (
    ValueError, TypeError, AttributeError, EOFError, OSError, LookupError, ArithmeticError, struct.error, zlib.error,
    MemoryError,
)  # fmt: skip
_MOST = 1000  # variables, attributes and dimensions of a file


def read_poses(path: Path, dimensions: int) -> np.ndarray:
    """(N, 32, D) float64 of a file: D is 3 (mm) or 2 (pixels).

    Raises:
        LayoutError: if the file is missing or damaged, has no ``Pose``, or one of another shape.
    """
    expected = f"a CDF file with the variable Pose, 32 joints of {dimensions} numbers a frame"
    if not path.is_file():
        raise LayoutError(path, "there is no such file", expected)
    try:
        _check_header(path)
        file = cdflib.CDF(path)
        info = file.cdf_info()
        names = [*info.zVariables, *info.rVariables]
        poses = np.asarray(file.varget("Pose"), float) if "Pose" in names else None
    except _DAMAGE as error:
        raise LayoutError(path, f"cannot be read ({error})", f"{expected}: unpack it again") from error
    if poses is None:
        raise LayoutError(path, f"has the variables {', '.join(names) or '(none)'}", expected)
    width = 32 * dimensions
    if poses.ndim < 2 or poses.shape[-1] != width or poses.size != poses.shape[-2] * width:
        raise LayoutError(path, f"Pose has shape {poses.shape}", f"(1, N, {width})")
    return poses.reshape(-1, 32, dimensions)


def _check_header(path: Path) -> None:
    """ValueError if an uncompressed file of version 3 is shorter than it says, or announces more than any file has.

    cdflib may not notice the one, and counts to any number that the other gives.
    """
    with path.open("rb") as file:
        if file.read(8) != bytes.fromhex("cdf300010000ffff"):
            return
        file.seek(20)  # record size, type, then where the global record lies
        (place,) = struct.unpack(">q", file.read(8))
        file.seek(place + 36)  # size, type and three heads of lists before it
        length, variables, attributes, _, dimensions, others = struct.unpack(">q5i", file.read(28))
    if path.stat().st_size < length:
        raise ValueError(f"{path.stat().st_size} bytes of {length}")
    if max(variables, attributes, dimensions, others) > _MOST:
        raise ValueError(f"it announces {max(variables, attributes, dimensions, others)} variables or the like")


_SUBJECTS, _CAMERAS = 11, 4
_EXTRINSIC, _INTRINSIC = 6, 9
_LISTED = 32
_MOCAP_PER_POSE = 4  # 200 Hz over 50 Hz


@dataclass(frozen=True)
class Metadata:
    """What the reader needs of the file.

    Attributes:
        cameras: (11, 4, 15) ``camera_values`` of the model ``human36m`` by subject and camera, both from 0.
        poses: frames that have poses, by subject (``S1``) and file stem (``Directions 1``).
    """

    cameras: np.ndarray
    poses: dict[tuple[str, str], int]


def read_metadata(path: Path) -> Metadata:
    """Read the file.

    Raises:
        LayoutError: if it is damaged or another file.
    """
    expected = "the metadata.xml of Human3.6M's code (Release-v1.2), with w0, mapping and frames"
    try:
        root = ET.parse(path).getroot()  # noqa: S314 - the user's own file, of a data set that was asked for
        weights = _numbers(root.find("w0"))
        rows = [[cell.text or "" for cell in row] for row in root.find("mapping")]
        counts = [[_numbers(cell) for cell in row] for row in root.find("frames")]
    except (ET.ParseError, OSError, TypeError, ValueError, LookupError) as error:
        raise LayoutError(path, f"cannot be read ({error})", expected) from error
    wanted = _SUBJECTS * _CAMERAS * _EXTRINSIC + _CAMERAS * _INTRINSIC
    if len(weights) != wanted or len(rows) <= _LISTED or len(counts) < _SUBJECTS:
        found = f"{len(weights)} numbers in w0, {len(rows)} rows of mapping, {len(counts)} of frames"
        raise LayoutError(path, found, f"{wanted}, {_LISTED + 1} and {_SUBJECTS}")
    extrinsic = weights[: -_CAMERAS * _INTRINSIC].reshape(_CAMERAS, _SUBJECTS, _EXTRINSIC).transpose(1, 0, 2)
    intrinsic = weights[-_CAMERAS * _INTRINSIC :].reshape(1, _CAMERAS, _INTRINSIC).repeat(_SUBJECTS, 0)
    return Metadata(np.concatenate((extrinsic, intrinsic), 2), _poses(rows, counts))


def _poses(rows: list[list[str]], counts: list[list[np.ndarray]]) -> dict[tuple[str, str], int]:
    """Poses of each sequence: its mocap samples over four."""
    poses = {}
    for place, row in enumerate(rows[1 : _LISTED + 1]):
        for number, stem in enumerate(row[2 : 2 + _SUBJECTS]):
            cells = counts[number]
            if stem and place + 1 < len(cells) and len(cells[place + 1]) > _CAMERAS:
                poses[f"S{number + 1}", stem] = int(cells[place + 1][-1]) // _MOCAP_PER_POSE
    return poses


def _numbers(element: ET.Element | None) -> np.ndarray:
    """The numbers of an element's text; TypeError if there is no element."""
    if element is None:
        raise TypeError("an element is missing")
    found = np.array([float(word) for word in re.findall(r"[-+.\deE]+", element.text or "")])
    if not np.isfinite(found).all():
        raise ValueError("a number is too large")
    return found


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


@dataclass(frozen=True)
class _View:
    """One sequence of one camera."""

    folder: Path
    subject: str
    stem: str
    camera: str

    @property
    def name(self) -> str:
        return f"{self.subject} {self.stem}.{self.camera}"

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
    if unknown := [camera for camera in cameras if camera not in CAMERAS]:
        raise ValueError(f"Human3.6M has no camera {unknown[0]}; it has {', '.join(CAMERAS)}")
    require_any(source, "S*/MyPoseFeatures", "S1/MyPoseFeatures and so on, the archives unpacked")
    plan = Plan(HUMAN36M_17, [], camera_model="human36m")
    metadata = _metadata(source, plan)
    for subject in _SPLITS:
        if not (source / subject / "MyPoseFeatures").is_dir():
            plan.found.append(f"no {subject}")
            continue
        stems = _stems(source / subject, metadata, plan)
        if len(stems) != _SEQUENCES:
            plan.found.append(f"{subject} has {len(stems)} sequences of {_SEQUENCES}")
        for stem in stems:
            if reason := _left_out(subject, stem, metadata):
                plan.skipped[reason] += 1
                continue
            if (subject, stem) in _SHIFTED:
                plan.found.append(f"{subject} {stem}: its 3D is shifted, and mended")
            views = [_View(source / subject, subject, stem, camera) for camera in cameras or CAMERAS]
            plan.units.extend(Unit(view.name, partial(_load, view, metadata, every)) for view in views)
    return plan


def _metadata(source: Path, plan: Plan) -> Metadata | None:
    """``metadata.xml`` where it lies in the folder or one or two below."""
    for pattern in ("metadata.xml", "*/metadata.xml", "*/*/metadata.xml"):
        for path in sorted(source.glob(pattern)):
            plan.found.append("metadata.xml: cameras and frame counts are known")
            return read_metadata(path)
    plan.found.append("no metadata.xml: cameras are unknown, frame counts unchecked")
    return None


def _stems(folder: Path, metadata: Metadata | None, plan: Plan) -> list[str]:
    """Names of a subject's sequences, each an action and a trial."""
    features = folder / "MyPoseFeatures"
    for kind, extension in (("D3_Positions_mono", r".*.cdf"), ("D3_Positions", ".cdf")):
        files = [path for path in (features / kind).glob(f"*{extension}") if not path.name.startswith("_ALL")]
        if not files:
            continue
        if kind == "D3_Positions" and metadata is None:
            expected = "D3_Positions_mono, or metadata.xml with the cameras of these world coordinates"
            raise LayoutError(features, "there is D3_Positions alone", expected)
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


def _left_out(subject: str, stem: str, metadata: Metadata | None) -> str:
    """Why a sequence is left out, empty if it is not."""
    if reason := _DAMAGED.get((subject, stem)):
        return f"{subject} {stem}, all cameras: {reason}"
    if (subject, stem) in _SHIFTED and metadata is None:
        return f"{subject} {stem}: its 3D is shifted, and mending it takes the cameras of metadata.xml"
    return ""


def _load(view: _View, metadata: Metadata | None, every: int) -> Labels:
    """The people of one view."""
    values = None if metadata is None else metadata.cameras[int(view.subject[1:]) - 1, CAMERAS.index(view.camera)]
    joints, points = _joints(view, values)
    if metadata is not None and len(joints) < (count := metadata.poses.get((view.subject, view.stem), 0)):
        mono = view.file("D3_Positions_mono")
        path = mono if mono.is_file() else view.world
        raise LayoutError(path, f"{len(joints)} poses", f"{count} by metadata.xml: unpack it again")
    video = view.folder / "Videos" / f"{view.stem}.{view.camera}.mp4"
    labels = Labels([])
    for number in range(0, len(joints), every):
        if not (np.isfinite(joints[number]).all() and np.isfinite(points[number]).all()):
            labels.skipped["a frame whose pose is no number"] += 1
            continue
        labels.records.append(
            Record(
                Frame(video, number),
                _SPLITS[view.subject],
                points[number],
                np.full(len(HUMAN36M_17), VISIBLE),
                joints[number],
                subject=view.subject,
                action=action_of(view.stem, view.folder),
                camera=view.camera,
                sequence=view.stem,
                number=number,
                camera_values=() if values is None else tuple(values),
                place=Place(view.file("D2_Positions"), f"frame {number}"),
            )
        )
    return labels


def _joints(view: _View, values: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """(N, 17, 3) mm in camera axes and (N, 17, 2) pixels."""
    shifted = (view.subject, view.stem) in _SHIFTED
    mono, flat = view.file("D3_Positions_mono"), view.file("D2_Positions")
    if mono.parent.is_dir():
        joints = read_poses(mono, 3)[:, _KEPT]
        if shifted:
            joints = joints - human36m_rotation(values[:3]) @ _SHIFT
    else:
        world = read_poses(view.world, 3)
        joints = human36m_camera_axes(world[:, _KEPT] - shifted * _SHIFT, values)
    if flat.parent.is_dir() and not shifted:
        points = read_poses(flat, 2)[:, _KEPT]
    elif values is not None:
        points = project_human36m(joints, values)
    else:
        raise LayoutError(flat, "there is no such folder", "2D poses, or metadata.xml with the cameras to make them")
    if len(points) != len(joints):
        raise LayoutError(flat, f"{len(points)} poses", f"{len(joints)} as in 3D: unpack it again")
    return joints, points
