"""Looks averaged over turned and mirrored windows."""

import dataclasses

import numpy as np
import pytest
import torch

from fusion_model.crops import Crop
from fusion_model.heatmaps import decode, encode, to_crop_coordinates, to_map_coordinates
from fusion_model.looks import average_maps
from fusion_model.skeletons import HUMAN36M_17, MPII_16
from tests.fusion_model.test_estimator import smooth_photo, sure

SIZE = 128


def drawn(crop, points, sigma=1.5):
    """Maps (J, 32, 32) of points (J, 2) in photo pixels."""
    inside = torch.from_numpy(crop.to_crop(points)).float()
    return encode(to_map_coordinates(inside), (crop.size // 4, crop.size // 4), sigma)


@pytest.mark.parametrize("angle", [0.0, 130.0])
def test_maps_of_several_windows_agree_about_places_in_the_photo(angle):
    points = np.array([[200.0, 150.0], [230.0, 118.0], [181.5, 190.25]])
    target = Crop((203.0, 152.0), 140.0, angle, SIZE)
    others = [
        dataclasses.replace(target, angle=angle - 20),
        dataclasses.replace(target, angle=angle + 20, side=170.0),
        dataclasses.replace(target, center=(190.0, 160.0)),
    ]
    maps = average_maps(torch.stack([drawn(crop, points) for crop in others]), others, target)
    found, peaks = decode(maps)
    assert np.abs(target.to_photo(to_crop_coordinates(found).numpy()) - points).max() < 0.7
    assert peaks.min() > 0.7


def test_the_mean_is_over_the_windows_that_reach_a_pixel():
    target = Crop((100.0, 100.0), 128.0, 0.0, SIZE)
    half = dataclasses.replace(target, center=(164.0, 100.0))  # sees the right half alone
    maps = torch.stack((torch.full((1, 32, 32), 1.0), torch.full((1, 32, 32), 3.0)))
    mean = average_maps(maps, [target, half], target)
    assert mean[0, :, :15].eq(1).all()
    assert torch.allclose(mean[0, :, 17:], torch.tensor(2.0))


def test_a_joint_that_one_window_sees_elsewhere_loses_height():
    target = Crop((100.0, 100.0), 128.0, 0.0, SIZE)
    here, there = np.array([[100.0, 100.0]]), np.array([[140.0, 100.0]])
    maps = torch.stack([drawn(target, here), drawn(target, here), drawn(target, there)])
    found, peaks = decode(average_maps(maps, [target] * 3, target))
    assert np.abs(target.to_photo(to_crop_coordinates(found).numpy()) - here).max() < 0.1
    alone = decode(drawn(target, here))[1].item()
    assert peaks.item() == pytest.approx(2 / 3 * alone, abs=0.01)


def test_averaged_any_network_is_mirror_symmetric():
    """Averaging over mirrored crops and turns either way makes untrained networks symmetric too, in maps, 2D and 3D."""
    estimator, photo, box = sure(), smooth_photo(), (20, 16, 107, 111)
    pose = estimator(photo, box)
    image = estimator(np.ascontiguousarray(photo[:, ::-1]), box)
    joints, maps = list(HUMAN36M_17.mirror), list(MPII_16.mirror)
    extent = np.abs(pose.joints_3d).max()
    assert np.abs(image.heatmaps - pose.heatmaps[maps][:, :, ::-1]).max() < 0.02 * np.abs(pose.heatmaps).max()
    assert np.abs(image.joints_3d - pose.joints_3d[joints] * [-1, 1, 1]).max() < 0.02 * extent
    plain = [estimator(one, box, average=False) for one in (photo, np.ascontiguousarray(photo[:, ::-1]))]
    assert np.abs(plain[1].joints_3d - plain[0].joints_3d[joints] * [-1, 1, 1]).max() > 0.1 * extent


def test_an_average_keeps_window_image_and_score():
    estimator, photo = sure(), smooth_photo()
    look = estimator.looker.look([photo], [Crop((63.0, 63.0), 120.0, 10.0, 64)])[0]
    mean = estimator.looker.average([photo], [look])[0]
    assert (mean.crop, mean.score) == (look.crop, look.score)
    assert mean.image is look.image
    assert not np.allclose(mean.maps, look.maps)
