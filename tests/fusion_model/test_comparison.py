"""Five networks on one crop, and the photo taken away."""

import dataclasses

import numpy as np
import pytest
import torch

from fusion_model.comparison import compare, mean_colour
from fusion_model.crops import Crop
from fusion_model.estimator import PoseEstimator
from tests.helpers.estimators import featured, smooth_photo, strategy_networks, sure


@pytest.fixture(params=[sure, featured])
def estimator(request):
    """One that turns its crops."""
    one = request.param()
    search = dataclasses.replace(one.config.search, min_turn=0.0, surer=-1.0)
    return one.with_config(dataclasses.replace(one.config, search=search))


def by_itself(estimator, network):
    """The estimator with another fusion network, uncorrected."""
    config = dataclasses.replace(estimator.config, fusion=network.config, following=None)
    return PoseEstimator(config, estimator.hourglass, network)


def test_each_network_says_what_it_says_by_itself(estimator):
    photo, box, networks = smooth_photo(), (30, -20, 100, 90), strategy_networks(estimator.config.fusion)
    pose = estimator(photo, box)
    assert abs(pose.angle) > 10
    found = compare(estimator, networks, photo, pose)
    assert list(found.strategies) == list(networks)
    for name, network in networks.items():
        assert np.allclose(found.strategies[name], by_itself(estimator, network)(photo, box).joints_3d, atol=0.5), name
    assert np.allclose(found.plain, by_itself(estimator, estimator.fusion_network)(photo, box).joints_3d, atol=0.5)
    apart = found.apart("trainable")
    assert apart["trainable"] == 0
    assert min(value for name, value in apart.items() if name != "trainable") > 1


def test_without_the_photo_only_what_reads_it_changes(estimator):
    networks = strategy_networks(estimator.config.fusion)
    photo, plain = smooth_photo(), np.full((128, 128, 3), (90, 140, 30), np.uint8)
    sighted, blind = (by_itself(estimator, networks[name]) for name in ("image-only", "maps-only"))
    assert compare(sighted, {}, photo, sighted(photo)).photo_adds > 10
    assert compare(blind, {}, photo, blind(photo)).photo_adds < 1e-6
    assert compare(sighted, {}, plain, sighted(plain, (40, 40, 80, 80))).photo_adds < 0.1, "of one colour, its mean"


def test_what_lies_round_the_crop_or_the_photo_is_not_of_its_colour():
    photo = np.full((40, 300, 3), (200, 100, 50), np.uint8)
    photo[:, 200:] = 255
    crop = Crop((64.0, 20.0), 160.0, 30.0, 64)
    assert torch.allclose(mean_colour(photo, crop), torch.tensor([200.0, 100.0, 50.0]) / 255, atol=0.02)
