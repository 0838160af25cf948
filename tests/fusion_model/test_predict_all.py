"""Everyone in a photo, by the one way that leads from a photo to poses."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from fusion_model import PoseEstimator
from fusion_model.images import load_photo
from tests.helpers.estimators import seeing

EXAMPLE = Path(__file__).parents[2] / "assets" / "examples" / "hopper.jpg"


@pytest.fixture(scope="module")
def estimator():
    """An untrained one that sees two people in every photo."""
    estimator = PoseEstimator.random("tiny", seed=0)
    calibration = dataclasses.replace(estimator.config.calibration, peak=(0.0, 1.0), confidence=(0.7, 1.0))
    estimator = estimator.with_config(dataclasses.replace(estimator.config, calibration=calibration))
    return seeing(estimator, (4, 2, 3.0, 8, 16, 8, 16, 0), (4, 6, 2.0, 6, 12, 6, 12, 0))


@pytest.fixture(scope="module")
def photo():
    return np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)


def assert_same(one, other):
    for name in ("joints_3d", "joints_2d", "confidence", "person_box", "box"):
        assert np.allclose(getattr(one, name), getattr(other, name), atol=1e-3), name
    assert one.status == other.status
    assert np.isclose(one.score, other.score, atol=1e-5)


def assert_one_answer(estimator, photo):
    """To all callers; returns all poses."""
    poses = estimator.predict_all(photo)
    boxes, scores = estimator.find_people(photo)
    assert np.array_equal([pose.person_box for pose in poses], boxes)
    assert np.allclose([pose.score for pose in poses], scores)
    for best in (estimator(photo), *estimator.batch([photo, photo])):
        assert_same(best, poses[0])
    return poses


def test_all_ways_give_the_same_poses(estimator, photo):
    assert len(assert_one_answer(estimator, photo)) > 1
    assert_one_answer(PoseEstimator.from_pretrained("default"), load_photo(EXAMPLE))


@pytest.mark.parametrize("wrong", [-1, 1.1, float("nan"), "0.5", True])
def test_scores_that_are_none_are_refused(estimator, photo, wrong):
    with pytest.raises(ValueError, match=r"min_score must be a score \(0 to 1\), got"):
        estimator.predict_all(photo, min_score=wrong)


def test_the_box_of_a_person_is_the_one_that_was_given(estimator, photo):
    assert estimator(photo, (10, 20, 90, 110)).person_box.tolist() == [10, 20, 90, 110]


def test_the_height_scales_all_poses(estimator, photo):
    usual, taller = (estimator.predict_all(photo, height_mm=height) for height in (1700, 2040))
    for one, other in zip(usual, taller, strict=True):
        assert np.allclose(other.joints_3d, 1.2 * one.joints_3d, rtol=1e-5)
    with pytest.raises(ValueError, match="height_mm"):
        estimator.predict_all(photo, height_mm=0)


def test_min_score_leaves_the_unsure_out():
    """Whoever is left was there without it; a low one adds people."""
    estimator, photo = PoseEstimator.from_pretrained("default"), load_photo(EXAMPLE)
    poses = estimator.predict_all(photo)
    scores = [pose.score for pose in poses]
    for bound in ((min(scores) + max(scores)) / 2, 0.99):
        kept = [pose for pose in poses if pose.score >= bound]
        found = estimator.predict_all(photo, min_score=bound)
        assert len(found) == len(kept) == len(estimator.find_people(photo, min_score=bound)[0])
        for one, other in zip(found, kept, strict=True):
            assert_same(one, other)
    assert len(estimator.find_people(photo, min_score=0.1)[0]) >= len(poses)
