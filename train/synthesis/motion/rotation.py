"""Rotations as arrays: matrices (..., 3, 3) that act on columns, quaternions (..., 4) as w, x, y, z."""

from __future__ import annotations

import numpy as np

from train.synthesis.rig import RIG

_TINY = 1e-9


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (..., 3) at length 1; zero vectors stay zero."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), _TINY)


def cross(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cross products of (..., 3) vectors; numpy's own takes several times as long for single ones."""
    x, y, z = first[..., 0], first[..., 1], first[..., 2]
    u, v, w = second[..., 0], second[..., 1], second[..., 2]
    out = np.empty((*np.broadcast(x, u).shape, 3), np.result_type(first, second))
    out[..., 0], out[..., 1], out[..., 2] = y * w - z * v, z * u - x * w, x * v - y * u
    return out


def about(axis: np.ndarray, angle: np.ndarray | float) -> np.ndarray:
    """Right-handed rotation about an axis.

    Args:
        axis: (..., 3) unit vectors.
        angle: (...) radians.

    Returns:
        (..., 3, 3) rotation matrices.
    """
    axis, angle = np.broadcast_arrays(axis, np.asarray(angle)[..., None])
    x, y, z = axis[..., 0], axis[..., 1], axis[..., 2]
    zero = np.zeros_like(x)
    skew = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(*x.shape, 3, 3)
    sine, cosine = np.sin(angle[..., :1, None]), np.cos(angle[..., :1, None])
    return np.eye(3) + sine * skew + (1 - cosine) * (skew @ skew)


def align(canonical: np.ndarray, canonical_hint: np.ndarray, direction: np.ndarray, hint: np.ndarray) -> np.ndarray:
    """The rotation that takes one direction exactly, and a second as near as it can, to where they are observed.

    Args:
        canonical: (3,) a direction before the turn.
        canonical_hint: (3,) another, not parallel to it.
        direction: (..., 3) the first after the turn.
        hint: (..., 3) about where the second is after it.

    Returns:
        (..., 3, 3) with ``R @ canonical`` parallel to ``direction`` and ``R @ canonical_hint`` on the side of ``hint``.
    """
    return _basis(direction, hint) @ _basis(np.asarray(canonical, float), np.asarray(canonical_hint, float)).T


def _basis(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Orthonormal columns (..., 3, 3): the first vector, the second made perpendicular to it, their product."""
    first = unit(first)
    second = unit(perpendicular(second, first))
    return np.stack([first, second, cross(first, second)], -1)


def perpendicular(vectors: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """What is left of vectors (..., 3) without their part along unit axes (..., 3)."""
    return vectors - (vectors * axis).sum(-1, keepdims=True) * axis


def between(source: np.ndarray, target: np.ndarray, fraction: float = 1.0) -> np.ndarray:
    """The smallest rotation from one unit direction to another, or a fraction of it.

    Opposite directions have no smallest rotation: they are turned about the axis that numerical noise picks, or by
    nothing if there is none.

    Args:
        source: (..., 3) unit vectors.
        target: (..., 3) unit vectors.
        fraction: 1 for the whole way.
    """
    normal = cross(source, target)
    angle = np.arctan2(np.linalg.norm(normal, axis=-1), (source * target).sum(-1))
    return about(unit(normal), fraction * angle)


def vector_of(rotations: np.ndarray) -> np.ndarray:
    """Rotation vectors (..., 3), radians times axis, of matrices (..., 3, 3)."""
    quaternions = to_quaternions(rotations)
    sine = np.linalg.norm(quaternions[..., 1:], axis=-1, keepdims=True)
    angle = 2 * np.arctan2(sine, quaternions[..., :1])
    return quaternions[..., 1:] / np.maximum(sine, _TINY) * angle


def of_vector(vectors: np.ndarray) -> np.ndarray:
    """Matrices (..., 3, 3) of rotation vectors (..., 3)."""
    return about(unit(vectors), np.linalg.norm(vectors, axis=-1))


def to_quaternions(rotations: np.ndarray) -> np.ndarray:
    """Quaternions (..., 4) with w >= 0 of matrices (..., 3, 3)."""
    m = np.asarray(rotations, np.float64)
    diagonal = np.stack([m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]], -1)
    trace = diagonal.sum(-1, keepdims=True)
    # Squares of the four components, each known from the diagonal; the signs come from the largest one.
    squares = np.concatenate([1 + trace, 1 + 2 * diagonal - trace], -1)
    products = np.empty((*m.shape[:-2], 4, 4))
    products[..., range(4), range(4)] = squares
    for a, b, value in (
        (0, 1, m[..., 2, 1] - m[..., 1, 2]),
        (0, 2, m[..., 0, 2] - m[..., 2, 0]),
        (0, 3, m[..., 1, 0] - m[..., 0, 1]),
        (1, 2, m[..., 0, 1] + m[..., 1, 0]),
        (1, 3, m[..., 0, 2] + m[..., 2, 0]),
        (2, 3, m[..., 1, 2] + m[..., 2, 1]),
    ):
        products[..., a, b] = products[..., b, a] = value
    largest = squares.argmax(-1)[..., None, None]
    quaternions = np.take_along_axis(products, np.broadcast_to(largest, (*m.shape[:-2], 1, 4)), -2)[..., 0, :]
    quaternions /= np.linalg.norm(quaternions, axis=-1, keepdims=True)
    return np.where(quaternions[..., :1] < 0, -quaternions, quaternions)


def to_matrices(quaternions: np.ndarray) -> np.ndarray:
    """Matrices (..., 3, 3) of quaternions (..., 4) of any length above zero."""
    w, x, y, z = np.moveaxis(quaternions / np.linalg.norm(quaternions, axis=-1, keepdims=True), -1, 0)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return np.stack([np.stack(row, -1) for row in rows], -2)


def to_local(rotations: np.ndarray) -> np.ndarray:
    """Each bone's rotation (..., 21, 3, 3) as its parent sees it; the pelvis keeps its own, the world's."""
    parents = list(RIG.parents[1:])
    local = np.array(rotations, np.float64)
    local[..., 1:, :, :] = np.swapaxes(rotations[..., parents, :, :], -1, -2) @ rotations[..., 1:, :, :]
    return local


def to_world(local: np.ndarray) -> np.ndarray:
    """The inverse of :func:`to_local`."""
    rotations = np.array(local, np.float64)
    for bone, parent in enumerate(RIG.parents):
        if parent >= 0:
            rotations[..., bone, :, :] = rotations[..., parent, :, :] @ local[..., bone, :, :]
    return rotations
