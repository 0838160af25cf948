"""Boxes ``(x0, y0, x1, y1)`` in pixels of a photo: checked, compared, and drawn round joints."""

from __future__ import annotations

import numpy as np

from fusion_model.skeletons import MPII_16


def check_box(box: object, width: int, height: int) -> np.ndarray:
    """A box as (4,) float64, refused if it has no area or does not touch the photo.

    Args:
        box: four numbers x0, y0, x1, y1 in pixels; may reach beyond the photo.
        width: width of the photo in pixels.
        height: height of the photo in pixels.

    Raises:
        ValueError: says what was found and what was expected.
    """
    try:
        values = np.asarray(box, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"a box is four numbers x0, y0, x1, y1 in pixels, got {box!r}") from error
    if values.shape != (4,) or not np.isfinite(values).all():
        raise ValueError(f"a box is four finite numbers x0, y0, x1, y1 in pixels, got {box!r}")
    x0, y0, x1, y1 = values
    if x1 <= x0 or y1 <= y0:
        raise ValueError(f"the box {values.tolist()} has no area: x1 must exceed x0 and y1 must exceed y0")
    if x1 <= -0.5 or y1 <= -0.5 or x0 >= width - 0.5 or y0 >= height - 0.5:
        raise ValueError(f"the box {values.tolist()} does not touch the photo, which is {width} x {height} pixels")
    return values


def areas(boxes: np.ndarray) -> np.ndarray:
    """(...) areas of boxes (..., 4), square pixels; 0 for boxes that are turned inside out."""
    return np.clip(boxes[..., 2:] - boxes[..., :2], 0, None).prod(-1)


def intersections(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Areas that boxes (..., 4) have in common with others (..., 4), by numpy's broadcasting."""
    low, high = np.maximum(boxes[..., :2], others[..., :2]), np.minimum(boxes[..., 2:], others[..., 2:])
    return areas(np.concatenate((low, high), -1))


def iou(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes (..., 4) with others (..., 4), by numpy's broadcasting.

    One box (4,) with K (K, 4) gives (K,); ``iou(boxes[:, None], others)`` gives the table of all pairs.
    """
    common = intersections(boxes, others)
    return common / np.maximum(areas(boxes) + areas(others) - common, 1e-9)


def joint_box(points: np.ndarray, trusted: np.ndarray) -> np.ndarray | None:
    """Tight box (4,) round the trusted joints, a little larger at the head and feet; None for fewer than three.

    Args:
        points: (J, 2) photo pixels.
        trusted: (J,) bool.
    """
    if trusted.sum() < 3:
        return None
    low, high = points[trusted].min(0), points[trusted].max(0)
    pad = 0.04 * (high - low).max()
    return np.concatenate((low - pad, high + pad))


def same_person(points: np.ndarray, others: np.ndarray, trusted: np.ndarray, reach: float) -> bool:
    """Whether two sets of joints are one person: most trusted joints within ``reach`` pixels of each other.

    Left and right may be swapped in one of them.

    Args:
        points: (16, 2) photo pixels.
        others: (16, 2).
        trusted: (16,) bool, joints of ``points`` to compare.
        reach: pixels.
    """
    for order in (slice(None), list(MPII_16.mirror)):
        distance = np.linalg.norm(points - others[order], axis=-1)[trusted]
        if len(distance) and float(np.mean(distance < reach)) > 0.5:
            return True
    return False
