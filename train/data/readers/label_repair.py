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


def repair_labels(joints: np.ndarray, weight: np.ndarray, guess: np.ndarray, trust: np.ndarray) -> dict[str, int]:
    """Exchange swapped sides and drop misplaced joints, in place.

    Args:
        joints: (N, 16, 2) by hand, MPII order.
        weight: (N, 16) 1 where labelled, else 0.
        guess: (N, 16, 2) the teacher's joints.
        trust: (N, 16) the teacher's weight, 0 where it does not know.

    Returns:
        How many pairs of arms and of legs were exchanged, and how many joints were dropped.
    """
    torso = _common_torso(joints, weight, guess, trust)
    swapped = exchanged_sides(joints, weight, guess, trust)
    for name, rows in swapped.items():
        limbs = LIMB_PAIRS[name]
        joints[np.ix_(rows, limbs)] = joints[np.ix_(rows, _MIRROR[limbs])]
        weight[np.ix_(rows, limbs)] = weight[np.ix_(rows, _MIRROR[limbs])]
    with np.errstate(invalid="ignore"):
        far = np.linalg.norm(joints - guess, axis=-1) > _FAR * torso[:, None]
    dropped = far & (weight > 0) & (trust >= _CONFIDENT)
    weight[dropped] = 0
    return {**{name: int(rows.sum()) for name, rows in swapped.items()}, "joints": int(dropped.sum())}


def exchanged_sides(
    joints: np.ndarray, weight: np.ndarray, guess: np.ndarray, trust: np.ndarray
) -> dict[str, np.ndarray]:
    """People whose labels of a pair of limbs a second opinion clearly sees on the other side.

    Args:
        joints: (N, 16, 2) labels, MPII order.
        weight: (N, 16) bool or number, 0 where there is no label.
        guess: (N, 16, 2) the second opinion.
        trust: (N, 16) 0 where it does not know.

    Returns:
        (N,) bool for ``"arms"`` and for ``"legs"``.
    """
    torso = _common_torso(joints, weight, guess, trust)
    return {name: _better_mirrored(joints, weight, guess, trust, torso, limbs) for name, limbs in LIMB_PAIRS.items()}


def _common_torso(joints: np.ndarray, weight: np.ndarray, guess: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """(N,) the longer torso of labels and second opinion, pixels; NaN where one is not known."""
    return np.maximum(_torso(joints, weight), _torso(guess, trust))


def _torso(joints: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(N,) the longer of the torso's two diagonals as far as they are known, pixels; NaN where neither is."""
    lengths = []
    for a, b in (("left_shoulder", "right_hip"), ("right_shoulder", "left_hip")):
        a, b = MPII_16.index(a), MPII_16.index(b)  # noqa: PLW2901 - names to numbers
        length = np.linalg.norm(joints[:, a] - joints[:, b], axis=-1)
        lengths.append(np.where((weight[:, a] > 0) & (weight[:, b] > 0), length, np.nan))
    return np.fmax(*lengths)


def _better_mirrored(
    joints: np.ndarray, weight: np.ndarray, guess: np.ndarray, trust: np.ndarray, torso: np.ndarray, limbs: list[int]
) -> np.ndarray:
    """(N,) bool: the teacher clearly agrees with the other side's labels of these limbs."""
    mirrored = _MIRROR[limbs]
    both = (weight[:, limbs] > 0) & (weight[:, mirrored] > 0) & (trust[:, limbs] > 0)
    reach = _NEAR * torso[:, None]
    with np.errstate(invalid="ignore"):
        straight = (np.linalg.norm(joints[:, limbs] - guess[:, limbs], axis=-1) < reach) & both
        crossed = (np.linalg.norm(joints[:, mirrored] - guess[:, limbs], axis=-1) < reach) & both
    known = both.sum(1)
    return (known >= _MIN_JOINTS) & (crossed.sum(1) - straight.sum(1) >= _MARGIN * known)
