"""Pictures made of scenes: the people lie in their boxes, whatever is done to the photo."""

import numpy as np
import pytest

from tests.helpers.scene_files import made_scenes
from train.detector_stage.scene_samples import SceneSampler

SIZE = 128
PEOPLE = [(20, 10, 50, 90)]


def drawn(sampler, count=60):
    return [sampler.make(np.random.default_rng(seed)) for seed in range(count)]


@pytest.fixture(scope="module")
def samples():
    scenes = made_scenes(PEOPLE, [], source=["stanford40", "sun"], shape=(100, 140))
    return drawn(SceneSampler(scenes, SIZE))


def test_people_fill_their_boxes(samples):
    """They are white in photos of grey: all of the white lies in boxes, or where nothing is to be learnt."""
    boxes = 0
    for sample in samples:
        assert sample.image.shape == (SIZE, SIZE, 3)
        white = sample.image.min(-1) > 200
        inside = np.zeros((SIZE, SIZE), bool)
        for x0, y0, x1, y1 in sample.boxes:
            assert -0.5 <= x0 < x1 <= SIZE - 0.5
            assert -0.5 <= y0 < y1 <= SIZE - 0.5
            part = (slice(round(y0 + 0.5), round(y1 + 0.5) + 1), slice(round(x0 + 0.5), round(x1 + 0.5) + 1))
            assert white[part].mean() > 0.6, "turned a little, a rectangle no longer fills its box"
            inside[part] = True
            boxes += 1
        unlearnt = np.kron(sample.trust == 0, np.ones((8, 8), bool))
        assert (white & ~inside & ~unlearnt).sum() < 0.15 * max(white.sum(), 60)
    assert boxes > 40


def test_the_body_axis_turns_with_the_photo(samples):
    axes = np.concatenate([sample.axes for sample in samples])
    known = axes[axes.any(1)]
    assert len(known) > 30, "tall boxes of sets whose people in such boxes stand"
    assert np.allclose(np.linalg.norm(known, axis=1), 1, atol=1e-5)
    assert (known[:, 0] > 0.999).mean() > 0.7
    turned = drawn(SceneSampler(made_scenes(PEOPLE, source=["stanford40"], shape=(100, 140)), SIZE), 300)
    for sample in turned:
        for box, axis in zip(sample.boxes, sample.axes, strict=True):
            if abs(axis[1]) > 0.9:
                assert box[2] - box[0] > box[3] - box[1], "somebody who stands lies in a photo turned by a right angle"
    other = drawn(SceneSampler(made_scenes(PEOPLE, source=["mpii"], shape=(100, 140)), SIZE), 20)
    assert not any(sample.axes.any() for sample in other)


def test_the_unsure_are_neither_found_nor_background():
    sampler = SceneSampler(made_scenes(PEOPLE, unsure={0}, shape=(100, 140)), SIZE)
    for sample in drawn(sampler, 20):
        assert not len(sample.boxes)
        white = sample.image.min(-1) > 200
        learnt = np.kron(sample.trust > 0, np.ones((8, 8), bool))
        assert (white & learnt).sum() < 0.25 * max(white.sum(), 60)


def test_a_picture_repeats_with_its_generator_and_nobody_is_nobody():
    scenes = made_scenes(PEOPLE, [], [], source=["coco"] * 3)
    sampler = SceneSampler(scenes, SIZE)
    one, other = (sampler.make(np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(one.image, other.image)
    assert len(sampler) == 3
    assert len(sampler.nobody) == 2
    assert all(photo.max() < 200 for photo in sampler.nobody)
