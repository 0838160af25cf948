"""Crops predicted with and without their mirror images, and the confidence in their joints."""

import dataclasses

import numpy as np
import pytest
import torch

from fusion_model.config import CalibrationConfig
from fusion_model.crop_inference import CropPrediction, CropPredictor, _pooled, calibrated
from fusion_model.crops import Crop
from fusion_model.estimator import PoseEstimator
from fusion_model.fusion import FusionNetwork
from fusion_model.heatmaps import decode_smoothed, rival_heights
from fusion_model.hourglass import StackedHourglass, flip_average
from fusion_model.presets import PRESETS
from fusion_model.skeletons import HUMAN36M_17, MPII_16
from tests.helpers.estimators import smooth_photo, sure


def test_averaged_any_network_is_mirror_symmetric():
    """Averaging over mirrored crops makes untrained networks symmetric too, in maps, 2D and 3D."""
    estimator, photo, box = sure(), smooth_photo(), (20, 16, 107, 111)
    pose = estimator(photo, box)
    image = estimator(np.ascontiguousarray(photo[:, ::-1]), box)
    joints, maps = list(HUMAN36M_17.mirror), list(MPII_16.mirror)
    extent = np.abs(pose.joints_3d).max()
    assert np.abs(image.heatmaps - pose.heatmaps[maps][:, :, ::-1]).max() < 0.02 * np.abs(pose.heatmaps).max()
    assert np.abs(image.joints_3d - pose.joints_3d[joints] * [-1, 1, 1]).max() < 0.02 * extent
    plain = [estimator(one, box, flip_test=False) for one in (photo, np.ascontiguousarray(photo[:, ::-1]))]
    assert np.abs(plain[1].joints_3d - plain[0].joints_3d[joints] * [-1, 1, 1]).max() > 0.1 * extent


def test_the_flip_test_averages_over_the_crop_and_its_mirror_image(monkeypatch):
    """Every picture goes through the hourglass once, a crop together with its mirror image."""
    estimator, photo = sure(), smooth_photo()
    predictor, batches = estimator.predictor, []
    crops = [Crop((63.0, 63.0), side, 0.0, 64) for side in np.linspace(60, 130, 10)]  # more than one batch
    plain, forward = predictor.predict([photo] * len(crops), crops), predictor.hourglass.maps_and_features
    monkeypatch.setattr(
        predictor.hourglass, "maps_and_features", lambda images: batches.append(images) or forward(images)
    )
    mean = predictor.predict([photo] * len(crops), crops, flip_test=True)
    assert [one.crop for one in mean] == crops
    assert sum(map(len, batches)) == 2 * len(crops)
    for number in (0, 9):
        image = plain[number].image[None]
        with torch.inference_mode():
            maps = [estimator.hourglass(one)[-1] for one in (image, torch.flip(image, dims=(3,)))]
        assert torch.equal(mean[number].image, image[0])
        assert torch.allclose(mean[number].maps, flip_average(*maps, MPII_16.mirror)[0], atol=1e-4)


def test_the_image_stream_sees_the_features_of_each_crop_and_of_its_mirror_image():
    config = PRESETS["small"]
    torch.manual_seed(0)
    predictor = CropPredictor(config, StackedHourglass(config.hourglass).eval(), FusionNetwork(config.fusion).eval())
    photo, crops = smooth_photo(), [Crop((63.0, 63.0), 90.0, 0.0, 64), Crop((50.0, 70.0), 70.0, 0.0, 64)]
    found = predictor.predict([photo] * 2, crops, flip_test=True)
    with torch.inference_mode():
        for one in found:
            both = torch.stack((one.image, torch.flip(one.image, dims=(2,))))
            expected = predictor.hourglass.maps_and_features(both)[1]
            torch.testing.assert_close(one.features, expected, atol=1e-4, rtol=1e-4)
    poses = predictor.poses(found, flip_test=True)
    exchanged = [
        dataclasses.replace(one, features=other.features) for one, other in zip(found, found[::-1], strict=True)
    ]
    assert np.abs(predictor.poses(exchanged, flip_test=True) - poses).max() > 0.01, "what it sees counts"
    blank = [dataclasses.replace(one, image=torch.zeros_like(one.image)) for one in found]
    assert np.array_equal(predictor.poses(blank, flip_test=True), poses), "the pixels do not, once they are features"
    assert not np.array_equal(predictor.poses(found), poses)


def test_confidence_falls_where_the_map_is_high_elsewhere_too():
    peaks, rivals = np.array([0.8, 0.8, 0.8, 0.1]), np.array([0.0, 0.4, 0.8, 0.4])
    calibration = CalibrationConfig(peak=(0.0, 0.5, 1.0), confidence=(0.0, 0.9, 1.0))
    assert calibrated(peaks, rivals, calibration) == pytest.approx([0.96, 0.96, 0.96, 0.18]), "a checkpoint of before"
    calibration = dataclasses.replace(calibration, rival=0.5)
    assert calibrated(peaks, rivals, calibration) == pytest.approx([0.96, 0.92, 0.72, 0.0])


def test_the_predictor_weighs_peaks_against_their_maps_elsewhere():
    estimator = PoseEstimator.random("tiny")
    for rival in (0.0, 0.5):
        calibration = CalibrationConfig(peak=(-1.0, 1.0), rival=rival)
        predictor = estimator.with_config(dataclasses.replace(estimator.config, calibration=calibration)).predictor
        (found,) = predictor.predict([smooth_photo()], [Crop((63.0, 63.0), 100.0, 0.0, 64)])
        points, peaks = decode_smoothed(found.maps[None])
        evidence = peaks - rival * rival_heights(found.maps[None], points)
        assert found.confidence == pytest.approx(((evidence[0] + 1) / 2).clamp(0, 1).numpy(), abs=1e-5)


@pytest.mark.parametrize(("turn", "angle"), [(20.0, 0.0), (29.0, 0.0), (31.0, 31.0), (-120.0, -120.0)])
def test_small_turns_of_the_body_count_as_none(turn, angle):
    points = np.zeros((16, 2))
    points[MPII_16.index("thorax")] = 50 * np.array([np.sin(np.deg2rad(turn)), -np.cos(np.deg2rad(turn))])
    one = CropPrediction(
        Crop((0, 0), 1, 0, 64), torch.zeros(1), torch.zeros(1), torch.zeros(1), points, np.ones(16), 1.0
    )
    assert one.angle(min_turn=30) == pytest.approx(angle)


@pytest.mark.parametrize(("side", "size"), [(48, 6), (16, 6), (32, 4)])
def test_pooled_maps_are_those_of_adaptive_pooling(side, size):
    maps = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    pooled = _pooled(maps, size)
    assert torch.equal(pooled, torch.nn.functional.adaptive_max_pool2d(maps, (size, size)))
