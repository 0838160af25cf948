"""What joints can do: ranges of motion, and limbs that would pass through the body.

Ranges start from the normal ranges of the American Academy of Orthopaedic Surgeons (flexion of the hip 120 and of
the knee 135 degrees, and so on). They are widened, a stated choice, by what passive load allows (kneeling, squatting),
by what the rig lumps into one joint (the lumbar spine into hips and spine, the shoulder girdle into the upper arm) and
by the captures' noise. All angles are degrees.
"""

from __future__ import annotations

import numpy as np

from train.synthesis.rig import RIG

from .figure import LENGTHS, place
from .rotation import between, unit, vector_of

_KNEE, _KNEE_SIDEWAYS = (-10.0, 160.0), 15.0
_ELBOW, _ELBOW_SIDEWAYS = (-12.0, 158.0), 15.0
_HIP_FLEXION, _HIP_ABDUCTION, _HIP_TWIST = (-45.0, 140.0), (-45.0, 75.0), 70.0
_SHOULDER_BACK, _SHOULDER_TWIST = 65.0, 115.0
_WRIST_BEND, _WRIST_TWIST = 85.0, 75.0
_FOREARM_TWIST = 75.0
_ANKLE_PITCH, _ANKLE_YAW, _ANKLE_ROLL = (-85.0, 45.0), 50.0, 60.0
_TOES_PITCH = (-60.0, 85.0)
# Bending ahead (+) and back (-), to either side, turning to either side.
_TRUNK = ((-45.0, 100.0), 50.0, 60.0)
_NECK = ((-70.0, 65.0), 55.0, 85.0)
# Half axes of the trunk's ellipse (across, deep) and radii of head and limbs, mm on the plain adult of `figure`; a
# little thinner than the real thing, as flesh gives way and captures are noisy.
_TRUNK_HALF_AXES = np.array([115.0, 80.0])
_HEAD_RADIUS, _THIGH_RADIUS, _SHIN_RADIUS, _ARM_RADIUS = 85.0, 55.0, 38.0, 30.0
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
    found = _trunk_faults(rotations)
    for side in ("left", "right"):
        found |= _arm_faults(rotations, side)
        found |= _leg_faults(rotations, side)
    found["inside"] = _limbs_inside(rotations)
    return found


def _local(rotations: np.ndarray, parent: str, child: str) -> np.ndarray:
    """Rotation (..., 3, 3) of one bone as another sees it."""
    frame = rotations[..., RIG.index(parent), :, :]
    return np.swapaxes(frame, -1, -2) @ rotations[..., RIG.index(child), :, :]


def _bend(rotations: np.ndarray, parent: str, child: str) -> np.ndarray:
    """Direction (..., 3) of one bone as another sees it."""
    return _local(rotations, parent, child) @ RIG.directions[RIG.index(child)]


def _twist(rotations: np.ndarray, parent: str, child: str) -> np.ndarray:
    """Degrees (...), 0 to 180, by which a bone is turned about its length beyond the smallest turn to its direction."""
    local, canonical = _local(rotations, parent, child), RIG.directions[RIG.index(child)]
    swing = between(np.broadcast_to(canonical, local.shape[:-1]), local @ canonical)
    rest = np.swapaxes(swing, -1, -2) @ local
    trace = np.trace(rest, axis1=-2, axis2=-1)
    return np.rad2deg(np.arccos(np.clip((trace - 1) / 2, -1, 1)))


def _angle(opposite: np.ndarray, adjacent: np.ndarray) -> np.ndarray:
    """Degrees of arctan2."""
    return np.rad2deg(np.arctan2(opposite, adjacent))


def _outside(angle: np.ndarray, span: tuple[float, float]) -> np.ndarray:
    """True where angles leave a span."""
    return (angle < span[0]) | (angle > span[1])


def _trunk_faults(rotations: np.ndarray) -> dict[str, np.ndarray]:
    """Spine (chest against pelvis) and neck (head against chest)."""
    found = {}
    for joint, parent, child, (ahead, sideways, turn) in (
        ("spine", "pelvis", "chest", _TRUNK),
        ("neck", "chest", "head", _NECK),
    ):
        angles = np.rad2deg(vector_of(_local(rotations, parent, child)))
        beyond = _outside(angles[..., 0], ahead) | (np.abs(angles[..., 2]) > sideways)
        found[joint] = beyond | (np.abs(angles[..., 1]) > turn)
    return found


def _arm_faults(rotations: np.ndarray, side: str) -> dict[str, np.ndarray]:
    """Shoulder, elbow and wrist of one side."""
    outwards = 1.0 if side == "left" else -1.0
    upper, fore, hand = (f"{side}_{bone}" for bone in ("upper_arm", "forearm", "hand"))
    arm = _bend(rotations, "chest", upper) * [outwards, 1.0, 1.0]
    behind = arm[..., 2] < -np.sin(np.deg2rad(_SHOULDER_BACK))
    across = (arm[..., 0] < -0.8) | ((arm[..., 0] < -0.25) & (arm[..., 2] < 0.05) & (arm[..., 1] < 0.6))
    up_behind = (arm[..., 1] > 0.3) & (arm[..., 2] < -0.6)
    elbow = _bend(rotations, upper, fore) * [outwards, 1.0, 1.0]
    wrist = _bend(rotations, fore, hand) * [outwards, 1.0, 1.0]
    return {
        f"{side}_shoulder": behind | across | up_behind | (_twist(rotations, "chest", upper) > _SHOULDER_TWIST),
        f"{side}_elbow": _outside(_angle(elbow[..., 2], elbow[..., 0]), _ELBOW)
        | (np.abs(elbow[..., 1]) > np.sin(np.deg2rad(_ELBOW_SIDEWAYS)))
        | (_twist(rotations, upper, fore) > _FOREARM_TWIST),
        f"{side}_wrist": (wrist[..., 0] < np.cos(np.deg2rad(_WRIST_BEND)))
        | (_twist(rotations, fore, hand) > _WRIST_TWIST),
    }


def _leg_faults(rotations: np.ndarray, side: str) -> dict[str, np.ndarray]:
    """Hip, knee, ankle and toes of one side."""
    outwards = 1.0 if side == "left" else -1.0
    thigh, shin, foot, toes = (f"{side}_{bone}" for bone in ("thigh", "shin", "foot", "toes"))
    hip = _bend(rotations, "pelvis", thigh) * [outwards, 1.0, 1.0]
    flexion = _angle(hip[..., 2], -hip[..., 1])
    abduction = np.rad2deg(np.arcsin(np.clip(hip[..., 0], -1, 1)))
    knee = _bend(rotations, thigh, shin)
    ankle = _bend(rotations, shin, foot)
    tip = _bend(rotations, foot, toes)
    return {
        # With the leg far out to the side "ahead" loses its meaning.
        f"{side}_hip": (_outside(flexion, _HIP_FLEXION) & (np.abs(abduction) < 60))
        | _outside(abduction, _HIP_ABDUCTION)
        | (_twist(rotations, "pelvis", thigh) > _HIP_TWIST),
        f"{side}_knee": _outside(_angle(-knee[..., 2], -knee[..., 1]), _KNEE)
        | (np.abs(knee[..., 0]) > np.sin(np.deg2rad(_KNEE_SIDEWAYS))),
        f"{side}_ankle": _outside(_angle(ankle[..., 1], ankle[..., 2]), _ANKLE_PITCH)
        | (np.abs(ankle[..., 0]) > np.sin(np.deg2rad(_ANKLE_YAW)))
        | (_twist(rotations, shin, foot) > _ANKLE_ROLL),
        f"{side}_toes": _outside(_angle(tip[..., 1], tip[..., 2]), _TOES_PITCH),
    }


def _limbs_inside(rotations: np.ndarray) -> np.ndarray:
    """True (...) where arms lie inside the trunk, the head or a thigh, or the legs inside each other."""
    heads, tails = place(rotations)
    arms = []
    for side in ("left", "right"):
        arms += [_points(heads, tails, f"{side}_{bone}") for bone in ("forearm", "hand")]
    points = np.concatenate(arms, -2)
    inside = _in_head(heads, tails, points) | _in_trunk(rotations, heads, points)
    for side in ("left", "right"):
        thigh = RIG.index(f"{side}_thigh")
        near = _distance(points, heads[..., thigh, :], tails[..., thigh, :]) < _THIGH_RADIUS + _ARM_RADIUS / 2
        inside |= near.any(-1)
    return inside | _legs_crossed(heads, tails)


def _points(heads: np.ndarray, tails: np.ndarray, bone: str) -> np.ndarray:
    """Points (..., 3, 3) along a bone."""
    start, end = heads[..., RIG.index(bone), None, :], tails[..., RIG.index(bone), None, :]
    return start + (end - start) * _ALONG_ARM[:, None]


def _in_head(heads: np.ndarray, tails: np.ndarray, points: np.ndarray) -> np.ndarray:
    """True (...) where a point lies in the head."""
    bone = RIG.index("head")
    centre = (heads[..., bone, :] + tails[..., bone, :]) / 2
    return (np.linalg.norm(points - centre[..., None, :], axis=-1) < _HEAD_RADIUS).any(-1)


def _in_trunk(rotations: np.ndarray, heads: np.ndarray, points: np.ndarray) -> np.ndarray:
    """True (...) where a point lies in the elliptic cylinder of pelvis, spine or chest."""
    inside = np.zeros(points.shape[:-2], bool)
    for bone in range(RIG.index("chest") + 1):
        local = (points - heads[..., bone, None, :]) @ rotations[..., bone, :, :]
        across = local[..., [0, 2]] / (_TRUNK_HALF_AXES + _ARM_RADIUS)
        level = (local[..., 1] > -50) & (local[..., 1] < LENGTHS[bone])
        inside |= (level & ((across**2).sum(-1) < 1)).any(-1)
    return inside


def _distance(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Distances (..., P) of points (..., P, 3) from a segment (..., 3) to (..., 3)."""
    along, offset = (end - start)[..., None, :], points - start[..., None, :]
    share = (offset * along).sum(-1, keepdims=True) / (along**2).sum(-1, keepdims=True)
    return np.linalg.norm(offset - np.clip(share, 0, 1) * along, axis=-1)


def _legs_crossed(heads: np.ndarray, tails: np.ndarray) -> np.ndarray:
    """True (...) where one leg passes through the other."""
    crossed = np.zeros(heads.shape[:-2], bool)
    bones = ("thigh", "shin", "foot")
    for one in bones:
        for other in bones:
            if one == other == "thigh":
                level = np.array([0.6, 0.85, 1.0])  # thighs touch near the hips in everyone
            else:
                level = np.array([0.15, 0.5, 0.85])
            a, b = RIG.index(f"left_{one}"), RIG.index(f"right_{other}")
            points = heads[..., a, None, :] + (tails - heads)[..., a, None, :] * level[:, None]
            crossed |= (_distance(points, heads[..., b, :], tails[..., b, :]) < 2 * _SHIN_RADIUS).any(-1)
    return crossed
