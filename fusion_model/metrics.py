"""Measures of pose accuracy, each with its protocol, in numpy.

3D joints are (N, J, 3) in millimetres, 2D joints (N, J, 2) in pixels of the photo; N counts people or frames.
Fractions lie in [0, 1]. A mean over nothing (no labelled joint, no pair) is NaN, never 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fusion_model.skeletons import Skeleton

PCK3D_MM = 150.0
"""The threshold of MPI-INF-3DHP: half a head."""


class ReliabilityBin(NamedTuple):
    """One row of :func:`reliability_table`.

    Attributes:
        low: lower end of the bin; belongs to the first bin only.
        high: upper end of the bin, which belongs to it.
        count: number of joints in the bin.
        confidence: their mean confidence, NaN if there are none.
        accuracy: the fraction of them that is correct, NaN if there are none.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def mpjpe(prediction: np.ndarray, target: np.ndarray, root: int | None = 0) -> float:
    """Mean per-joint position error (Human3.6M, protocol 1): mean distance over frames and joints, root included.

    Args:
        prediction: (N, J, 3) mm.
        target: (N, J, 3) mm.
        root: joint that both are moved to before comparing; None compares them as they are (Tekin et al.).

    Returns:
        Millimetres.
    """
    return _mean(joint_errors(_relative(prediction, root), _relative(target, root)))


def n_mpjpe(prediction: np.ndarray, target: np.ndarray, root: int | None = 0) -> float:
    """Scale-normalised error (Rhodin et al., CVPR 2018): each prediction is scaled to fit, not turned or moved.

    Args:
        prediction: (N, J, 3) mm, or any unit.
        target: (N, J, 3) mm.
        root: as in :func:`mpjpe`.

    Returns:
        Millimetres.
    """
    prediction, target = _relative(prediction, root), _relative(target, root)
    _check_pair(prediction, target, 3)
    products, squares = (prediction * target).sum((1, 2)), (prediction**2).sum((1, 2))
    scale = np.divide(products, squares, out=np.zeros_like(products), where=squares > 0)
    return _mean(joint_errors(scale[:, None, None] * prediction, target))


def pa_mpjpe(prediction: np.ndarray, target: np.ndarray, *, scale: bool = True) -> float:
    """Error after Procrustes alignment of each frame (Human3.6M, protocol 2); see :func:`align`.

    Args:
        prediction: (N, J, 3) mm, or any unit.
        target: (N, J, 3) mm.
        scale: False aligns rigidly, by rotation and translation alone (HumanEva-I).

    Returns:
        Millimetres.
    """
    return _mean(joint_errors(align(prediction, target, scale=scale), target))


def align(prediction: np.ndarray, target: np.ndarray, *, scale: bool = True) -> np.ndarray:
    """Move each prediction onto its target by the similarity transform of least squares, never by a reflection.

    Args:
        prediction: (N, J, 3).
        target: (N, J, 3).
        scale: False keeps the size: a rigid transform.

    Returns:
        (N, J, 3) float64 predictions in the target's place and unit.
    """
    prediction, target = np.asarray(prediction, np.float64), np.asarray(target, np.float64)
    _check_pair(prediction, target, 3)
    center = target.mean(1, keepdims=True)
    p, g = prediction - prediction.mean(1, keepdims=True), target - center
    u, singular, v = np.linalg.svd(p.transpose(0, 2, 1) @ g)
    # The best rotation turns the least important axis around where the best orthogonal matrix is a reflection.
    sign = np.ones_like(singular)
    sign[:, 2] = np.sign(np.linalg.det(u @ v))
    rotated = p @ ((u * sign[:, None]) @ v)
    if scale:
        squares = (p**2).sum((1, 2))
        traces = (singular * sign).sum(1)
        rotated *= np.divide(traces, squares, out=np.zeros_like(traces), where=squares > 0)[:, None, None]
    return rotated + center


def joint_errors(prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(N, J) distances between (N, J, D) predictions and targets, in their unit."""
    prediction, target = np.asarray(prediction, np.float64), np.asarray(target, np.float64)
    _check_pair(prediction, target)
    return np.linalg.norm(prediction - target, axis=-1)


def pcp(
    prediction: np.ndarray,
    target: np.ndarray,
    bones: Sequence[tuple[int, int]],
    labelled: np.ndarray | None = None,
    *,
    rule: str = "strict",
    threshold: float = 0.5,
) -> np.ndarray:
    """Percentage of correct parts, as a fraction for each part.

    Args:
        prediction: (N, J, D), D = 2 or 3.
        target: (N, J, D).
        bones: B pairs of joints.
        labelled: (N, J) bool; a part counts where both its ends are labelled. None: everywhere.
        rule: ``"strict"``: both ends lie within ``threshold`` lengths of the true part (LSP); ``"mean"``: the mean
            of their distances does (KTH Multiview Football II).
        threshold: see above.

    Returns:
        (B,) fractions over the N people, NaN for a part that is labelled nowhere.
    """
    if rule not in ("strict", "mean"):
        raise ValueError(f"rule must be 'strict' or 'mean', got {rule!r}")
    errors = joint_errors(prediction, target)
    labelled = _labels(labelled, errors.shape)
    first, second = np.asarray(bones, int).reshape(-1, 2).T
    target = np.asarray(target, np.float64)
    lengths = np.linalg.norm(target[:, first] - target[:, second], axis=-1)
    ends = np.stack((errors[:, first], errors[:, second]))
    distance = ends.max(0) if rule == "strict" else ends.mean(0)
    return _fraction(distance <= threshold * lengths, labelled[:, first] & labelled[:, second], axis=0)


def correct_keypoints(
    prediction: np.ndarray, target: np.ndarray, skeleton: Skeleton, threshold: float = 0.2
) -> np.ndarray:
    """Joints within ``threshold`` torso lengths of the truth, the torso from left shoulder to right hip.

    Args:
        prediction: (N, J, 2) pixels; not finite where a joint was not found.
        target: (N, J, 2) pixels.
        skeleton: the joint set of both.
        threshold: 0.2 for PCK@0.2.

    Returns:
        (N, J) bool.
    """
    errors, target = joint_errors(prediction, target), np.asarray(target, np.float64)
    if errors.shape[1] != len(skeleton):
        raise ValueError(f"{skeleton.name} has {len(skeleton)} joints, got {errors.shape[1]}")
    shoulder, hip = skeleton.index("left_shoulder"), skeleton.index("right_hip")
    torso = np.linalg.norm(target[:, shoulder] - target[:, hip], axis=-1)
    return errors <= threshold * torso[:, None]


def person_pck(
    prediction: np.ndarray,
    target: np.ndarray,
    skeleton: Skeleton,
    labelled: np.ndarray | None = None,
    *,
    joints: Sequence[int] | None = None,
    threshold: float = 0.2,
) -> np.ndarray:
    """Fraction of each person's labelled joints that are correct: see :func:`correct_keypoints`.

    Args:
        prediction: (N, J, 2) pixels.
        target: (N, J, 2) pixels.
        skeleton: the joint set of both.
        labelled: (N, J) bool; None: all are.
        joints: indices of the joints to measure; None: all.
        threshold: 0.2 for PCK@0.2.

    Returns:
        (N,) fractions of the labelled joints; NaN for a person without a labelled torso or a labelled joint.
    """
    right = correct_keypoints(prediction, target, skeleton, threshold)
    labelled = _labels(labelled, right.shape)
    torso = labelled[:, skeleton.index("left_shoulder")] & labelled[:, skeleton.index("right_hip")]
    measured = list(range(len(skeleton)) if joints is None else joints)
    return np.where(torso, _fraction(right[:, measured], labelled[:, measured], axis=1), np.nan)


def pck(
    prediction: np.ndarray,
    target: np.ndarray,
    skeleton: Skeleton,
    labelled: np.ndarray | None = None,
    *,
    joints: Sequence[int] | None = None,
    threshold: float = 0.2,
) -> float:
    """Percentage of correct keypoints: the mean of :func:`person_pck`, with its arguments, over those it is known of.

    Returns:
        The mean fraction.
    """
    fractions = person_pck(prediction, target, skeleton, labelled, joints=joints, threshold=threshold)
    return _mean(fractions[~np.isnan(fractions)])


def pckh(
    prediction: np.ndarray,
    target: np.ndarray,
    head_sizes: np.ndarray,
    labelled: np.ndarray | None = None,
    *,
    threshold: float = 0.5,
) -> float:
    """PCKh (MPII): joints within ``threshold`` head sizes, over all labelled joints of all people together.

    Args:
        prediction: (N, J, 2) pixels.
        target: (N, J, 2) pixels.
        head_sizes: (N,) pixels; MPII takes 0.6 of the diagonal of the head's box.
        labelled: (N, J) bool; None: all are. MPII's own total leaves out pelvis and thorax: label them False.
        threshold: 0.5 for PCKh@0.5.

    Returns:
        The fraction.
    """
    errors = joint_errors(prediction, target)
    head_sizes = np.asarray(head_sizes, np.float64)
    if head_sizes.shape != errors.shape[:1]:
        raise ValueError(f"head_sizes must be ({len(errors)},), got {head_sizes.shape}")
    return float(_fraction(errors <= threshold * head_sizes[:, None], _labels(labelled, errors.shape)))


def pck3d(prediction: np.ndarray, target: np.ndarray, threshold_mm: float = PCK3D_MM, root: int | None = 0) -> float:
    """Fraction of joints within ``threshold_mm`` (MPI-INF-3DHP; its own figure takes 14 of its 17 joints).

    Args:
        prediction: (N, J, 3) mm.
        target: (N, J, 3) mm.
        threshold_mm: 150 mm as published.
        root: as in :func:`mpjpe`.

    Returns:
        The fraction over frames and joints.
    """
    return _mean(joint_errors(_relative(prediction, root), _relative(target, root)) <= threshold_mm)


def auc(prediction: np.ndarray, target: np.ndarray, root: int | None = 0) -> float:
    """Mean of :func:`pck3d` over the thresholds 0, 5, .., 150 mm (MPI-INF-3DHP); 1 for a perfect prediction."""
    errors = joint_errors(_relative(prediction, root), _relative(target, root))
    return _mean(errors[..., None] <= np.arange(0.0, PCK3D_MM + 1, 5))


def ordinal_depth(
    prediction: np.ndarray, target: np.ndarray, joints: Sequence[int] | None = None, threshold_mm: float = 150.0
) -> float:
    """Fraction of joint pairs whose order in depth is right, among pairs clearly apart in depth.

    Args:
        prediction: (N, J, 3) camera axes, z away from the camera, any unit.
        target: (N, J, 3) mm, camera axes.
        joints: indices of the joints to pair; None: all.
        threshold_mm: pairs count whose true depths differ by more.

    Returns:
        The fraction over the pairs of all people; equal predicted depths are wrong.
    """
    prediction, target = np.asarray(prediction, np.float64), np.asarray(target, np.float64)
    _check_pair(prediction, target, 3)
    measured = np.arange(target.shape[1]) if joints is None else np.asarray(joints, int)
    first, second = np.triu_indices(len(measured), 1)
    found, true = (z[:, measured[first]] - z[:, measured[second]] for z in (prediction[..., 2], target[..., 2]))
    return float(_fraction(np.sign(found) == np.sign(true), np.abs(true) > threshold_mm))


def reliability_table(confidence: np.ndarray, correct: np.ndarray, bins: int = 10) -> list[ReliabilityBin]:
    """How often joints of like confidence are correct, in bins of equal width.

    Args:
        confidence: (...) in [0, 1].
        correct: (...) bool.
        bins: number of bins.

    Returns:
        ``bins`` rows from low to high confidence.
    """
    confidence, correct = np.asarray(confidence, np.float64), np.asarray(correct)
    if confidence.shape != correct.shape:
        raise ValueError(f"confidence and correct must have one shape, got {confidence.shape} and {correct.shape}")
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise ValueError(f"confidence must lie in [0, 1], got {confidence.min()} to {confidence.max()}")
    edges = np.linspace(0, 1, bins + 1)
    member = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    return [
        ReliabilityBin(
            float(edges[row]),
            float(edges[row + 1]),
            int((member == row).sum()),
            _mean(confidence[member == row]),
            _mean(correct[member == row]),
        )
        for row in range(bins)
    ]


def expected_calibration_error(confidence: np.ndarray, correct: np.ndarray, bins: int = 10) -> float:
    """Mean of |confidence - accuracy| over the bins of :func:`reliability_table`, weighted by their counts.

    Args:
        confidence: (...) in [0, 1].
        correct: (...) bool.
        bins: number of bins of equal width.

    Returns:
        A number in [0, 1]; 0 is perfectly calibrated.
    """
    rows = [row for row in reliability_table(confidence, correct, bins) if row.count]
    total = sum(row.count for row in rows)
    return sum(row.count * abs(row.confidence - row.accuracy) for row in rows) / total if total else float("nan")


def _relative(joints: np.ndarray, root: int | None) -> np.ndarray:
    """(N, J, 3) float64 joints relative to the root joint, or as they are for None."""
    joints = np.asarray(joints, np.float64)
    if joints.ndim != 3 or joints.shape[2] != 3:
        raise ValueError(f"joints must be (N, J, 3), got {joints.shape}")
    return joints if root is None else joints - joints[:, root : root + 1]


def _check_pair(prediction: np.ndarray, target: np.ndarray, dimensions: int | None = None) -> None:
    """Refuse predictions and targets that are not of one shape (N, J, D)."""
    wrong = prediction.ndim != 3 or (dimensions is not None and prediction.shape[2] != dimensions)
    if wrong or prediction.shape != target.shape:
        expected = f"(N, J, {dimensions or 'D'})"
        raise ValueError(f"prediction and target must both be {expected}, got {prediction.shape} and {target.shape}")


def _labels(labelled: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray:
    """(N, J) bool, all True for None."""
    if labelled is None:
        return np.ones(shape, bool)
    labelled = np.asarray(labelled, bool)
    if labelled.shape != shape:
        raise ValueError(f"labelled must be {shape}, got {labelled.shape}")
    return labelled


def _fraction(right: np.ndarray, counted: np.ndarray, axis: int | None = None) -> np.ndarray:
    """Fraction of ``right`` among ``counted`` along an axis, NaN where nothing is counted."""
    number = counted.sum(axis)
    hits = (right & counted).sum(axis)
    return np.where(number > 0, hits / np.maximum(number, 1), np.nan)


def _mean(values: np.ndarray) -> float:
    """Mean over everything, NaN for nothing."""
    return float(values.mean()) if values.size else float("nan")
