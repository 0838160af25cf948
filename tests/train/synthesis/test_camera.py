"""Shots: how they are drawn, and that a picture cut from a larger photo keeps the photo's axes."""

import numpy as np
import pytest

from tests.helpers.earlier import assert_as_before
from train.synthesis.camera import FULL_FRAME_MM, Shot, draw_shot, frame

SIZE = (200, 200)


def person(generator):
    points = generator.normal(size=(17, 3)) * [150, 450, 150]
    return points - [0, points[:, 1].min(), 0]


def test_a_picture_cut_from_a_photo_frames_people_in_the_axes_of_the_photo():
    generator, errors, shots = np.random.default_rng(1), [], []
    for _ in range(200):
        points, shot = person(generator), draw_shot(generator, (0.6, 0.9))
        camera = frame(shot, points, SIZE, -np.inf)
        pixels, _ = camera.project(points)
        low, high = pixels.min(0), pixels.max(0)
        middle = (low + high) / 2 - (np.array(shot.center) + 0.5) * SIZE + 0.5
        errors.append(max(abs((high - low).max() / SIZE[0] - shot.fill), np.abs(middle).max() / SIZE[0]))
        assert np.degrees(np.arcsin(-camera.rotation[2, 1])) == pytest.approx(np.degrees(shot.elevation), abs=1e-6)
        assert camera.focal == pytest.approx(shot.focal / FULL_FRAME_MM * SIZE[0] / shot.part)
        shots.append((shot, camera, camera.clip_matrix()))
    assert np.quantile(errors, 0.95) < 0.02
    assert_as_before("shots", shots)


def test_who_stands_low_in_the_photo_is_seen_from_above_by_a_level_camera():
    points = np.array([[0.0, 0, 0], [0, 1700, 0], [300, 900, 0], [-300, 900, 0]])
    level = Shot(0.0, 0.0, 0.0, 25.0, 0.5, (0.0, 0.0), part=0.4, axis=(0.0, -0.7))
    camera = frame(level, points, SIZE, -np.inf)
    assert camera.rotation[2, 1] == pytest.approx(0)
    assert camera.position[1] > 1000, "the person is below the optical axis"
    np.testing.assert_allclose(camera.project(points)[1][0, 2], camera.project(points)[1][1, 2])
