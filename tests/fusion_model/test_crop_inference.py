"""Crops predicted with and without their mirror images, and the confidence in their joints."""

import dataclasses

import numpy as np
import pytest
import torch

from fusion_model.config import CalibrationConfig
from fusion_model.crop_inference import CropPrediction, CropPredictor, _pooled, calibrated
from fusion_model.crops import Crop
from fusion_model.fusion import FusionNetwork
from fusion_model.hourglass import StackedHourglass, flip_average
from fusion_model.presets import PRESETS
from fusion_model.skeletons import HUMAN36M_17, MPII_16
from tests.helpers.estimators import smooth_photo, sure


def test_averaged_any_network_is_mirror_symmetric():
    estimator, photo, box = sure(), smooth_photo(), (20, 16, 107, 111)
    both = photo, np.ascontiguousarray(photo[:, ::-1])
    joints, maps = list(HUMAN36M_17.mirror), list(MPII_16.mirror)

    def off(pose, image):
        """How far the 3D of the mirror image is from the mirrored 3D, as a fraction of its extent."""
        return np.abs(image.joints_3d - pose.joints_3d[joints] * [-1, 1, 1]).max() / np.abs(pose.joints_3d).max()

    pose, image = (estimator(one, box) for one in both)
    assert np.abs(image.heatmaps - pose.heatmaps[maps][:, :, ::-1]).max() < 0.02 * np.abs(pose.heatmaps).max()
    assert off(pose, image) < 0.02
    assert off(*(estimator(one, box, flip_test=False) for one in both)) > 0.1


def test_the_flip_test_averages_over_the_crop_and_its_mirror_image():
    estimator, photo = sure(), smooth_photo()
    crops = [Crop((63.0, 63.0), side, 0.0, 64) for side in np.linspace(60, 130, 10)]  # more than one batch
    found = estimator.predictor.predict([photo] * len(crops), crops, flip_test=True)
    assert [one.crop for one in found] == crops
    for one in (found[0], found[9]):
        with torch.inference_mode():
            maps = [estimator.hourglass(image)[-1] for image in (one.image[None], one.image.flip(2)[None])]
        assert torch.allclose(one.maps, flip_average(*maps, MPII_16.mirror)[0], atol=1e-4)


def test_the_image_stream_sees_the_features_of_each_crop_and_of_its_mirror_image():
    config = PRESETS["small"]
    torch.manual_seed(0)
    predictor = CropPredictor(config, StackedHourglass(config.hourglass).eval(), FusionNetwork(config.fusion).eval())
    photo, crops = smooth_photo(), [Crop((63.0, 63.0), 90.0, 0.0, 64), Crop((50.0, 70.0), 70.0, 0.0, 64)]
    found = predictor.predict([photo] * 2, crops, flip_test=True)
    for one in found:
        both = torch.stack((one.image, one.image.flip(2)))
        with torch.inference_mode():
            torch.testing.assert_close(
                one.features, predictor.hourglass.maps_and_features(both)[1], atol=1e-4, rtol=1e-4
            )
    poses = predictor.poses(found, flip_test=True)
    for place in (0, 1):  # of the crop, and of its mirror image
        exchanged = [dataclasses.replace(one, features=one.features.clone()) for one in found]
        for one, other in zip(exchanged, found[::-1], strict=True):
            one.features[place] = other.features[place]
        assert np.abs(predictor.poses(exchanged, flip_test=True) - poses).max() > 0.01, "what it sees counts"
    blank = [dataclasses.replace(one, image=torch.zeros_like(one.image)) for one in found]
    assert np.array_equal(predictor.poses(blank, flip_test=True), poses), "the pixels do not, once they are features"


def test_confidence_falls_where_the_map_is_high_elsewhere_too():
    peaks, rivals = np.array([0.8, 0.8, 0.8, 0.1]), np.array([0.0, 0.4, 0.8, 0.4])
    calibration = CalibrationConfig(peak=(0.0, 0.5, 1.0), confidence=(0.0, 0.9, 1.0))
    assert calibrated(peaks, rivals, calibration) == pytest.approx([0.96, 0.96, 0.96, 0.18]), "a checkpoint of before"
    calibration = dataclasses.replace(calibration, rival=0.5)
    assert calibrated(peaks, rivals, calibration) == pytest.approx([0.96, 0.92, 0.72, 0.0])


@pytest.mark.parametrize(("turn", "angle"), [(29.0, 0.0), (31.0, 31.0), (-120.0, -120.0)])
def test_small_turns_of_the_body_count_as_none(turn, angle):
    points, nothing = np.zeros((16, 2)), torch.zeros(1)
    points[MPII_16.index("thorax")] = 50 * np.array([np.sin(np.deg2rad(turn)), -np.cos(np.deg2rad(turn))])
    one = CropPrediction(Crop((0, 0), 1, 0, 64), nothing, nothing, nothing, points, np.ones(16), 1.0)
    assert one.angle(min_turn=30) == pytest.approx(angle)


@pytest.mark.parametrize(("side", "size"), [(48, 6), (16, 6), (32, 4)])
def test_pooled_maps_are_those_of_adaptive_pooling(side, size):
    maps = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    assert torch.equal(_pooled(maps, size), torch.nn.functional.adaptive_max_pool2d(maps, (size, size)))
