"""A plain adult on the rig: where joints lie in a posture, for clustering, checks and stick figures.

Lengths are those of a person of 1.70 m after the segment fractions of stature of Drillis and Contini (1966); the
trunk is cut where this rig has its joints (stated choice). Rendered bodies have their own lengths.
"""

from __future__ import annotations

import numpy as np

from train.synthesis.rig import RIG

_MIDDLE = {"pelvis": 100.0, "spine": 160.0, "chest": 240.0, "neck": 100.0, "head": 200.0}
_SIDES = {
    "clavicle": 165.0,
    "upper_arm": 300.0,
    "forearm": 250.0,
    "hand": 180.0,
    "thigh": 415.0,
    "shin": 415.0,
    "foot": 140.0,
    "toes": 60.0,
}
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


_STARTS = _starts()


def place(rotations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both ends of every bone of the plain adult.

    Args:
        rotations: (..., 21, 3, 3) postures.

    Returns:
        heads and tails, (..., 21, 3) mm each, the pelvis at the origin.
    """
    rotations = np.asarray(rotations)
    parents = list(RIG.parents[1:])
    steps = np.einsum("...bij,bj->...bi", rotations[..., parents, :, :], _STARTS[1:])
    heads = np.zeros((*rotations.shape[:-3], len(RIG), 3))
    for bone, parent in enumerate(RIG.parents):
        if parent >= 0:
            heads[..., bone, :] = heads[..., parent, :] + steps[..., bone - 1, :]
    return heads, heads + np.einsum("...bij,bj->...bi", rotations, _DIRECTIONS)
