"""Acclaim's ASF (a skeleton) and AMC (its angles a frame), as CMU distributes its captures."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .bvh import CMU_UNIT_MM, FACE_MM
from .clips import MotionClip, cmu_clip
from .rotation import about

_AXES = dict(zip("xyz", np.eye(3), strict=True))
# The end of each of CMU's bones under the name that the joint there has in BVH.
_ENDS = {
    "lowerback": "Spine",
    "thorax": "Neck",
    "upperneck": "Head",
    "head": "Head_end",
    **{
        f"{side[0].lower()}{bone}": name.format(side)
        for side in ("Left", "Right")
        for bone, name in {
            "hipjoint": "{}UpLeg",
            "femur": "{}Leg",
            "tibia": "{}Foot",
            "foot": "{}ToeBase",
            "toes": "{}ToeBase_end",
            "clavicle": "{}Arm",
            "humerus": "{}ForeArm",
            "wrist": "{}Hand",
            "hand": "{}HandIndex1",
        }.items()
    },
    "lthumb": "LThumb_end",
    "rthumb": "RThumb_end",
}


@dataclass
class AsfBone:
    """A bone: its offset (3,) from start to end at rest, its axes (3, 3), its degrees of freedom and its parent."""

    name: str
    offset: np.ndarray = field(default_factory=lambda: np.zeros(3))
    axes: np.ndarray = field(default_factory=lambda: np.eye(3))
    freedoms: tuple[str, ...] = ()
    parent: str = ""


def parse_asf(path: Path) -> dict[str, AsfBone]:
    """The bones of a skeleton, parents before children.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not an ASF file with angles in degrees.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} not found: expected the ASF skeleton of the AMC file")
    sections: dict[str, list[list[str]]] = {}
    current: list[list[str]] = []
    for line in path.read_text().splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0].startswith(":"):
            current = sections.setdefault(words[0], [])
        else:
            current.append(words)
    if ["angle", "deg"] not in sections.get(":units", []) or ":hierarchy" not in sections:
        raise ValueError(f"{path} is not an ASF file with ':units', 'angle deg' and ':hierarchy'")
    bones = _parse_bones(sections[":bonedata"])
    ordered = {"root": AsfBone("root", freedoms=("tx", "ty", "tz", "rx", "ry", "rz"))}
    for words in sections[":hierarchy"]:
        for child in words[1:]:
            bones[child].parent = words[0]
            ordered[child] = bones[child]
    return ordered


def _parse_bones(lines: list[list[str]]) -> dict[str, AsfBone]:
    """The bones of the section ``:bonedata``."""
    bones: dict[str, AsfBone] = {}
    bone, length = AsfBone(""), 0.0
    for key, *values in lines:
        if key == "name":
            bone = bones[values[0]] = AsfBone(values[0])
        elif key == "direction":
            bone.offset = np.array(values[:3], np.float64)
        elif key == "length":
            length = float(values[0])
        elif key == "axis":
            bone.axes = _turn([f"r{axis}" for axis in values[3].lower()], np.array(values[:3], np.float64))
        elif key == "dof":
            bone.freedoms = tuple(values)
        elif key == "end":
            bone.offset = bone.offset * length
    return bones


def _turn(freedoms: list[str], degrees: np.ndarray) -> np.ndarray:
    """Rotations (..., 3, 3) about fixed axes in the order given, of angles (..., F)."""
    rotation = np.eye(3)
    for index, freedom in enumerate(freedoms):
        rotation = about(_AXES[freedom[1]], np.deg2rad(degrees[..., index])) @ rotation
    return rotation


def parse_amc(path: Path) -> dict[str, np.ndarray]:
    """Values (T, F) of each bone, in the file's order of its degrees of freedom.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not an AMC file in degrees, or a bone is missing in some frames.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} not found: expected an AMC file")
    values: dict[str, list[list[str]]] = {}
    frames = 0
    lines = [line.split() for line in path.read_text().splitlines()]
    if [":DEGREES"] not in lines:
        raise ValueError(f"{path} is not an AMC file in degrees: no line ':DEGREES'")
    for words in lines[lines.index([":DEGREES"]) + 1 :]:
        if len(words) == 1:
            frames += 1
        elif words:
            values.setdefault(words[0], []).append(words[1:])
    short = [bone for bone, rows in values.items() if len(rows) != frames]
    if short:
        raise ValueError(f"{path}: bones {', '.join(short)} are missing in some of {frames} frames")
    return {bone: np.array(rows, np.float64) for bone, rows in values.items()}


def place(bones: dict[str, AsfBone], values: dict[str, np.ndarray]) -> tuple[dict, dict]:
    """End of each bone, name -> (T, 3) in the skeleton's unit, and its world rotation, name -> (T, 3, 3)."""
    frames = len(values["root"])
    ends = {"root": values["root"][:, :3]}
    rotations = {"root": _turn(["rx", "ry", "rz"], values["root"][:, 3:])}
    for name, bone in bones.items():
        if name == "root":
            continue
        local = np.broadcast_to(np.eye(3), (frames, 3, 3))
        if bone.freedoms:
            local = bone.axes @ _turn(list(bone.freedoms), values[name]) @ bone.axes.T
        rotations[name] = rotations[bone.parent] @ local
        ends[name] = ends[bone.parent] + rotations[name] @ bone.offset
    return ends, rotations


def read_asfamc(asf: Path, amc: Path, unit_mm: float = CMU_UNIT_MM) -> MotionClip:
    """A clip from an ASF skeleton and an AMC file with bones named as CMU's.

    Args:
        asf: the skeleton.
        amc: its angles.
        unit_mm: millimetres of one unit of its lengths.

    Raises:
        FileNotFoundError: if one of the files is missing.
        ValueError: if one cannot be understood, or bones are missing.
    """
    bones, values = parse_asf(asf), parse_amc(amc)
    lacking = [bone.name for bone in bones.values() if bone.freedoms and bone.name not in values]
    if lacking:
        raise ValueError(f"{amc}: no values of {', '.join(lacking)}, which {asf.name} says can move")
    ends, rotations = place(bones, values)
    joints = {name: ends[bone] * unit_mm for bone, name in _ENDS.items() if bone in ends}
    joints["Hips"] = ends["root"] * unit_mm
    face = joints["Head"] + rotations["head"][:, :, 2] * FACE_MM if "Head" in joints else None
    return cmu_clip(amc.stem, joints, 120.0, face)
