"""What joints can do: ranges of motion, and limbs that would pass through the body.

Ranges start from the normal ranges of the American Academy of Orthopaedic Surgeons (flexion of the hip 120 and of
the knee 135 degrees, and so on). They are widened, a stated choice, by what passive load allows (kneeling, squatting),
by what the rig lumps into one joint (the lumbar spine into hips and spine, the shoulder girdle into the upper arm) and
by the captures' noise. All angles are degrees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from train.synthesis.rig import RIG

from .figure import LENGTHS, place
from .rotation import to_quaternions, vector_of

_KNEE, _KNEE_SIDEWAYS = (-10.0, 160.0), 15.0
_ELBOW, _ELBOW_SIDEWAYS = (-12.0, 158.0), 15.0
_HIP_FLEXION, _HIP_ABDUCTION, _HIP_TWIST = (-45.0, 140.0), (-45.0, 75.0), 80.0
# A bent hip lets the leg turn out further: ankle on knee, cross-legged.
_BENT_HIP, _BENT_HIP_TWIST = 45.0, 118.0
_SHOULDER_BACK, _SHOULDER_TWIST = 65.0, 115.0
_WRIST_BEND, _WRIST_TWIST = 85.0, 75.0
_FOREARM_TWIST = 75.0
_ANKLE_PITCH, _ANKLE_YAW, _ANKLE_ROLL = (-85.0, 50.0), 50.0, 60.0
_TOES_PITCH = (-60.0, 85.0)
# Bending ahead (+) and back (-), to either side, turning to either side.
_TRUNK = ((-45.0, 100.0), 50.0, 60.0)
_NECK = ((-70.0, 65.0), 55.0, 85.0)
# Half axes of the trunk's ellipse (across, deep) and radii of head and limbs, mm on the plain adult of `figure`; a
# little thinner than the real thing, as flesh gives way and captures are noisy.
_TRUNK_HALF_AXES = np.array([115.0, 80.0])
_HEAD_RADIUS, _THIGH_RADIUS, _KNEE_RADIUS, _SHIN_RADIUS, _ARM_RADIUS = 85.0, 55.0, 48.0, 38.0, 30.0
_ALONG_ARM = np.array([0.35, 0.7, 1.0])


def possible(rotations: np.ndarray) -> np.ndarray:
    """Which postures a person can take.

    Args:
        rotations: (..., 21, 3, 3).

    Returns:
        (...) bool.
    """
    return ~np.any(list(faults(rotations).values()), axis=0)


def faults(rotations: np.ndarray) -> dict[str, np.ndarray]:
    """What is wrong with postures: a joint or ``inside`` -> (...) bool, True where it is beyond its limits.

    Args:
        rotations: (..., 21, 3, 3).
    """
    rotations = np.asarray(rotations, np.float64)
    joints = _joints(rotations)
    found = _trunk_faults(joints)
    for side in ("left", "right"):
        found |= _arm_faults(joints, side)
        found |= _leg_faults(joints, side)
    found["inside"] = _limbs_inside(rotations)
    return found


@dataclass(frozen=True)
class _Joints:
    """What each checked joint does, by its name."""

    bend: dict[str, np.ndarray]  # (..., 3) the child bone's direction as the parent sees it, x away from the middle
    twist: dict[str, np.ndarray]  # (...) degrees, 0 to 180, about the child's length beyond the smallest turn
    turn: dict[str, np.ndarray]  # (..., 3) degrees about x, y and z, of the joints of the trunk


_PAIRS = {"spine": ("pelvis", "chest"), "neck": ("chest", "head")} | {
    f"{side}_{joint}": (parent if parent in RIG.names else f"{side}_{parent}", f"{side}_{child}")
    for side in ("left", "right")
    for joint, parent, child in (
        ("shoulder", "chest", "upper_arm"),
        ("elbow", "upper_arm", "forearm"),
        ("wrist", "forearm", "hand"),
        ("hip", "pelvis", "thigh"),
        ("knee", "thigh", "shin"),
        ("ankle", "shin", "foot"),
        ("toes", "foot", "toes"),
    )
}
_PARENTS = [RIG.index(parent) for parent, _ in _PAIRS.values()]
_CHILDREN = [RIG.index(child) for _, child in _PAIRS.values()]
_CANONICAL = RIG.directions[_CHILDREN]
_OUTWARDS = np.array([[-1.0 if joint.startswith("right") else 1.0, 1.0, 1.0] for joint in _PAIRS])


def _joints(rotations: np.ndarray) -> _Joints:
    """What all joints of postures (..., 21, 3, 3) do; together, as numpy calls cost more than their work here."""
    local = np.swapaxes(rotations[..., _PARENTS, :, :], -1, -2) @ rotations[..., _CHILDREN, :, :]
    bend = (local @ _CANONICAL[:, :, None])[..., 0] * _OUTWARDS
    quaternions = to_quaternions(local)
    along = np.abs((quaternions[..., 1:] * _CANONICAL).sum(-1))
    twist = np.rad2deg(2 * np.arctan2(along, quaternions[..., 0]))
    turn = np.rad2deg(vector_of(local[..., :2, :, :]))
    return _Joints(
        {joint: bend[..., index, :] for index, joint in enumerate(_PAIRS)},
        {joint: twist[..., index] for index, joint in enumerate(_PAIRS)},
        {"spine": turn[..., 0, :], "neck": turn[..., 1, :]},
    )


def _angle(opposite: np.ndarray, adjacent: np.ndarray) -> np.ndarray:
    """Degrees of arctan2."""
    return np.rad2deg(np.arctan2(opposite, adjacent))


def _outside(angle: np.ndarray, span: tuple[float, float]) -> np.ndarray:
    """True where angles leave a span."""
    return (angle < span[0]) | (angle > span[1])


def _trunk_faults(joints: _Joints) -> dict[str, np.ndarray]:
    """Spine (chest against pelvis) and neck (head against chest)."""
    found = {}
    for joint, (ahead, sideways, turn) in (("spine", _TRUNK), ("neck", _NECK)):
        angles = joints.turn[joint]
        beyond = _outside(angles[..., 0], ahead) | (np.abs(angles[..., 2]) > sideways)
        found[joint] = beyond | (np.abs(angles[..., 1]) > turn)
    return found


def _arm_faults(joints: _Joints, side: str) -> dict[str, np.ndarray]:
    """Shoulder, elbow and wrist of one side."""
    arm, elbow, wrist = (joints.bend[f"{side}_{joint}"] for joint in ("shoulder", "elbow", "wrist"))
    behind = arm[..., 2] < -np.sin(np.deg2rad(_SHOULDER_BACK))
    across = (arm[..., 0] < -0.8) | ((arm[..., 0] < -0.25) & (arm[..., 2] < 0.05) & (arm[..., 1] < 0.6))
    up_behind = (arm[..., 1] > 0.3) & (arm[..., 2] < -0.6)
    return {
        f"{side}_shoulder": behind | across | up_behind | (joints.twist[f"{side}_shoulder"] > _SHOULDER_TWIST),
        f"{side}_elbow": _outside(_angle(elbow[..., 2], elbow[..., 0]), _ELBOW)
        | (np.abs(elbow[..., 1]) > np.sin(np.deg2rad(_ELBOW_SIDEWAYS)))
        | (joints.twist[f"{side}_elbow"] > _FOREARM_TWIST),
        f"{side}_wrist": (wrist[..., 0] < np.cos(np.deg2rad(_WRIST_BEND)))
        | (joints.twist[f"{side}_wrist"] > _WRIST_TWIST),
    }


def _leg_faults(joints: _Joints, side: str) -> dict[str, np.ndarray]:
    """Hip, knee, ankle and toes of one side."""
    hip, knee, ankle, tip = (joints.bend[f"{side}_{joint}"] for joint in ("hip", "knee", "ankle", "toes"))
    flexion = _angle(hip[..., 2], -hip[..., 1])
    abduction = np.rad2deg(np.arcsin(np.clip(hip[..., 0], -1, 1)))
    return {
        # With the leg far out to the side "ahead" loses its meaning.
        f"{side}_hip": (_outside(flexion, _HIP_FLEXION) & (np.abs(abduction) < 60))
        | _outside(abduction, _HIP_ABDUCTION)
        | (joints.twist[f"{side}_hip"] > np.where(flexion > _BENT_HIP, _BENT_HIP_TWIST, _HIP_TWIST)),
        f"{side}_knee": _outside(_angle(-knee[..., 2], -knee[..., 1]), _KNEE)
        | (np.abs(knee[..., 0]) > np.sin(np.deg2rad(_KNEE_SIDEWAYS))),
        f"{side}_ankle": _outside(_angle(ankle[..., 1], ankle[..., 2]), _ANKLE_PITCH)
        | (np.abs(ankle[..., 0]) > np.sin(np.deg2rad(_ANKLE_YAW)))
        | (joints.twist[f"{side}_ankle"] > _ANKLE_ROLL),
        f"{side}_toes": _outside(_angle(tip[..., 1], tip[..., 2]), _TOES_PITCH),
    }


_ARM_BONES = [RIG.index(f"{side}_{bone}") for side in ("left", "right") for bone in ("forearm", "hand")]
_LEFT_LEG, _RIGHT_LEG = (
    [RIG.index(f"{side}_{bone}") for bone in ("thigh", "shin", "foot")] for side in ("left", "right")
)
_THIGHS = [_LEFT_LEG[0], _RIGHT_LEG[0]]
# Where a leg's bones must keep clear of the other leg's: thighs touch near the hips in everyone.
_ALONG_LEG = np.array([[0.6, 0.8, 1.0], [0.15, 0.5, 0.85], [0.15, 0.5, 0.85]])


def _limbs_inside(rotations: np.ndarray) -> np.ndarray:
    """True (...) where arms lie inside the trunk, the head or a thigh, or the legs inside each other."""
    heads, tails = place(rotations)
    arms = _points(heads, tails, _ARM_BONES, np.broadcast_to(_ALONG_ARM, (4, 3)))
    in_thigh = _distances(arms, heads[..., _THIGHS, :], tails[..., _THIGHS, :]) < _THIGH_RADIUS + _ARM_RADIUS / 2
    legs = _points(heads, tails, _LEFT_LEG, _ALONG_LEG)
    crossed = _distances(legs, heads[..., _RIGHT_LEG, :], tails[..., _RIGHT_LEG, :]) < 2 * _SHIN_RADIUS
    # The first points are the thigh's; its flesh is thicker than that of the shins.
    apart = _distances(legs[..., :3, :], heads[..., _RIGHT_LEG[:1], :], tails[..., _RIGHT_LEG[:1], :])
    crossed[..., :3, 0] |= apart[..., 0] < 2 * _KNEE_RADIUS
    bone = RIG.index("head")
    center = (heads[..., bone, :] + tails[..., bone, :]) / 2
    in_head = np.linalg.norm(arms - center[..., None, :], axis=-1) < _HEAD_RADIUS
    in_trunk = _in_trunk(rotations, heads, arms)
    return in_thigh.any((-1, -2)) | crossed.any((-1, -2)) | in_head.any(-1) | in_trunk.any((-1, -2))


def _points(heads: np.ndarray, tails: np.ndarray, bones: list[int], fractions: np.ndarray) -> np.ndarray:
    """Points (..., B * 3, 3) along bones, at three fractions (B, 3) of each one's length."""
    starts = heads[..., bones, None, :]
    points = starts + (tails[..., bones, None, :] - starts) * fractions[:, :, None]
    return points.reshape(*heads.shape[:-2], -1, 3)


def _in_trunk(rotations: np.ndarray, heads: np.ndarray, points: np.ndarray) -> np.ndarray:
    """True (..., P, 3) where points lie in the elliptic cylinder of pelvis, spine or chest."""
    offset = points[..., None, :, :] - heads[..., :3, None, :]
    local = offset @ rotations[..., :3, :, :]
    across = local[..., 0] / (_TRUNK_HALF_AXES[0] + _ARM_RADIUS)
    deep = local[..., 2] / (_TRUNK_HALF_AXES[1] + _ARM_RADIUS)
    level = (local[..., 1] > -50) & (local[..., 1] < LENGTHS[:3, None])
    return level & (across**2 + deep**2 < 1)


def _distances(points: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Distances (..., P, S) of points (..., P, 3) from segments between (..., S, 3) and (..., S, 3)."""
    along, offset = (ends - starts)[..., None, :, :], points[..., :, None, :] - starts[..., None, :, :]
    fraction = (offset * along).sum(-1, keepdims=True) / (along**2).sum(-1, keepdims=True)
    return np.linalg.norm(offset - np.clip(fraction, 0, 1) * along, axis=-1)
