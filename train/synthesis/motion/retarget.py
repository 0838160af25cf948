"""From landmarks to the rig: bones along the source's, turned about their length by hinges and neighbours.

Directions alone fix two of a bone's three angles. The third, its roll, comes from what the body cannot do: elbows and
knees are hinges, so the plane in which a limb bends tells how the bone above is rolled. Where a limb is straight the
roll of least twist is taken (arms), or the one the foot points to (legs).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from train.synthesis.rig import RIG

from .clips import MotionClip
from .figure import CLAVICLE_FRACTION
from .rotation import align, between, cross, unit

_X, _Y, _Z = np.eye(3)
_REQUIRED = {
    "pelvis": ("pelvis", "pelvis_top"),
    "chest": ("chest_bottom", "chest_top"),
    **{f"{side}_upper_arm": (f"{side}_shoulder", f"{side}_elbow") for side in ("left", "right")},
    **{f"{side}_forearm": (f"{side}_elbow", f"{side}_wrist") for side in ("left", "right")},
    **{f"{side}_thigh": (f"{side}_hip", f"{side}_knee") for side in ("left", "right")},
    **{f"{side}_shin": (f"{side}_knee", f"{side}_ankle") for side in ("left", "right")},
}
# Below the first angle (degrees) a joint counts as straight and says nothing of the roll, above the second it decides.
_STRAIGHT, _BENT = 10.0, 30.0


def retarget(clip: MotionClip) -> np.ndarray:
    """The postures of a clip.

    Args:
        clip: landmarks of T frames.

    Returns:
        (T, 21, 3, 3) float32 world rotations of the rig's bones.

    Raises:
        ValueError: if a landmark that every source needs is missing, or two that span a bone coincide.
    """
    directions = {bone: _direction(clip, *ends, required=True) for bone, ends in _REQUIRED.items()}
    rotations: dict[str, np.ndarray] = _trunk(clip, directions)
    for side, outwards in (("left", _X), ("right", -_X)):
        rotations |= _arm(clip, side, outwards, rotations["chest"], directions)
        rotations |= _leg(clip, side, rotations["pelvis"], directions)
    return np.stack([rotations[name] for name in RIG.names], 1).astype(np.float32)


def _direction(clip: MotionClip, start: str, end: str, *, required: bool = False) -> np.ndarray | None:
    """Unit vectors (T, 3) from one landmark to another; None if the source lacks one and can do without."""
    if start not in clip.landmarks or end not in clip.landmarks:
        if not required:
            return None
        there = ", ".join(sorted(clip.landmarks))
        raise ValueError(f"{clip.name}: landmarks {start} and {end} are needed; it has {there}")
    offset = clip.landmarks[end] - clip.landmarks[start]
    if np.linalg.norm(offset, axis=-1).min() < 1e-6:
        raise ValueError(f"{clip.name}: landmarks {start} and {end} coincide in some frames; cut those frames away")
    return unit(offset)


def _rest(clip: MotionClip, bone: str) -> np.ndarray:
    """Where the source's bone points in the canonical stance, (3,)."""
    return np.asarray(clip.rest.get(bone, RIG.directions[RIG.index(bone)]), np.float64)


def _trunk(clip: MotionClip, directions: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Rotations (T, 3, 3) of pelvis, spine, chest, neck and head."""
    hips = clip.landmarks["left_hip"] - clip.landmarks["right_hip"]
    shoulders = clip.landmarks["left_shoulder"] - clip.landmarks["right_shoulder"]
    pelvis = align(_rest(clip, "pelvis"), _X, directions["pelvis"], hips)
    chest = align(_rest(clip, "chest"), _X, directions["chest"], shoulders)
    along = _direction(clip, "spine", "spine_top")
    if along is None:
        along = unit(pelvis @ _Y + chest @ _Y)
    spine = align(_rest(clip, "spine"), _X, along, unit(hips) + unit(shoulders))

    neck_along, head_along = _direction(clip, "chest_top", "neck_top"), _direction(clip, "neck_top", "head_top")
    if head_along is None:
        head_along = neck_along = _direction(clip, "chest_top", "head_top")
    face = _direction(clip, "neck_top" if "neck_top" in clip.landmarks else "chest_top", "face")
    if head_along is None or neck_along is None:
        return {"pelvis": pelvis, "spine": spine, "chest": chest, "neck": chest, "head": chest}
    if face is None:
        head = align(_rest(clip, "head"), _X, head_along, chest @ _X)
    else:
        head = align(_rest(clip, "head"), _Z, head_along, face)
    neck = align(_rest(clip, "neck"), _X, neck_along, chest @ _X + head @ _X)
    return {"pelvis": pelvis, "spine": spine, "chest": chest, "neck": neck, "head": head}


def _hinge(upper: np.ndarray, lower: np.ndarray, straight: np.ndarray) -> np.ndarray:
    """Axis (T, 3) about which two bones along (T, 3) bend: normal to both, or ``straight`` (T, 3) where in line."""
    normal = cross(upper, lower)
    bend = np.rad2deg(np.arctan2(np.linalg.norm(normal, axis=-1), (upper * lower).sum(-1)))
    fraction = np.clip((bend - _STRAIGHT) / (_BENT - _STRAIGHT), 0, 1)[:, None]
    return unit(fraction * unit(normal) + (1 - fraction) * straight)


def _arm(
    clip: MotionClip, side: str, outwards: np.ndarray, chest: np.ndarray, directions: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Rotations (T, 3, 3) of clavicle, upper arm, forearm and hand of one side."""
    upper, lower = directions[f"{side}_upper_arm"], directions[f"{side}_forearm"]
    local = np.einsum("tji,tj->ti", chest, upper)
    start = np.broadcast_to(outwards, local.shape)
    clavicle = chest @ between(start, local, CLAVICLE_FRACTION)
    min_twist = chest @ between(start, local)
    axis = cross(outwards, _Z)  # in the canonical stance palms face the ground and an elbow would bend ahead
    hinge = _hinge(upper, lower, min_twist @ axis)
    upper_arm = align(outwards, axis, upper, hinge)
    forearm = align(outwards, axis, lower, hinge)

    along, thumb = (_direction(clip, f"{side}_wrist", f"{side}_{end}") for end in ("knuckle", "thumb"))
    if along is None:
        hand = forearm
    elif thumb is None:
        hand = align(outwards, axis, along, hinge)
    else:
        hand = align(outwards, _Z, along, thumb)
        # The two bones of the forearm wind round each other: its middle takes half the turn of the hand.
        palm = align(outwards, _Z, lower, hand @ _Z)
        forearm = align(outwards, _Z, lower, unit(forearm @ _Z) + unit(palm @ _Z))
    arm = {"clavicle": clavicle, "upper_arm": upper_arm, "forearm": forearm, "hand": hand}
    return {f"{side}_{bone}": rotation for bone, rotation in arm.items()}


def _leg(
    clip: MotionClip, side: str, pelvis: np.ndarray, directions: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Rotations (T, 3, 3) of thigh, shin, foot and toes of one side."""
    upper, lower = directions[f"{side}_thigh"], directions[f"{side}_shin"]
    local = np.einsum("tji,tj->ti", pelvis, upper)
    straight = (pelvis @ between(np.broadcast_to(-_Y, local.shape), local)) @ _X
    along = _direction(clip, f"{side}_ankle", f"{side}_ball")
    toes_along = _direction(clip, f"{side}_ball", f"{side}_toe")
    if along is not None:
        straight = unit(straight + 2 * cross(along, lower))
    hinge = _hinge(upper, lower, straight)
    thigh, shin = align(-_Y, _X, upper, hinge), align(-_Y, _X, lower, hinge)
    foot = shin if along is None else align(_rest(clip, f"{side}_foot"), _X, along, hinge)
    toes = foot if toes_along is None else align(_Z, _X, toes_along, foot @ _X)
    return {f"{side}_thigh": thigh, f"{side}_shin": shin, f"{side}_foot": foot, f"{side}_toes": toes}
