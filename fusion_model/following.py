"""3D poses that follow their own 2D joints, with the limbs of a person.

Where a regression is unsure it answers with a mean: limbs come out too short, and x and y lie further from the joints
in the picture than the peaks of the maps do. :func:`follow` lengthens the limbs, draws x and y towards the 2D joints
where these are sure, and lets the lengths of the bones say how deep a limb reaches.

The size of a pose is a convention: a person 1.70 m tall. Its limbs, from joint centre to joint centre, measure the
fractions of the stature that de Leva gives ("Adjustments to Zatsiorsky-Seluyanov's segment inertia parameters", Journal
of Biomechanics 29, 1996, table 4, mean of women and men; the shank ends at the lateral malleolus). Drillis and Contini
(1966; Winter 2009, figure 4.1) have 0.186, 0.146, 0.245 and 0.246: their upper arm begins higher, at the acromion.
"""

from __future__ import annotations

import numpy as np

from fusion_model.config import FollowingConfig
from fusion_model.skeletons import HUMAN36M_17, MPII_16, MPII_IN_HUMAN36M, Skeleton, conversion_matrix

CONVENTIONAL_HEIGHT_MM = 1700.0

LIMBS = {
    "upper arm": ("shoulder", "elbow", 0.1602),
    "forearm": ("elbow", "wrist", 0.1534),
    "thigh": ("hip", "knee", 0.2274),
    "shank": ("knee", "ankle", 0.2492),
}
"""Name of each limb bone: its ends, and its length as a fraction of the stature; the upper bone first."""
LIMB_LENGTHS = {name: fraction * CONVENTIONAL_HEIGHT_MM for name, (_, _, fraction) in LIMBS.items()}
"""Millimetres of a person of 1.70 m, see above."""

_SHORT = 60.0  # mm: the direction of a shorter bone is not trusted to its full length
_DEEP = 100.0  # mm in depth between the ends of a bone, from which its sign is trusted
_FEWEST = 4  # joints that a camera is fitted to
_AGREE = 0.5  # least R^2 of the fit


def _level(*names: str) -> tuple[list[int], list[int], np.ndarray]:
    """Indices of the upper and the lower ends of limbs of both sides, and their lengths in mm."""
    ends = [
        (f"{side}_{LIMBS[name][0]}", f"{side}_{LIMBS[name][1]}", name) for name in names for side in ("left", "right")
    ]
    upper, lower = ([HUMAN36M_17.index(end[number]) for end in ends] for number in (0, 1))
    return upper, lower, np.array([LIMB_LENGTHS[name] for _, _, name in ends])


_LEVELS = (_level("upper arm", "thigh"), _level("forearm", "shank"))


def follow(
    poses: np.ndarray,
    points: np.ndarray,
    confidence: np.ndarray,
    config: FollowingConfig,
    skeleton: Skeleton = HUMAN36M_17,
) -> np.ndarray:
    """Poses corrected by their 2D joints and the lengths of a person's limbs.

    A pose of such lengths whose joints project onto their 2D joints stays as it is, and so do those of another joint
    set than Human3.6M's 17. The pose of mirrored or turned joints is the mirrored or turned pose.

    Args:
        poses: (N, J, 3) mm, camera axes, for a person of 1.70 m.
        points: (N, 16, 2) MPII's joints in pixels, axes x and y of the poses.
        confidence: (N, 16) of them, in [0, 1].
        config: how far.
        skeleton: of the poses.

    Returns:
        (N, J, 3) mm, pelvis at the origin.
    """
    if skeleton.name != HUMAN36M_17.name or not len(poses):
        return poses
    trust = np.clip((confidence - config.unsure) / (1 - config.unsure), 0, 1)
    longer = _lengthened(poses, config.limbs)
    moves = config.plane * _moves(longer[:, MPII_IN_HUMAN36M, :2], points, trust)
    moved = longer.copy()
    moved[..., :2] += conversion_matrix(MPII_16, HUMAN36M_17) @ moves  # the spine moves with pelvis and thorax
    moved[..., 2] = _depths(moved, trust, config.depth)
    return moved - moved[:, HUMAN36M_17.root, None]


def limb_lengths(poses: np.ndarray) -> dict[str, np.ndarray]:
    """(N,) mm by name of the limb, mean of both sides, of poses (N, 17, 3)."""
    found = {}
    for name in LIMBS:
        upper, lower, _ = _level(name)
        found[name] = np.linalg.norm(poses[:, lower] - poses[:, upper], axis=-1).mean(1)
    return found


def _lengthened(poses: np.ndarray, share: float) -> np.ndarray:
    """Poses (N, 17, 3) whose limbs keep their directions and come nearer to a person's lengths by that share."""
    longer = poses.copy()
    for upper, lower, lengths in _LEVELS:
        bones = poses[:, lower] - poses[:, upper]
        ratio = lengths / np.maximum(np.linalg.norm(bones, axis=-1), _SHORT)
        longer[:, lower] = longer[:, upper] + bones * (1 + share * (ratio - 1))[..., None]
    return longer


def _moves(flat: np.ndarray, points: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """(N, 16, 2) mm from joints (N, 16, 2) to where a weak-perspective camera sees the 2D joints, times the trust.

    The camera's scale is that of the least squares in which both sides err alike (reduced major axis): plain least
    squares would take joints of which the pose is unsure for a small person.
    """
    weight = (trust / np.maximum(trust.sum(1, keepdims=True), 1e-9))[..., None]
    flat, points = (values - (weight * values).sum(1, keepdims=True) for values in (flat, points))
    pairs = ((flat, points), (flat, flat), (points, points))
    common, of_pose, of_points = ((weight * one * two).sum((1, 2)) for one, two in pairs)
    fits = (common > 0) & (common**2 > _AGREE * of_pose * of_points) & ((trust > 0).sum(1) >= _FEWEST)
    scale = np.sqrt(np.divide(of_pose, of_points, out=np.zeros_like(common), where=fits))
    return (trust * fits[:, None])[..., None] * (scale[:, None, None] * points - flat)


def _depths(poses: np.ndarray, trust: np.ndarray, share: float) -> np.ndarray:
    """Z of the joints (N, 17) mm: sure limbs reach as deep as their lengths ask for, to the side on which they are."""
    depth = poses[..., 2].copy()
    sure = trust @ conversion_matrix(MPII_16, HUMAN36M_17).T
    for upper, lower, lengths in _LEVELS:
        across = np.linalg.norm(poses[:, lower, :2] - poses[:, upper, :2], axis=-1)
        along = poses[:, lower, 2] - poses[:, upper, 2]
        wanted = np.sign(along) * np.sqrt(np.maximum(lengths**2 - across**2, 0))
        pull = share * np.minimum(sure[:, upper], sure[:, lower]) * np.tanh(np.abs(along) / _DEEP)
        depth[:, lower] = depth[:, upper] + along + pull * (wanted - along)
    return depth
