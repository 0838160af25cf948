"""How far joints may be off."""

import dataclasses

import numpy as np
import pytest

from fusion_model.config import SpreadConfig
from fusion_model.spread import HOLDS, spreads, within
from tests.helpers.estimators import smooth_photo, sure

MEASURED = SpreadConfig(
    confidence=(0.2, 0.8), across=(90.0, 30.0), depth=(150.0, 90.0), joints=(0.0, *np.linspace(0.5, 2, 16).tolist())
)


def test_a_surer_joint_is_off_by_less_and_depth_by_more():
    found = spreads(np.linspace(0, 1, 11)[:, None].repeat(17, 1), MEASURED)
    assert found.shape == (11, 17, 3)
    assert (found[:, 0] == 0).all(), "the pelvis is where the others are measured from"
    assert (np.diff(found[:, 1:], axis=0) <= 0).all()
    assert (found[:, 1:, 2] > found[:, 1:, 0]).all()
    np.testing.assert_array_equal(found[..., 0], found[..., 1])
    half = 0.5 * np.array([0.0, *np.linspace(0.5, 2, 16)])
    np.testing.assert_allclose(found[5, :, 0], 2 * half * 60)
    np.testing.assert_allclose(found[0, :, 0], 2 * half * 90, err_msg="no extrapolation")


def test_ellipsoids_hold_68_percent_of_a_normal_distribution():
    spread = np.array([20.0, 20.0, 60.0])
    errors = spread * np.random.default_rng(0).normal(size=(20_000, 3))
    assert within(errors, spread).mean() == pytest.approx(HOLDS, abs=0.01)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"confidence": (0.8, 0.2)}, "rising confidences"),
        ({"depth": (1.0,)}, "matching knots"),
        ({"joints": (1.0,) * 16}, "each of 17 joints"),
        ({"across": (1.0, -1.0)}, "nothing below zero"),
    ],
)
def test_what_is_no_spread_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(MEASURED, **changes)


def test_a_pose_has_the_spread_of_its_confidence_and_size():
    estimator, box = sure(), (20, 16, 107, 111)
    assert estimator(smooth_photo(), box).spread is None, "it was not measured"
    assert estimator(smooth_photo(), box).to_dict()["joints"][3]["spread_mm"] is None
    estimator = estimator.with_config(dataclasses.replace(estimator.config, spread=MEASURED))
    pose, tall = (estimator(smooth_photo(), box, height_mm=height) for height in (1700.0, 2040.0))
    seen = np.array(pose.status) != "outside"
    assert seen.any()
    np.testing.assert_allclose(pose.spread[seen], spreads(pose.confidence, MEASURED)[seen], rtol=1e-5)
    np.testing.assert_allclose(tall.spread, 1.2 * pose.spread, rtol=1e-5)
    assert pose.to_dict()["joints"][3]["spread_mm"] == pytest.approx(pose.spread[3].tolist(), abs=0.01)
