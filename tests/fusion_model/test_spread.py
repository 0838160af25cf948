"""How far joints may be off."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy.stats import chi

from fusion_model.config import SpreadConfig
from fusion_model.skeletons import HUMAN36M_17
from fusion_model.spread import HOLDS, REACH, within
from tests.helpers.estimators import fusion_inputs, fusion_network, smooth_photo, spreading, sure
from train.losses import spread_loss

MEASURED = SpreadConfig(across=1.5, depth=2.0)


def test_ellipsoids_hold_68_percent_of_a_normal_distribution():
    assert chi(1).cdf(1) == pytest.approx(chi(3).cdf(REACH), abs=1e-4) == pytest.approx(HOLDS, abs=1e-4)
    spread = np.array([20.0, 20.0, 60.0])
    errors = spread * np.random.default_rng(0).normal(size=(20_000, 3))
    assert within(errors, spread).mean() == pytest.approx(HOLDS, abs=0.01)


def test_a_network_says_how_far_off_it_may_be_its_poses_and_joints_without_weight_learn_nothing_from_it():
    made, inputs = fusion_network(spreads=True), fusion_inputs()
    pose, spread = made(*inputs, spreads=True)
    assert torch.equal(pose, made(*inputs))
    assert made.spread.bias.exp().tolist() == pytest.approx([50] * 34), "before it has learnt"
    assert spread.shape == (3, 17, 2)
    assert (spread > 0).all()
    spread_loss(spread, pose, torch.zeros(3, 17, 3), torch.ones(3, 17)).backward()
    moved = {name for name, value in made.named_parameters() if value.grad is not None and value.grad.any()}
    assert moved == {"spread.weight", "spread.bias"}
    spread, pose, target = torch.full((1, 2, 2), 10.0), torch.zeros(1, 2, 3), torch.ones(1, 2, 3)
    alone = spread_loss(spread[:, :1], pose[:, :1], target[:, :1], torch.ones(1, 1))
    target[:, 1] = 1e6
    assert spread_loss(spread, pose, target, torch.tensor([[1.0, 0.0]])).item() == pytest.approx(alone.item())
    assert alone.item() == pytest.approx(1e3 * 3 * (np.log(10) + 0.1), rel=1e-5)


def test_a_pose_has_the_spread_of_its_network_and_size():
    plain, photo, box = spreading(), smooth_photo(), (20, 16, 107, 111)
    assert sure()(photo, box).spread is None, "the network has none"
    assert plain(photo, box).spread is None, "it was not measured"

    def measured(config=MEASURED, height=1700.0):
        return plain.with_config(dataclasses.replace(plain.config, spread=config))(photo, box, height_mm=height)

    spread = measured().spread
    assert spread.shape == (17, 3)
    assert (spread[0] == 0).all(), "the pelvis is where the others are measured from"
    assert (spread[1:] > 0).all()
    np.testing.assert_allclose(measured(height=2040.0).spread, 1.2 * spread, rtol=1e-5)
    np.testing.assert_allclose(measured(SpreadConfig(3.0, 6.0)).spread, spread * (2, 2, 3), rtol=1e-5)
    one = plain.with_config(dataclasses.replace(plain.config, spread=MEASURED))
    sides = list(HUMAN36M_17.mirror)
    mirrored = one(np.ascontiguousarray(photo[:, ::-1]), box).spread[sides]  # the box is in the middle
    assert np.abs(mirrored - spread).max() < 0.1 * np.abs(spread - spread[sides]).max()
