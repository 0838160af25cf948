"""Label repair: hand labels that a confident teacher contradicts, with swapped sides or misplaced joints.

Annotators mistake left for right: of a whole person, of the arms or of the legs. Where the two strong networks of the
teacher agree on the mirrored labels, the sides are exchanged; where they are confident of a place far from the label,
the label is dropped.
"""

from __future__ import annotations

import numpy as np

from fusion_model.skeletons import MPII_16

_NEAR = 0.2  # torso lengths from the teacher's joint, within which a label agrees with it
_FAR = 0.5  # torso lengths from which it contradicts
_CONFIDENT = 0.64  # teacher's weight (score 0.8, squared) from which its contradiction counts
_MIN_JOINTS = 4  # of a limb pair that both know, to compare its sides
_MARGIN = 0.5  # fraction of joints that must agree better when mirrored

LIMB_PAIRS = {
    "arms": [MPII_16.index(f"{side}_{name}") for name in ("shoulder", "elbow", "wrist") for side in ("left", "right")],
    "legs": [MPII_16.index(f"{side}_{name}") for name in ("hip", "knee", "ankle") for side in ("left", "right")],
}
"""Joints of MPII_16 that belong to a pair of limbs."""

_MIRROR = np.array(MPII_16.mirror)
_SHOULDERS = [MPII_16.index("left_shoulder"), MPII_16.index("right_shoulder")]
_HIPS = [MPII_16.index("right_hip"), MPII_16.index("left_hip")]  # those across the torso


def repair_labels(joints: np.ndarray, weight: np.ndarray, guess: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """Exchange swapped sides and drop misplaced joints, in place; arguments and result as :func:`exchanged_sides`."""
    torso = _common_torso(joints, weight, guess, trust)
    exchanged = exchanged_sides(joints, weight, guess, trust)
    for limbs, rows in zip(LIMB_PAIRS.values(), exchanged.T, strict=True):
        for values in (joints, weight):
            values[np.ix_(rows, limbs)] = values[np.ix_(rows, _MIRROR[limbs])]
    far = np.linalg.norm(joints - guess, axis=-1) > _FAR * torso[:, None]
    weight[far & (trust >= _CONFIDENT)] = 0
    return exchanged


def exchanged_sides(joints: np.ndarray, weight: np.ndarray, guess: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """People whose labels of a pair of limbs a second opinion clearly sees on the other side.

    Args:
        joints: (N, 16, 2) labels, MPII order.
        weight: (N, 16) bool or number, 0 where there is no label.
        guess: (N, 16, 2) the second opinion.
        trust: (N, 16) 0 where it does not know.

    Returns:
        (N, 2) bool, of the arms and of the legs.
    """
    near = _NEAR * _common_torso(joints, weight, guess, trust)[:, None]
    exchanged = []
    for limbs in LIMB_PAIRS.values():
        mirrored = _MIRROR[limbs]
        both = (weight[:, limbs] > 0) & (weight[:, mirrored] > 0) & (trust[:, limbs] > 0)
        straight, crossed = (
            ((np.linalg.norm(joints[:, side] - guess[:, limbs], axis=-1) < near) & both).sum(1)
            for side in (limbs, mirrored)
        )
        known = both.sum(1)
        exchanged.append((known >= _MIN_JOINTS) & (crossed - straight >= _MARGIN * known))
    return np.stack(exchanged, 1)


def _common_torso(joints: np.ndarray, weight: np.ndarray, guess: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """(N,) the longer torso of labels and second opinion, pixels; NaN where one is not known."""
    return np.maximum(_torso(joints, weight), _torso(guess, trust))


def _torso(joints: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(N,) the longer of the torso's two diagonals as far as they are known, pixels; NaN where neither is."""
    lengths = np.linalg.norm(joints[:, _SHOULDERS] - joints[:, _HIPS], axis=-1)
    return np.fmax(*np.where((weight[:, _SHOULDERS] > 0) & (weight[:, _HIPS] > 0), lengths, np.nan).T)
