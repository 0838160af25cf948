"""Crops predicted with and without their mirror images."""

import numpy as np
import pytest
import torch

from fusion_model.crop_inference import CropPrediction
from fusion_model.crops import Crop
from fusion_model.hourglass import flip_average
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
    plain, forward = predictor.predict([photo] * len(crops), crops), predictor.hourglass.forward
    monkeypatch.setattr(predictor.hourglass, "forward", lambda images: batches.append(images) or forward(images))
    mean = predictor.predict([photo] * len(crops), crops, flip_test=True)
    assert [one.crop for one in mean] == crops
    assert sum(map(len, batches)) == 2 * len(crops)
    for number in (0, 9):
        image = plain[number].image[None]
        with torch.inference_mode():
            maps = [estimator.hourglass(one)[-1] for one in (image, torch.flip(image, dims=(3,)))]
        assert torch.equal(mean[number].image, image[0])
        assert torch.allclose(mean[number].maps, flip_average(*maps, MPII_16.mirror)[0], atol=1e-4)


@pytest.mark.parametrize(("turn", "angle"), [(20.0, 0.0), (29.0, 0.0), (31.0, 31.0), (-120.0, -120.0)])
def test_small_turns_of_the_body_count_as_none(turn, angle):
    points = np.zeros((16, 2))
    points[MPII_16.index("thorax")] = 50 * np.array([np.sin(np.deg2rad(turn)), -np.cos(np.deg2rad(turn))])
    one = CropPrediction(Crop((0, 0), 1, 0, 64), torch.zeros(1), torch.zeros(1), points, np.ones(16), 1.0)
    assert one.angle(min_turn=30) == pytest.approx(angle)
