"""Hands at ease: the body model's are spread as for modelling, which is not how hands hang.

Turns of the finger bones that are the same for all people keep the model linear, so the shapes can be turned with it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial.transform import Rotation

# Degrees that each joint of the fingers bends, from the knuckle on, and of the thumb.
_CURL = (4.0, 10.0, 8.0)
_THUMB = (0.0, 6.0, 6.0)
_CLOSE = 0.5  # of the angle between a finger and the middle one


def relax_hands(
    vertices: np.ndarray, heads: np.ndarray, labels: list[str], parents: list[int], weights: np.ndarray
) -> np.ndarray:
    """The vertices (R, V, 3) of a linear model with its hands at ease; the first row is the model at rest.

    Args:
        vertices: (R, V, 3), z up.
        heads: (R, B, 3) where the model's bones begin.
        labels: names of the bones.
        parents: index of each bone's parent, each before its children.
        weights: (V, B) skinning.
    """
    turns = np.tile(np.eye(3, dtype=np.float32), (len(labels), 1, 1))
    for side in ("L", "R"):
        _turn_fingers(turns, heads[0], labels, side)
    moved = heads.copy()
    for bone, parent in enumerate(parents):
        if parent >= 0:
            turns[bone] = turns[parent] @ turns[bone]
            moved[:, bone] = moved[:, parent] + (heads[:, bone] - heads[:, parent]) @ turns[parent].T
    fingers = [bone for bone, label in enumerate(labels) if label.startswith("finger")]
    rows = np.flatnonzero(weights[:, fingers].sum(1) > 0)
    own = weights[rows].astype(np.float32)
    out = vertices.copy()
    shift = moved - np.einsum("bij,rbj->rbi", turns, heads)
    out[:, rows] = np.einsum("vij,rvj->rvi", np.tensordot(own, turns, 1), vertices[:, rows]) + own @ shift
    return out


def _turn_fingers(turns: np.ndarray, heads: np.ndarray, labels: list[str], side: str) -> None:
    """Put the turn of each finger bone of one side, relative to its parent's, into ``turns`` (B, 3, 3)."""

    def head(finger: int, joint: int) -> np.ndarray:
        return heads[labels.index(f"finger{finger}-{joint}.{side}")]

    # With the fingers along the arm and the index ahead they curl about the line from the index to the little finger.
    across = (head(5, 1) - head(2, 1)) * (1 if side == "L" else -1)
    across /= np.linalg.norm(across)
    middle = head(3, 2) - head(3, 1)
    normal = np.cross(across, middle)
    normal /= np.linalg.norm(normal)
    for finger in range(1, 6):
        along = head(finger, 2) - head(finger, 1)
        away = np.arctan2(np.cross(along, middle) @ normal, along @ middle - (along @ normal) * (middle @ normal))
        axis = _thumb_axis(head) if finger == 1 else across
        for joint, angle in enumerate(_THUMB if finger == 1 else _CURL, 1):
            turn = Rotation.from_rotvec(np.deg2rad(angle) * axis)
            if joint == 1 and finger > 1:
                turn = Rotation.from_rotvec(_CLOSE * away * normal) * turn
            turns[labels.index(f"finger{finger}-{joint}.{side}")] = turn.as_matrix()


def _thumb_axis(head: Callable[[int, int], np.ndarray]) -> np.ndarray:
    """Unit axis (3,) about which the thumb swings towards the index finger."""
    axis = np.cross(head(1, 3) - head(1, 1), head(2, 2) - head(1, 1))
    return axis / np.linalg.norm(axis)
