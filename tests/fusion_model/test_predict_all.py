"""Finding all people of a photo and their poses at once."""

import dataclasses

import numpy as np
import pytest

from fusion_model import PoseEstimator


@pytest.fixture(scope="module")
def estimator():
    """An untrained one that takes whatever it sees for a person."""
    estimator = PoseEstimator.random("tiny", seed=0)
    calibration = dataclasses.replace(estimator.config.calibration, peak=(0.0, 1.0), confidence=(0.7, 1.0))
    config = dataclasses.replace(estimator.config, calibration=calibration)
    return PoseEstimator(config, estimator.hourglass, estimator.fusion_network)


@pytest.fixture(scope="module")
def photo():
    return np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)


def test_boxes_and_poses_are_those_of_finding_and_of_a_plain_call(estimator, photo):
    boxes, poses = estimator.predict_all(photo)
    assert len(boxes) == len(poses) > 0
    assert (boxes == estimator.find_people(photo)[0]).all()
    plain = estimator(photo)
    assert np.allclose(poses[0].joints_3d, plain.joints_3d, atol=0.1)
    assert np.allclose(poses[0].joints_2d, plain.joints_2d, atol=0.1)


def test_the_height_scales_all_poses(estimator, photo):
    usual, taller = (estimator.predict_all(photo, height_mm=height)[1] for height in (1700, 2040))
    for one, other in zip(usual, taller, strict=True):
        assert np.allclose(other.joints_3d, 1.2 * one.joints_3d, rtol=1e-5)
    with pytest.raises(ValueError, match="height_mm"):
        estimator.predict_all(photo, height_mm=0)
