"""Five networks on one crop, and the photo taken away."""

import dataclasses

import numpy as np
import pytest
import torch

from fusion_model.comparison import compare, mean_colour
from fusion_model.config import FollowingConfig, LayerConfig
from fusion_model.crops import Crop
from fusion_model.estimator import PoseEstimator
from fusion_model.fusion import FusionNetwork
from tests.helpers.estimators import smooth_photo, sure
from tests.helpers.strategies import strategy_networks


def of_features(estimator):
    """The estimator with a fusion network that takes features of the hourglass, as the released one does."""
    fusion = dataclasses.replace(
        estimator.config.fusion,
        layers=(LayerConfig("fc", 16), LayerConfig("fc", 16)),
        input_size=2,
        map_readings=True,
        photo_features=estimator.config.hourglass.width,
    )
    torch.manual_seed(3)
    config = dataclasses.replace(estimator.config, fusion=fusion, following=FollowingConfig())
    return PoseEstimator(config, estimator.hourglass, FusionNetwork(fusion))


@pytest.fixture(params=["pixels", "features"])
def estimator(request):
    return sure() if request.param == "pixels" else of_features(sure())


@pytest.fixture
def networks(estimator):
    return strategy_networks(estimator.config.fusion)


def by_itself(estimator, network):
    """The estimator with another fusion network, uncorrected."""
    config = dataclasses.replace(estimator.config, fusion=network.config, following=None)
    return PoseEstimator(config, estimator.hourglass, network)


@pytest.mark.parametrize("box", [None, (30, -20, 100, 90)])
def test_each_network_says_what_it_says_by_itself(estimator, networks, box):
    photo = smooth_photo()
    pose = estimator(photo, box)
    found = compare(estimator, networks, photo, pose)
    assert list(found.strategies) == list(networks)
    for name, network in networks.items():
        alone = by_itself(estimator, network)(photo, box)
        assert np.allclose(found.strategies[name], alone.joints_3d, atol=0.5), name
    assert np.allclose(found.plain, by_itself(estimator, estimator.fusion_network)(photo, box).joints_3d, atol=0.5)
    apart = found.apart("trainable")
    assert apart["trainable"] == 0
    assert min(value for name, value in apart.items() if name != "trainable") > 1


def test_without_the_photo_only_what_reads_it_changes(estimator, networks):
    photo = smooth_photo()
    sighted = by_itself(estimator, networks["image-only"])
    assert compare(sighted, {}, photo, sighted(photo)).photo_adds > 10
    blind = by_itself(estimator, networks["maps-only"])
    assert compare(blind, {}, photo, blind(photo)).photo_adds < 1e-6


def test_a_photo_of_one_colour_is_its_mean_colour(estimator, networks):
    photo = np.full((128, 128, 3), (90, 140, 30), np.uint8)
    sighted = by_itself(estimator, networks["image-only"])
    assert compare(sighted, {}, photo, sighted(photo)).photo_adds > 1  # black lies round the photo
    assert compare(sighted, {}, photo, sighted(photo, (40, 40, 80, 80))).photo_adds < 0.1


def test_black_round_the_photo_is_not_of_its_colour():
    photo = np.full((40, 128, 3), (200, 100, 50), np.uint8)
    crop = Crop((64.0, 20.0), 160.0, 30.0, 64)
    assert torch.allclose(mean_colour(photo, crop), torch.tensor([200.0, 100.0, 50.0]) / 255, atol=0.02)
