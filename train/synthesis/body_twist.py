"""Linear blend skinning in which a limb's turn about its own length is shared out along it.

A hand turns with the whole forearm and a shoulder's roll is taken up by the whole upper arm. Blending only the turns of
two bones at a joint would wring the mesh there like a sweet's wrapper, so each twisting limb is skinned to stations
along it, each turned by its share.
"""

from __future__ import annotations

import numpy as np

from train.synthesis.rig import RIG

_STEPS = 3
# A limb, the bone against which it twists, and whether the limb's end (else its beginning) follows that bone.
_LIMBS = tuple(
    (RIG.index(f"{side}_{limb}"), RIG.index(against.format(side)), at_end)
    for side in ("left", "right")
    for limb, against, at_end in (
        ("upper_arm", "{}_clavicle", False),
        ("thigh", "pelvis", False),
        ("forearm", "{}_hand", True),
    )
)


class Twist:
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
        dense = np.zeros((len(vertices), len(RIG)), np.float32)
        np.add.at(dense, (np.arange(len(vertices))[:, None], bone), weight)
        stations = []
        for limb, _, at_end in _LIMBS:
            place = position_along(vertices, heads[limb], tails[limb])
            share = np.maximum(0, 1 - np.abs(_STEPS * place[:, None] - np.arange(_STEPS + 1))) * dense[:, limb, None]
            # The station whose share of the twist is none is the limb itself.
            dense[:, limb] = share[:, 0 if at_end else -1]
            stations.append(share[:, 1:] if at_end else share[:, :-1])
        self._weights = np.ascontiguousarray(np.concatenate([dense, *stations], 1), np.float32)

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
        bones, extra = list(range(len(RIG))), []
        for limb, against, at_end in _LIMBS:
            axis = tails[limb] - heads[limb]
            axis = axis / np.linalg.norm(axis)
            first, second = (limb, against) if at_end else (against, limb)
            angle = _twist_angle(turns[first].T @ turns[second], axis)
            shares = np.arange(1, _STEPS + 1) if at_end else np.arange(_STEPS) - _STEPS
            extra += [turns[limb] @ _about(axis, angle * share / _STEPS) for share in shares]
            bones += [limb] * _STEPS
        every = np.concatenate([turns, extra]).astype(np.float32)
        shift = moved[bones] - np.einsum("bij,bj->bi", every, heads[bones])
        blended = self._weights @ np.concatenate([every.reshape(-1, 9), shift], 1).astype(np.float32)
        return np.einsum("vij,vj->vi", blended[:, :9].reshape(-1, 3, 3), rest) + blended[:, 9:]


def position_along(vertices: np.ndarray, head: np.ndarray, tail: np.ndarray) -> np.ndarray:
    """(V,) how far along a bone vertices (V, 3) lie: 0 at its head or before it, 1 at its tail or beyond."""
    span = tail - head
    return np.clip((vertices - head) @ span / (span @ span), 0, 1).astype(np.float32)


def _twist_angle(turn: np.ndarray, axis: np.ndarray) -> float:
    """Radians that a rotation (3, 3) turns about a unit axis (3,), after what it swings that axis is taken away."""
    # The vector part of the quaternion is the skew part of the matrix over 4w, and w^2 = (1 + trace) / 4.
    skew = np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])
    return float(2 * np.arctan2(skew @ axis, 1 + np.trace(turn)))


def _about(axis: np.ndarray, angle: float) -> np.ndarray:
    """(3, 3) turn about a unit axis (3,) by an angle in radians."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
