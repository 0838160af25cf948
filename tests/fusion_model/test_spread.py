"""How far joints may be off."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from fusion_model.config import SpreadConfig
from fusion_model.fusion import FusionNetwork
from fusion_model.presets import PRESETS
from fusion_model.pruning import prune
from fusion_model.spread import HOLDS, spreads, within
from tests.helpers.estimators import smooth_photo, spreading, sure
from train.losses import spread_loss

MEASURED = SpreadConfig(across=1.5, depth=2.0)


def test_what_the_network_says_times_what_was_measured():
    told = np.random.default_rng(0).uniform(10, 90, (4, 17, 2))
    found = spreads(told, MEASURED)
    assert found.shape == (4, 17, 3)
    np.testing.assert_allclose(found[..., 0], 1.5 * told[..., 0])
    np.testing.assert_array_equal(found[..., 0], found[..., 1])
    np.testing.assert_allclose(found[..., 2], 2 * told[..., 1])


def test_ellipsoids_hold_68_percent_of_a_normal_distribution():
    spread = np.array([20.0, 20.0, 60.0])
    errors = spread * np.random.default_rng(0).normal(size=(20_000, 3))
    assert within(errors, spread).mean() == pytest.approx(HOLDS, abs=0.01)


@pytest.mark.parametrize("changes", [{"across": 0.0}, {"depth": -1.0}, {"depth": float("nan")}])
def test_what_is_no_factor_is_refused(changes):
    with pytest.raises(ValueError, match="positive factors"):
        dataclasses.replace(MEASURED, **changes)


def network(**changes):
    """A small one that says how far off it may be, by no means the same everywhere."""
    torch.manual_seed(0)
    made = FusionNetwork(dataclasses.replace(PRESETS["tiny"].fusion, spreads=True, **changes)).eval()
    nn.init.normal_(made.spread.weight, std=0.3)
    return made


def inputs(config, count=3):
    generator = torch.Generator().manual_seed(1)
    sizes = (count, 3, config.input_size, config.input_size), (count, 16, config.input_size, config.input_size)
    return [torch.rand(size, generator=generator) for size in sizes]


def test_a_network_says_how_far_off_it_may_be_and_its_poses_learn_nothing_from_it():
    made = network()
    pose, spread = made(*inputs(made.config), spreads=True)
    assert torch.equal(pose, made(*inputs(made.config)))
    assert spread.shape == (3, 17, 2)
    assert (spread > 0).all()
    assert spread.std(0).min() > 0
    spread_loss(spread, pose, torch.zeros(3, 17, 3), torch.ones(3, 17)).backward()
    moved = {name for name, value in made.named_parameters() if value.grad is not None and value.grad.any()}
    assert moved == {"spread.weight", "spread.bias"}
    assert network(strategy="early").state_dict()["spread.weight"].shape[0] == 34
    made.harden()
    hard, small = made(*inputs(made.config), spreads=True), prune(made)(*inputs(made.config), spreads=True)
    for whole, pruned in zip(hard, small, strict=True):
        torch.testing.assert_close(pruned, whole)


def test_the_likeliest_spread_is_the_mean_error():
    generator = torch.Generator().manual_seed(0)
    target = torch.randn((2000, 1, 3), generator=generator) * torch.tensor([20.0, 20.0, 60.0])
    logarithm = torch.full((1, 1, 2), 4.0, requires_grad=True)
    optimiser = torch.optim.Adam([logarithm], 0.05)
    for _ in range(200):
        optimiser.zero_grad()
        spread_loss(logarithm.exp().expand(2000, 1, 2), torch.zeros(2000, 1, 3), target, torch.ones(2000, 1)).backward()
        optimiser.step()
    expected = target.abs().mean((0, 1))
    torch.testing.assert_close(
        logarithm.exp()[0, 0], torch.stack((expected[:2].mean(), expected[2])), rtol=0.02, atol=0
    )


def test_joints_without_weight_count_for_nothing():
    spread, pose, target = torch.full((1, 2, 2), 10.0), torch.zeros(1, 2, 3), torch.ones(1, 2, 3)
    alone = spread_loss(spread[:, :1], pose[:, :1], target[:, :1], torch.ones(1, 1))
    target[:, 1] = 1e6
    assert spread_loss(spread, pose, target, torch.tensor([[1.0, 0.0]])).item() == pytest.approx(alone.item())
    assert alone.item() == pytest.approx(1e3 * 3 * (np.log(10) + 0.1), rel=1e-5)


def test_a_pose_has_the_spread_of_its_network_and_size():
    estimator, box = spreading(), (20, 16, 107, 111)
    assert sure()(smooth_photo(), box).spread is None, "the network has none"
    assert estimator(smooth_photo(), box).spread is None, "it was not measured"
    assert estimator(smooth_photo(), box).to_dict()["joints"][3]["spread_mm"] is None
    estimator = estimator.with_config(dataclasses.replace(estimator.config, spread=MEASURED))
    pose, tall = (estimator(smooth_photo(), box, height_mm=height) for height in (1700.0, 2040.0))
    assert pose.spread.shape == (17, 3)
    assert (pose.spread[0] == 0).all(), "the pelvis is where the others are measured from"
    assert (pose.spread[1:] > 0).all()
    np.testing.assert_allclose(tall.spread, 1.2 * pose.spread, rtol=1e-5)
    assert pose.to_dict()["joints"][3]["spread_mm"] == pytest.approx(pose.spread[3].tolist(), abs=0.01)
    mirrored = estimator(smooth_photo()[:, ::-1].copy(), (20, 16, 107, 111))
    assert not np.allclose(mirrored.spread, pose.spread)
    double = dataclasses.replace(estimator.config, spread=SpreadConfig(3.0, 4.0))
    np.testing.assert_allclose(estimator.with_config(double)(smooth_photo(), box).spread, 2 * pose.spread, rtol=1e-5)
