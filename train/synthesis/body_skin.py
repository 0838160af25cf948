"""Linear blend skinning with helpers where plain blending fails: half-way turns at joints, shared twist along limbs.

Blending two turns far apart makes a mesh collapse towards the joint, as shoulders of raised arms and bent knees do.
So where two bones share a vertex, what they have in common of it follows a third turn half-way between them.
A hand turns with the whole forearm, and the whole upper arm takes up a shoulder's roll: blending at the joint only
would wring the mesh like a sweet's wrapper. So these limbs are skinned to stations along them, each turned in part.
"""

from __future__ import annotations

import numpy as np

from train.synthesis.rig import RIG

_STEPS = 3
# All of what two bones share would overshoot: the outside of a raised shoulder becomes a corner.
_COMMON_OF_HALF = 0.6
_SIDES = ("left", "right")
# A limb, the bone against which it twists, and whether the limb's end (else its beginning) follows that bone.
_TWISTS = (("upper_arm", "{}_clavicle", False), ("thigh", "pelvis", False), ("forearm", "{}_hand", True))
_LIMBS = tuple(
    (RIG.index(f"{side}_{limb}"), RIG.index(against.format(side)), at_end)
    for side in _SIDES
    for limb, against, at_end in _TWISTS
)
# Joints that bend far: the bone before and the bone that begins there.
_BENDS = tuple(
    (RIG.index(before.format(side)), RIG.index(f"{side}_{after}"))
    for side in _SIDES
    for before, after in (
        ("{}_clavicle", "upper_arm"),
        ("chest", "upper_arm"),
        ("{}_upper_arm", "forearm"),
        ("{}_forearm", "hand"),
        ("pelvis", "thigh"),
        ("{}_thigh", "shin"),
        ("{}_shin", "foot"),
    )
)


class Skin:
    """Skinning of one mesh.

    Args:
        vertices: (V, 3) the mean body at rest, from which the stations' weights come.
        heads: (21, 3) where its bones begin.
        tails: (21, 3) where they end.
        bone: (V, K) the bones that move a vertex.
        weight: (V, K) how much each does.
    """

    def __init__(
        self, vertices: np.ndarray, heads: np.ndarray, tails: np.ndarray, bone: np.ndarray, weight: np.ndarray
    ) -> None:
        dense = dense_weights(bone, weight, len(RIG))
        common, stations = [], []
        for before, after in _BENDS:
            shared = _COMMON_OF_HALF * np.minimum(dense[:, before], dense[:, after])
            dense[:, before] -= shared
            dense[:, after] -= shared
            common.append(2 * shared)
        for limb, _, at_end in _LIMBS:
            place = position_along(vertices, heads[limb], tails[limb])
            fraction = np.maximum(0, 1 - np.abs(_STEPS * place[:, None] - np.arange(_STEPS + 1))) * dense[:, limb, None]
            # The station whose fraction of the twist is none is the limb itself.
            dense[:, limb] = fraction[:, 0 if at_end else -1]
            stations.append(fraction[:, 1:] if at_end else fraction[:, :-1])
        self._weights = np.ascontiguousarray(np.concatenate([dense, *stations, np.stack(common, 1)], 1), np.float32)

    def apply(
        self, rest: np.ndarray, heads: np.ndarray, tails: np.ndarray, turns: np.ndarray, moved: np.ndarray
    ) -> np.ndarray:
        """Vertices (V, 3) float32 of a posed body.

        Args:
            rest: (V, 3) the body at rest.
            heads: (21, 3) where its bones begin at rest.
            tails: (21, 3) where they end.
            turns: (21, 3, 3) each bone's turn from rest.
            moved: (21, 3) where each bone's head goes.
        """
        pivots, every = list(range(len(RIG))), list(turns)
        begins = dict(enumerate(turns))  # of each bone, the turn at its beginning
        for limb, against, at_end in _LIMBS:
            axis = tails[limb] - heads[limb]
            axis = axis / np.linalg.norm(axis)
            first, second = (limb, against) if at_end else (against, limb)
            angle = _twist_angle(turns[first].T @ turns[second], axis)
            fractions = np.arange(1, _STEPS + 1) if at_end else np.arange(_STEPS) - _STEPS
            stations = [turns[limb] @ _about(axis, angle * fraction / _STEPS) for fraction in fractions]
            if not at_end:
                begins[limb] = stations[0]
            every += stations
            pivots += [limb] * _STEPS
        for before, after in _BENDS:
            every.append(turns[before] @ _half(turns[before].T @ begins[after]))
            pivots.append(after)
        turned = np.stack(every).astype(np.float32)
        shift = moved[pivots] - np.einsum("bij,bj->bi", turned, heads[pivots])
        blended = self._weights @ np.concatenate([turned.reshape(-1, 9), shift], 1).astype(np.float32)
        return np.einsum("vij,vj->vi", blended[:, :9].reshape(-1, 3, 3), rest) + blended[:, 9:]


def dense_weights(bone: np.ndarray, weight: np.ndarray, count: int) -> np.ndarray:
    """Skinning (V, B) float32 to ``count`` bones of the bones (V, K) that move each vertex and their weights (V, K)."""
    out = np.zeros((len(bone), count), np.float32)
    np.add.at(out, (np.arange(len(bone))[:, None], bone), weight.astype(np.float32))
    return out


def position_along(vertices: np.ndarray, head: np.ndarray, tail: np.ndarray) -> np.ndarray:
    """(V,) how far along a bone vertices (V, 3) lie: 0 at its head or before it, 1 at its tail or beyond."""
    span = tail - head
    return np.clip((vertices - head) @ span / (span @ span), 0, 1).astype(np.float32)


def _skew(turn: np.ndarray) -> np.ndarray:
    """(3,) of a rotation (3, 3): its axis times twice the sine of its angle."""
    return np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])


def _twist_angle(turn: np.ndarray, axis: np.ndarray) -> float:
    """Radians that a rotation (3, 3) turns about a unit axis (3,), after what it swings that axis is taken away."""
    # The vector part of the quaternion is the skew part of the matrix over 4w, and w^2 = (1 + trace) / 4.
    return float(2 * np.arctan2(_skew(turn) @ axis, 1 + np.trace(turn)))


def _half(turn: np.ndarray) -> np.ndarray:
    """(3, 3) the rotation that done twice is ``turn``; no turn for a half circle, of which there is no one half."""
    skew = _skew(turn)
    sine = np.linalg.norm(skew)
    if sine < 1e-6:
        return np.eye(3)
    return _about(skew / sine, float(np.arctan2(sine, np.trace(turn) - 1)) / 2)


def _about(axis: np.ndarray, angle: float) -> np.ndarray:
    """(3, 3) turn about a unit axis (3,) by an angle in radians."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
