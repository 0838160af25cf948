"""Camera models, against numbers worked out by hand."""

import cv2
import numpy as np
import pytest

from train.data import cameras


def test_human36m_distortion_by_hand():
    # Point (200, 100, 1000): x = 0.2, y = 0.1, r2 = 0.05. k = (-0.2, 0.3, 8), p1 = 0.01, p2 = 0.02.
    # g = 1 - 0.2 * 0.05 + 0.3 * 0.0025 + 8 * 0.000125 + 0.01 * 0.1 + 0.02 * 0.2 = 0.99675
    # u = 1000 (0.2 * 0.99675 + 0.02 * 0.05) + 500 = 1000 * 0.20035 + 500 = 700.35; OpenCV's model would have 701.35
    # v = 2000 (0.1 * 0.99675 + 0.01 * 0.05) + 400 = 2000 * 0.100175 + 400 = 600.35
    values = np.array([0, 0, 0, 0, 0, 0, 1000, 2000, 500, 400, -0.2, 0.3, 8, 0.01, 0.02])
    assert np.allclose(cameras.project_human36m(np.array([200.0, 100, 1000]), values), (700.35, 600.35), atol=1e-9)


def test_human36m_world_to_camera_by_hand():
    # A quarter turn about x alone: y goes to z, z to -y. Camera at (1, 2, 3): (1, 5, 7) - t = (0, 3, 4) -> (0, -4, 3).
    values = np.array([np.pi / 2, 0, 0, 1, 2, 3, *[0] * 9])
    assert np.allclose(cameras.human36m_camera_axes(np.array([1.0, 5, 7]), values), (0, -4, 3), atol=1e-12)
    # Rx Ry Rz: z is turned first. (1, 0, 0) by a quarter about z is (0, 1, 0), about x then (0, 0, 1).
    assert np.allclose(cameras.human36m_rotation(np.array([1, 0, 1]) * np.pi / 2) @ [1, 0, 0], (0, 0, 1), atol=1e-12)
    # About y a quarter turn takes z to x.
    assert np.allclose(cameras.human36m_rotation(np.array([0, np.pi / 2, 0])) @ [0, 0, 1], (1, 0, 0), atol=1e-12)


def test_opencv_camera_axes_agree_with_opencv():
    points = np.random.default_rng(0).uniform(-500, 500, (20, 3)) + np.array([0, 0, 2500])
    turn, place, none = np.array([0.1, -0.2, 0.3]), np.array([10.0, 20, 30]), np.zeros(3)
    values, matrix = np.array([*[0] * 9, *cv2.Rodrigues(turn)[0].ravel(), *place]), np.diag([600.0, 610, 1])
    expected, _ = cv2.projectPoints(points, turn, place, matrix, None)
    seen, _ = cv2.projectPoints(cameras.opencv_camera_axes(points, values), none, none, matrix, None)
    assert np.allclose(seen, expected, atol=1e-6)


def test_affine_camera_by_hand():
    # u = 100 X + 240, v = -100 Z + 320: the camera faces along body y, z is up. (0.5, 9, 1) -> (290, 220).
    values = np.array([100, 0, 0, 240, 0, 0, -100, 320])
    assert cameras.project_affine(np.array([0.5, 9, 1]), values).tolist() == [290, 220]
    # Camera axes: x is X, y (down) is -Z, and z = x cross y = (1,0,0) cross (0,0,-1) = (0, 1, 0): away, along Y.
    assert np.allclose(cameras.affine_rotation(values), [[1, 0, 0], [0, 0, -1], [0, 1, 0]])
    sheared = cameras.affine_rotation(np.array([100, 10, 0, 0, 0, 90, 20, 0]))
    assert np.allclose(sheared @ sheared.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(sheared) == pytest.approx(1)
    with pytest.raises(ValueError, match="sees a line, not a plane"):
        cameras.affine_rotation(np.array([1, 0, 0, 5, 2, 0, 0, 6]))
