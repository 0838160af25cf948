"""A plain adult on the rig: where joints lie in a posture, for clustering, checks and stick figures.

Lengths are those of a person of 1.70 m after the segment fractions of stature of Drillis and Contini (1966); the
trunk is cut where this rig has its joints (stated choice). Rendered bodies have their own lengths.
"""

from __future__ import annotations

import numpy as np

from train.synthesis.rig import RIG

_MIDDLE = {"pelvis": 100.0, "spine": 160.0, "chest": 240.0, "neck": 100.0, "head": 200.0}
_SIDES = {"clavicle": 165.0, "upper_arm": 300.0, "forearm": 250.0, "hand": 180.0}
_SIDES |= {"thigh": 415.0, "shin": 415.0, "foot": 140.0, "toes": 60.0}
# The shoulder girdle follows the arm: of 180 degrees of raising the arm some 30 are the clavicle's own (Inman 1944);
# captures hardly ever move it.
CLAVICLE_FRACTION = 0.15
# Height of the ankle over the sole, mm.
ANKLE_MM = 70.0
LENGTHS = np.array([_MIDDLE.get(name) or _SIDES[name.partition("_")[2]] for name in RIG.names])
_DIRECTIONS = RIG.directions * LENGTHS[:, None]


def _starts() -> np.ndarray:
    """Where each bone starts, (21, 3) mm from its parent's start in the canonical stance."""
    starts = np.zeros((len(RIG), 3))
    for bone, (name, parent) in enumerate(zip(RIG.names, RIG.parents, strict=True)):
        if parent < 0:
            continue
        side, _, part = name.partition("_")
        outwards = {"left": 1.0, "right": -1.0}.get(side, 0.0)
        starts[bone] = [outwards * 90.0, 0.0, 0.0] if part == "thigh" else _DIRECTIONS[parent]
        if part == "clavicle":
            starts[bone] += [outwards * 20.0, -35.0, 0.0]
    return starts


def _chains() -> np.ndarray:
    """(21, 21), 1 where the second bone is the first or one of its ancestors."""
    chains = np.eye(len(RIG))
    for bone, parent in enumerate(RIG.parents):
        if parent >= 0:
            chains[bone] += chains[parent]
    return chains


_STARTS, _CHAINS = _starts(), _chains()
# The first bone starts at the origin, whatever it is turned by.
_PARENTS = [max(parent, 0) for parent in RIG.parents]


def place(rotations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both ends of every bone of the plain adult.

    Args:
        rotations: (..., 21, 3, 3) postures.

    Returns:
        heads and tails, (..., 21, 3) mm each, the pelvis at the origin.
    """
    rotations = np.asarray(rotations)
    steps = (rotations[..., _PARENTS, :, :] @ _STARTS[:, :, None])[..., 0]
    heads = _CHAINS @ steps
    return heads, heads + (rotations @ _DIRECTIONS[:, :, None])[..., 0]


def start_of(rotations: np.ndarray, bone: str) -> np.ndarray:
    """Where one bone of a posture (21, 3, 3) starts, (3,) mm."""
    index = RIG.index(bone)
    start = np.zeros(3)
    while RIG.parents[index] >= 0:
        start += rotations[RIG.parents[index]] @ _STARTS[index]
        index = RIG.parents[index]
    return start


# Parts of body mass (Dempster's, after Winter 1990), each at the middle of its bone; the trunk's 0.497 over its bones.
_MASS = {"pelvis": 0.142, "spine": 0.139, "chest": 0.216, "head": 0.081}
_SIDE_MASS = {"upper_arm": 0.028, "forearm": 0.016, "hand": 0.006, "thigh": 0.1, "shin": 0.0465, "foot": 0.0145}
MASS = np.array([_MASS.get(name) or _SIDE_MASS.get(name.partition("_")[2], 0.0) for name in RIG.names])
MASS = MASS / MASS.sum()


def center_of_mass(rotations: np.ndarray) -> np.ndarray:
    """Where the weight of the plain adult is, (..., 3) mm."""
    heads, tails = place(rotations)
    return np.einsum("b,...bi->...i", MASS, (heads + tails) / 2)
