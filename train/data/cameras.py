"""Camera models of the data sets: points in camera axes (mm) or body axes to pixels.

Values of a camera, in this order:

- ``human36m``: rx ry rz (radians), tx ty tz (mm), fx fy cx cy, k1 k2 k3 p1 p2. World to camera is R (X - t).
- ``opencv``: fx fy cx cy, k1 k2 p1 p2 k3, R by rows, t (mm). World to camera is R X + t.
- ``affine``: a (2, 4) matrix by rows, body axes (metres) to pixels.
"""

from __future__ import annotations

import numpy as np


def human36m_rotation(angles: np.ndarray) -> np.ndarray:
    """(3, 3) world to camera, Rx Ry Rz of three angles in radians."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles), np.sin(angles)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_x @ about_y @ about_z


def human36m_camera_axes(points: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(..., 3) world -> camera axes, mm, by the ``human36m`` values (15,)."""
    return (np.asarray(points, float) - values[3:6]) @ human36m_rotation(values[:3]).T


def project_human36m(points: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(..., 3) camera axes -> (..., 2) pixels by Human3.6M's own distortion.

    Its tangential terms count once where OpenCV's model counts the mixed ones twice.
    """
    fx, fy, cx, cy, k1, k2, k3, p1, p2 = np.asarray(values, float)[6:]
    points = np.asarray(points, float)
    x, y = points[..., 0] / points[..., 2], points[..., 1] / points[..., 2]
    square = x * x + y * y
    gain = 1 + k1 * square + k2 * square**2 + k3 * square**3 + p1 * y + p2 * x
    return np.stack((fx * (x * gain + p2 * square) + cx, fy * (y * gain + p1 * square) + cy), -1)


def opencv_camera_axes(points: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(..., 3) world -> camera axes, mm, by the ``opencv`` values (21,)."""
    return np.asarray(points, float) @ np.reshape(values[9:18], (3, 3)).T + values[18:]


def project_affine(points: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(..., 3) body axes -> (..., 2) pixels by an affine camera, the ``affine`` values (8,)."""
    matrix = np.asarray(values, float).reshape(2, 4)
    return np.asarray(points, float) @ matrix[:, :3].T + matrix[:, 3]


def affine_rotation(values: np.ndarray) -> np.ndarray:
    """(3, 3) body axes -> camera axes: the rotation nearest to the rows of an affine camera.

    Raises:
        ValueError: if the rows are parallel or zero.
    """
    rows = np.asarray(values, float).reshape(2, 4)[:, :3]
    left, strength, right = np.linalg.svd(rows, full_matrices=False)
    if strength[1] < 1e-9 * max(strength[0], 1e-300):
        raise ValueError(f"an affine camera with the rows {rows.tolist()} sees a line, not a plane")
    x, y = left @ right
    return np.stack((x, y, np.cross(x, y)))
