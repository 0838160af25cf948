"""What a posture is called, from where its joints lie."""

from __future__ import annotations

import numpy as np

from train.synthesis.rig import RIG

from .figure import ANKLE_MM, center_of_mass, place

_ON_FEET = ("standing", "striding", "bending", "reaching", "arms_up", "leaning", "squatting")
_ON_GROUND = ("ground_seated", "lying_back", "lying_side", "lying_front")
KINDS = (*_ON_FEET, "kneeling", "seated", *_ON_GROUND, "head_down", "airborne")
# What carries the body; the scene puts it there.
SUPPORT = dict.fromkeys(_ON_FEET, "feet") | dict.fromkeys(("kneeling", *_ON_GROUND, "head_down"), "ground")
SUPPORT |= {"seated": "seat", "airborne": "none"}
_BALANCE_MM = 150.0
_STRIDE_MM, _LOW_PELVIS_MM, _SQUAT_KNEE, _BENT_TRUNK = 550.0, 520.0, 80.0, 45.0
_REACH_ELBOW, _REACH_MM, _RAISED_MM = 35.0, -110.0, 250.0
_CLEAR_MM = 150.0  # above the ground: nothing bears the body
_LYING_LEAN, _HEAD_DOWN_LEAN, _FACING = 60.0, 120.0, 0.6
_LYING_MM, _FLOOR_SEAT_MM, _KNEE_MM = 350.0, 250.0, 200.0  # height of trunk, pelvis, knee over the ground
_SEAT_THIGH, _SHIN_UPRIGHT, _SHIN_LEVEL = 45.0, 40.0, 60.0  # degrees of the thigh from the level, of shins from upright


def face_ahead(rotations: np.ndarray) -> np.ndarray:
    """Postures (..., 21, 3, 3) turned so that the pelvis faces +z, or points there where it lies."""
    ahead, up = rotations[..., 0, :, 2], rotations[..., 0, :, 1]
    level = np.hypot(ahead[..., 0], ahead[..., 2])
    heading = np.where((level > 0.5)[..., None], ahead, up)
    angle = np.arctan2(heading[..., 0], heading[..., 2])
    cosine, sine, zero = np.cos(angle), np.sin(angle), np.zeros_like(angle)
    rows = [cosine, zero, -sine, zero, zero + 1, zero, sine, zero, cosine]
    turn = np.stack(rows, -1).reshape(*angle.shape, 1, 3, 3)
    return turn @ rotations


def classify(rotations: np.ndarray, clearance: np.ndarray) -> np.ndarray:
    """The kind of captured postures.

    Args:
        rotations: (N, 21, 3, 3).
        clearance: (N,) mm from the ground to the body's lowest landmark, as captured.

    Returns:
        (N,) indices into ``KINDS``.
    """
    heads, tails = place(rotations)
    ankles = heads[:, [RIG.index("left_foot"), RIG.index("right_foot")]]
    low_pelvis = -ankles[..., 1].min(1) < _LOW_PELVIS_MM
    bends = np.stack([_bend(rotations, f"{side}_thigh", f"{side}_shin") for side in ("left", "right")])
    elbows = np.stack([_bend(rotations, f"{side}_upper_arm", f"{side}_forearm") for side in ("left", "right")])
    wrists, shoulders = ([RIG.index(f"{side}_{bone}") for side in ("left", "right")] for bone in ("hand", "upper_arm"))
    raise_mm = (heads[:, wrists, 1] - heads[:, shoulders, 1]).T
    apart = np.linalg.norm((ankles[:, 0] - ankles[:, 1])[:, [0, 2]], axis=-1)
    lean = np.rad2deg(np.arccos(np.clip(rotations[:, RIG.index("chest"), 1, 1], -1, 1)))
    reach = ((raise_mm > _REACH_MM) & (elbows < _REACH_ELBOW)).any(0)
    over_feet = _over_feet(rotations, ankles)
    grounded = clearance <= _CLEAR_MM
    rules = (
        *((name, grounded & holds) for name, holds in _resting(rotations, heads, tails, lean, over_feet)),
        ("airborne", ((clearance > _CLEAR_MM) | low_pelvis) & ~over_feet),
        ("squatting", low_pelvis & (bends.min(0) > _SQUAT_KNEE)),
        ("arms_up", (raise_mm > _RAISED_MM).any(0)),
        ("bending", lean > _BENT_TRUNK),
        ("reaching", reach),
        ("striding", apart > _STRIDE_MM),
    )
    kind = np.full(len(rotations), KINDS.index("standing"))
    for name, holds in reversed(rules):
        kind[holds] = KINDS.index(name)
    return kind


def _resting(
    rotations: np.ndarray, heads: np.ndarray, tails: np.ndarray, lean: np.ndarray, over_feet: np.ndarray
) -> list[tuple[str, np.ndarray]]:
    """Kinds of postures that stand on more than the feet, and which (N,) are such; the first that holds is meant.

    Args:
        rotations: (N, 21, 3, 3).
        heads: (N, 21, 3) mm, where bones start.
        tails: (N, 21, 3) mm, where they end.
        lean: (N,) degrees of the chest from upright.
        over_feet: (N,) bool, the feet alone could bear it.
    """
    knees, chest = [RIG.index("left_shin"), RIG.index("right_shin")], RIG.index("chest")
    ground = np.minimum(heads[..., 1].min(1), tails[..., 1].min(1))
    pelvis, trunk, knee = -ground, heads[:, chest, 1] - ground, heads[:, knees, 1].min(1) - ground
    facing = rotations[:, chest, 1, 2]
    lies = (lean > _LYING_LEAN) & (lean < _HEAD_DOWN_LEAN) & (np.maximum(pelvis, trunk) < _LYING_MM)
    shins = np.rad2deg(np.arccos(np.clip(rotations[:, knees, 1, 1], -1, 1)))
    thighs = [RIG.index("left_thigh"), RIG.index("right_thigh")]
    level = (np.abs(rotations[:, thighs, 1, 1]) < np.sin(np.deg2rad(_SEAT_THIGH))).all(1)
    upright = lean < _LYING_LEAN
    seated = upright & level & (shins.min(1) < _SHIN_UPRIGHT) & (pelvis < _LOW_PELVIS_MM + ANKLE_MM)
    return [
        ("lying_back", lies & ~over_feet & (facing > _FACING)),
        ("lying_front", lies & ~over_feet & (facing < -_FACING)),
        ("lying_side", lies & ~over_feet),
        ("head_down", (lean >= _HEAD_DOWN_LEAN) & ~over_feet),
        ("ground_seated", upright & ~over_feet & (pelvis < _FLOOR_SEAT_MM)),
        ("kneeling", (knee < _KNEE_MM) & (shins.max(1) > _SHIN_LEVEL)),
        ("seated", seated & ~over_feet),
    ]


def _over_feet(rotations: np.ndarray, ankles: np.ndarray) -> np.ndarray:
    """Whether the weight (N,) is near the line between the ankles (N, 2, 3): so captured climbing could also stand."""
    weight, start, end = (points[:, [0, 2]] for points in (center_of_mass(rotations), ankles[:, 0], ankles[:, 1]))
    lowest = ankles[..., 1].min(1)
    along = end - start
    fraction = np.clip(((weight - start) * along).sum(-1) / np.maximum((along**2).sum(-1), 1.0), 0, 1)
    # A raised foot carries nothing.
    fraction = np.where(ankles[:, 0, 1] > lowest + 150, 1.0, np.where(ankles[:, 1, 1] > lowest + 150, 0.0, fraction))
    return np.linalg.norm(start + fraction[:, None] * along - weight, axis=-1) < _BALANCE_MM


def _bend(rotations: np.ndarray, upper: str, lower: str) -> np.ndarray:
    """Degrees (N,) between two bones of a limb."""
    a, b = RIG.index(upper), RIG.index(lower)
    cosine = np.einsum(
        "nij,j,nik,k->n", rotations[:, a], RIG.directions[a], rotations[:, b], RIG.directions[b], optimize=True
    )
    return np.rad2deg(np.arccos(np.clip(cosine, -1, 1)))
