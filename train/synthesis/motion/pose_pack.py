"""Packs of single poses gathered from many captures, whose skeletons differ from source to source.

Which joints a source calls spine, thorax, neck and head differs by hand's breadths; hips, limbs and the middle of the
shoulders mean the same in all. So the trunk runs from the middle of the hips by way of the spine to the middle of the
shoulders, and where head and feet point at rest is measured on each source's own poses.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from .clips import CMU_FOOT_SLOPE, MotionClip
from .rotation import about, cross, perpendicular, unit

_JOINTS = (
    "pelvis", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle", "left_toe", "right_toe",
    "spine", "thorax", "neck", "head", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist",
    "right_wrist",
)  # fmt: skip
_ARRAYS = ("positions", "joint_names", "pose_clip", "clip_name", "clip_source", "clip_validation")
_LEFT, _UP, _AHEAD = np.eye(3)
_TRUNK_MM = 80.0  # a spine joint nearer than that to either end of the trunk does not say how it bends
_SOLE_MM = 60.0  # a toe joint so low stands on the ground
_ENOUGH = 20  # poses to measure a direction at rest on


def is_pose_pack(path: Path) -> bool:
    """Whether an npz file holds single poses that name their clip."""
    with np.load(path) as data:
        return "pose_clip" in data


def read_pose_pack(path: Path) -> list[MotionClip]:
    """The clips of a pack of poses; those without a pose are left out.

    Args:
        path: npz with positions (N, J, 3) mm, y up, the lowest joint on the ground, joint_names (J,), pose_clip (N,),
            and of each clip clip_name, clip_source (whose skeleton it has) and clip_validation.

    Raises:
        ValueError: if an array or a joint is missing.
    """
    with np.load(path) as data:
        if missing := set(_ARRAYS) - set(data.files):
            raise ValueError(f"{path} lacks {', '.join(sorted(missing))}; it holds {', '.join(data.files)}")
        positions, joints, of_clip, names, sources, validation = (data[name] for name in _ARRAYS)
    if missing := set(_JOINTS) - set(joints.tolist()):
        raise ValueError(f"{path} lacks joints {', '.join(sorted(missing))}; it has {', '.join(joints.tolist())}")
    landmarks = _landmarks(dict(zip(joints.tolist(), positions.astype(np.float64).swapaxes(0, 1), strict=True)))
    rest = {}
    for source in np.unique(sources):
        rows = sources[of_clip] == source
        rest[source] = _rest({name: places[rows] for name, places in landmarks.items()})
    clips = []
    for clip in np.unique(of_clip):
        own = {name: places[of_clip == clip] for name, places in landmarks.items()}
        clips.append(MotionClip(str(names[clip]), own, rest[sources[clip]], held_out=bool(validation[clip])))
    return clips


def _landmarks(joints: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The landmarks (N, 3) that a source's joints (N, 3) give."""
    kept = [name for name in _JOINTS if name.startswith(("left", "right")) and not name.endswith("toe")]
    landmarks = {name: joints[name] for name in kept}
    landmarks |= {f"{side}_ball": joints[f"{side}_toe"] for side in ("left", "right")}
    bottom, top = ((joints[f"left_{end}"] + joints[f"right_{end}"]) / 2 for end in ("hip", "shoulder"))
    spine = joints["spine"]
    bends = np.minimum(*(np.linalg.norm(spine - end, axis=-1) for end in (bottom, top))) > _TRUNK_MM
    middle = np.where(bends[:, None], spine, (bottom + top) / 2)
    landmarks |= {"pelvis": bottom, "pelvis_top": middle, "chest_bottom": middle, "chest_top": top}
    return landmarks | {"head_top": joints["head"]}


def _rest(landmarks: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Where head and feet of one source point in the canonical stance.

    The head is in line with the chest on average; a foot lies flat where its toes are on the ground below a shin that
    stands upright.
    """
    along = unit(landmarks["chest_top"] - landmarks["chest_bottom"])
    across = unit(perpendicular(landmarks["left_shoulder"] - landmarks["right_shoulder"], along))
    head = landmarks["head_top"] - landmarks["chest_top"]
    ahead = np.median(np.arctan2((head * cross(across, along)).sum(-1), (head * along).sum(-1)))
    rest = {"head": about(_LEFT, ahead) @ _UP}
    for side in ("left", "right"):
        ankle, ball = landmarks[f"{side}_ankle"], landmarks[f"{side}_ball"]
        upright = unit(landmarks[f"{side}_knee"] - ankle)[:, 1] > np.cos(np.deg2rad(15))
        down = (ankle - ball)[upright & (ball[:, 1] < _SOLE_MM)]
        slope = np.median(np.arctan2(down[:, 1], np.hypot(down[:, 0], down[:, 2])))
        rest[f"{side}_foot"] = about(_LEFT, slope if len(down) >= _ENOUGH else CMU_FOOT_SLOPE) @ _AHEAD
    return rest
