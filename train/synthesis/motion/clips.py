"""The one form that every source of motion is brought to: named landmarks over time, and readers of arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from fusion_model.skeletons import HUMAN36M_17

from .rotation import about, perpendicular, unit

# Where the captures' own bones point in the rest stance, seen from the side (radians about the left-pointing axis).
# CMU's root lies behind and above the hip joints, and its feet slope down from the ankle to the ball: offsets of the
# skeletons of subjects 2, 3, 7, 8 and 9, means; they differ by up to 5 degrees.
CMU_PELVIS_TILT = np.deg2rad(-22.0)
CMU_FOOT_SLOPE = np.deg2rad(14.0)
_LEFT = np.array([1.0, 0.0, 0.0])
_NOSE_MM = 40.0  # that a nose stands out ahead of the neck

_SPANS = ("clip_names", "clip_start", "clip_length", "frames_per_second")  # of a pack, a value a clip
_CMU_SIDE = {
    "hip": "{}UpLeg",
    "knee": "{}Leg",
    "ankle": "{}Foot",
    "ball": "{}ToeBase",
    "toe": "{}ToeBase_end",
    "shoulder": "{}Arm",
    "elbow": "{}ForeArm",
    "wrist": "{}Hand",
    "knuckle": "{}HandIndex1",
}
_CMU_MIDDLE = {
    "pelvis_top": "Hips",
    "spine": "Hips",
    "spine_top": "Spine",
    "chest_top": "Neck",
    "neck_top": "Head",
    "head_top": "Head_end",
}


@dataclass(frozen=True)
class MotionClip:
    """One take of one person.

    Attributes:
        name: the clip's own name; splits are drawn by it.
        landmarks: name -> (T, 3) mm, y up. Needed: left_/right_ hip, knee, ankle, shoulder, elbow, wrist; pelvis,
            pelvis_top, chest_bottom, chest_top. Used where given: spine, spine_top, neck_top, head_top, face (ahead of
            the head), and of each side ball, toe, knuckle, thumb.
        rest: bone -> (3,) where the source's bone points while the rig stands in its canonical stance; only bones
            that differ from the rig's own directions.
        frames_per_second: how densely it is sampled.
        held_out: whether it is for validation; None lets a hash of its name decide.
    """

    name: str
    landmarks: Mapping[str, np.ndarray]
    rest: Mapping[str, np.ndarray] = field(default_factory=dict)
    frames_per_second: float = 30.0
    held_out: bool | None = None

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.landmarks["pelvis"])


def cmu_clip(
    name: str, joints: Mapping[str, np.ndarray], frames_per_second: float = 30.0, face: np.ndarray | None = None
) -> MotionClip:
    """A clip of joints named as in the CMU captures converted to BVH.

    Args:
        name: of the clip.
        joints: name -> (T, 3) mm; an end site bears its parent's name and ``_end``.
        frames_per_second: of the joints.
        face: (T, 3) mm, a point ahead of the head, where the source has the head's own turn.

    Raises:
        ValueError: if a joint is missing.
    """
    wanted = dict(_CMU_MIDDLE)
    for side, prefix in (("left", "Left"), ("right", "Right")):
        wanted |= {f"{side}_{key}": value.format(prefix) for key, value in _CMU_SIDE.items()}
        wanted[f"{side}_thumb"] = f"{prefix[0]}Thumb_end"
    missing = sorted(set(wanted.values()) - set(joints))
    if missing:
        raise ValueError(f"{name}: joints {', '.join(missing)} are missing; expected a skeleton named as CMU's in BVH")
    landmarks = {key: np.asarray(joints[value], np.float64) for key, value in wanted.items()}
    landmarks["pelvis"] = (landmarks["left_hip"] + landmarks["right_hip"]) / 2
    landmarks["chest_bottom"] = landmarks["spine_top"]
    if face is not None:
        landmarks["face"] = face
    foot = about(_LEFT, CMU_FOOT_SLOPE) @ np.array([0.0, 0.0, 1.0])
    rest = {"pelvis": about(_LEFT, CMU_PELVIS_TILT) @ np.array([0.0, 1.0, 0.0]), "left_foot": foot, "right_foot": foot}
    return MotionClip(name, landmarks, rest, frames_per_second)


def read_positions(joints: np.ndarray | Path, name: str = "array", frames_per_second: float = 30.0) -> MotionClip:
    """A clip of 17 joints in Human3.6M's order, as 3D labels and pose estimators give them.

    Args:
        joints: (T, 17, 3) mm, y up, or an npz file with such an array under ``joints`` or ``positions``.
        name: of the clip; a file's own name is used for files.
        frames_per_second: of the joints.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the array has another shape, or is not finite.
    """
    if isinstance(joints, Path):
        name, joints = joints.stem, _load_positions(joints)
    joints = np.asarray(joints, np.float64)
    if joints.ndim != 3 or joints.shape[1:] != (len(HUMAN36M_17), 3):
        raise ValueError(f"{name}: joints have shape {joints.shape}, expected (T, 17, 3) in Human3.6M's order")
    if not np.isfinite(joints).all():
        raise ValueError(f"{name}: some joints are not finite; cut those frames away first")
    landmarks = {joint: joints[:, index] for index, joint in enumerate(HUMAN36M_17.joints)}
    landmarks["pelvis_top"] = landmarks["chest_bottom"] = landmarks.pop("spine")
    landmarks["chest_top"] = landmarks["thorax"]
    # Joint 9 is the nose in Human3.6M and the neck elsewhere: the line from the thorax to the top of the head holds
    # for both, and only a nose stands out ahead of it.
    line = unit(landmarks["head_top"] - landmarks["thorax"])
    ahead = perpendicular(landmarks["neck"] - landmarks["thorax"], line)
    if np.median(np.linalg.norm(ahead, axis=-1)) > _NOSE_MM:
        landmarks["face"] = landmarks["thorax"] + ahead
    return MotionClip(name, landmarks, {}, frames_per_second)


def _load_positions(path: Path) -> np.ndarray:
    """The array of joints in an npz file."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} not found: expected an npz file with an array 'joints' of shape (T, 17, 3)")
    with np.load(path) as data:
        for key in ("joints", "positions"):
            if key in data:
                return data[key]
        raise ValueError(f"{path} holds {', '.join(data.files)}; expected an array 'joints' of shape (T, 17, 3)")


def read_cmu_pack(path: Path) -> list[MotionClip]:
    """The clips of an npz file of joint positions named as CMU's.

    Args:
        path: npz with positions (F, J, 3) mm, joint_names (J,), clip_names (C,), clip_start, clip_length (C,) and
            frames_per_second (C,).

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if an array is missing.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} not found: expected an npz file of CMU positions")
    with np.load(path) as data:
        if missing := {"positions", "joint_names", *_SPANS} - set(data.files):
            raise ValueError(f"{path} lacks {', '.join(sorted(missing))}; it holds {', '.join(data.files)}")
        positions, names = data["positions"], [str(name) for name in data["joint_names"]]
        clips = []
        for clip, start, length, rate in zip(*(data[name] for name in _SPANS), strict=True):
            joints = dict(zip(names, positions[start : start + length].swapaxes(0, 1), strict=True))
            clips.append(cmu_clip(Path(str(clip)).stem, joints, rate))
        return clips
