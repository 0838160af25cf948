"""Crops predicted with and without their mirror images, and the confidence in their joints."""

import dataclasses

import numpy as np
import pytest
import torch

from fusion_model.config import CalibrationConfig
from fusion_model.crop_inference import CropPrediction, calibrated
from fusion_model.crops import Crop
from fusion_model.hourglass import flip_average
from fusion_model.skeletons import HUMAN36M_17, MPII_16
from tests.helpers.estimators import featured, smooth_photo, sure


@pytest.mark.parametrize("make", [sure, featured])
def test_averaged_any_network_is_mirror_symmetric_in_a_batch_as_well(make):
    photo, box = smooth_photo(), (20, 16, 107, 111)
    pose, image = make().batch([photo, np.ascontiguousarray(photo[:, ::-1])], [box, box])
    apart = np.abs(image.heatmaps - pose.heatmaps[list(MPII_16.mirror)][:, :, ::-1]).max()
    assert apart < 0.02 * np.abs(pose.heatmaps).max()
    apart = np.abs(image.joints_3d - pose.joints_3d[list(HUMAN36M_17.mirror)] * [-1, 1, 1]).max()
    assert apart < 0.02 * np.abs(pose.joints_3d).max()


def test_the_flip_test_averages_over_the_crop_and_its_mirror_image():
    estimator, photo = sure(), smooth_photo()
    crops = [Crop((63.0, 63.0), side, 0.0, 64) for side in np.linspace(60, 130, 10)]  # more than one batch
    found = estimator.predictor.predict([photo] * len(crops), crops, flip_test=True)
    assert [one.crop for one in found] == crops
    for one in (found[0], found[9]):
        with torch.inference_mode():
            maps = [estimator.hourglass(image)[-1] for image in (one.image[None], one.image.flip(2)[None])]
        assert torch.allclose(one.maps, flip_average(*maps, MPII_16.mirror)[0], atol=1e-4)


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
