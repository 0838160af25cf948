"""Shots: how they are drawn, and how they frame people."""

import numpy as np
import pytest

from tests.helpers.earlier import assert_as_before
from train.synthesis.camera import Shot, draw_shot, frame

SIZE = (200, 200)


def test_shots_of_people_are_as_before():
    generator, shots = np.random.default_rng(1), []
    for _ in range(200):
        points, shot = generator.normal(size=(17, 3)) * [150, 450, 150], draw_shot(generator, (0.6, 0.9))
        camera = frame(shot, points - [0, points[:, 1].min(), 0], SIZE, -np.inf)
        shots.append((shot, camera, camera.clip_matrix()))
    assert_as_before("shots", shots)


def test_who_stands_low_in_the_photo_is_seen_from_above_by_a_level_camera():
    points = np.array([[0.0, 0, 0], [0, 1700, 0], [300, 900, 0], [-300, 900, 0]])
    level = Shot(0.0, 0.0, 0.0, 25.0, 0.5, (0.0, 0.0), part=0.4, axis=(0.0, -0.7))
    camera = frame(level, points, SIZE, -np.inf)
    assert camera.rotation[2, 1] == pytest.approx(0)
    assert camera.position[1] > 1000, "the person is below the optical axis"
    np.testing.assert_allclose(camera.project(points)[1][0, 2], camera.project(points)[1][1, 2])
