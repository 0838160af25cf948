"""The stacked hourglass; crops predicted with and without their mirror images, and the confidence in their joints."""

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn.functional import adaptive_max_pool2d

from fusion_model.config import CalibrationConfig, HourglassConfig
from fusion_model.crop_inference import CropPrediction, calibrated, fusion_inputs
from fusion_model.crops import Crop
from fusion_model.estimator import PoseEstimator
from fusion_model.heatmaps import encode
from fusion_model.hourglass import StackedHourglass, flip_average
from fusion_model.readings import read_maps
from fusion_model.skeletons import HUMAN36M_17, MPII_16
from tests.helpers.estimators import featured, parameters, smooth_photo, sure


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
    photos = [np.roll(photo, 9 * number, 1) for number in range(10)]
    found = estimator.predictor.predict(photos, crops, flip_test=True)
    assert [one.crop for one in found] == crops
    for one, seen in ((found[0], photo), (found[9], photos[9])):
        assert torch.equal(255 * one.image, torch.from_numpy(one.crop.cut(seen)).permute(2, 0, 1))
        with torch.inference_mode():
            maps = [estimator.hourglass(image)[-1] for image in (one.image[None], one.image.flip(2)[None])]
        assert torch.allclose(one.maps, flip_average(*maps, MPII_16.mirror)[0], atol=1e-4)
    poses = estimator.predictor.poses([*found, *found[::-1]], flip_test=True)
    np.testing.assert_allclose(poses, poses[::-1], atol=1e-3)


def test_a_fusion_network_takes_photo_or_features_and_maps_at_its_size_and_readings_of_the_whole_maps():
    images = (torch.arange(64) % 4 == 1).float().expand(1, 3, 64, 64)
    maps, features = torch.full((1, 16, 16, 16), -1.0), torch.rand(1, 5, 2, 2)
    maps[0, 0, 5, 9] = 3.0
    photo, small, readings = fusion_inputs(images, maps, 4)
    assert torch.allclose(photo[..., 1:3], torch.full((1, 3, 4, 2), 0.25), atol=0.01), "every pixel counts"
    assert small[0, 0, 1, 2] == small.sum() == 1.5 / 4, "from 0 to 1.5"
    assert torch.equal(readings, read_maps(maps.clamp(0, 1.5)))
    maps = 3 * torch.rand(1, 16, 16, 16) - 1
    seen, pooled, _ = fusion_inputs(images, maps, 6, features)
    assert torch.allclose(seen[..., ::5, ::5], features)
    torch.testing.assert_close(pooled, adaptive_max_pool2d(maps.clamp(0, 1.5), 6))


def test_confidence_falls_where_the_map_is_high_elsewhere_and_a_crop_is_as_sure_as_its_six_surest_joints():
    peaks, rivals = np.array([0.8, 0.8, 0.8, 0.1]), np.array([0.0, 0.4, 0.8, 0.4])
    calibration = CalibrationConfig(peak=(0.0, 0.5, 1.0), confidence=(0.0, 0.9, 1.0))
    assert calibrated(peaks, rivals, calibration) == pytest.approx([0.96, 0.96, 0.96, 0.18]), "a checkpoint of before"
    calibration = dataclasses.replace(calibration, rival=0.5)
    assert calibrated(peaks, rivals, calibration) == pytest.approx([0.96, 0.92, 0.72, 0.0])
    heights = torch.linspace(0.1, 0.85, 16)
    points = torch.stack((torch.linspace(3, 12, 16), torch.full((16,), 8.0)), 1)
    maps = heights[:, None, None] * encode(points, (16, 16), 1.25)
    one = PoseEstimator.random("tiny").predictor._prediction(Crop((31.5, 31.5), 64, 0, 64), maps, maps, maps)
    assert one.confidence == pytest.approx(heights.numpy(), abs=0.05)
    assert one.score == pytest.approx(np.sort(one.confidence)[10:].mean())
    middle = float(points[13, 0] + points[15, 0]) * 2 + 1.5
    assert one.box(one.confidence[13])[::2].mean() == pytest.approx(middle, abs=0.2)


@pytest.mark.parametrize(("turn", "angle"), [(29.0, 0.0), (31.0, 31.0), (-120.0, -120.0)])
def test_small_turns_of_the_body_count_as_none(turn, angle):
    points, nothing = np.zeros((16, 2)), torch.zeros(1)
    points[MPII_16.index("thorax")] = 50 * np.array([np.sin(np.deg2rad(turn)), -np.cos(np.deg2rad(turn))])
    one = CropPrediction(Crop((0, 0), 1, 0, 64), nothing, nothing, nothing, points, np.ones(16), 1.0)
    assert one.angle(min_turn=30) == pytest.approx(angle)


def small(stacks=2, joints=16):
    torch.manual_seed(0)
    return StackedHourglass(HourglassConfig(stacks=stacks, width=16, input_size=64, joints=joints)).eval()


@pytest.mark.parametrize(("stacks", "published"), [(1, 3_426_448), (8, 25_434_112)])
def test_published_parameter_counts(stacks, published):
    with torch.device("meta"):
        assert parameters(StackedHourglass(HourglassConfig(stacks=stacks, width=256))) == published


def test_one_supervised_set_of_maps_a_stack_for_any_multiple_of_64():
    assert [tuple(one.shape) for one in small(stacks=3, joints=5)(torch.rand(2, 3, 64, 192))] == [(2, 5, 16, 48)] * 3
    for shape in ((3, 64, 64), (1, 4, 64, 64), (1, 3, 60, 64), (1, 3, 64, 65)):
        with pytest.raises(ValueError, match=r"multiples of 64, got \(" + ", ".join(map(str, shape))):
            small()(torch.zeros(shape))
    # The loss of each stack alone reaches the first layer, and no stack behind it.
    network = small(stacks=3).train()
    for stack in range(3):
        network.zero_grad(set_to_none=True)
        network(torch.rand(2, 3, 64, 64))[stack].square().mean().backward()
        assert network.front[0].weight.grad.abs().sum() > 0
        reached = [head.weight.grad is not None for head in network.heads]
        # A later stack's loss also passes through the maps of the earlier ones, which are fed back in.
        assert reached == [number <= stack for number in range(3)]


def test_flip_average_swaps_sides_and_turns_back():
    maps, mirrored = torch.zeros(2, 1, 16, 4, 6)
    left, right = MPII_16.index("left_wrist"), MPII_16.index("right_wrist")
    maps[0, left, 1, 0] = 1.0
    mirrored[0, right, 1, 5] = 0.5  # in the mirror the left wrist looks like a right one, at the other border
    mean = flip_average(maps, mirrored, MPII_16.mirror)
    assert mean[0, left, 1, 0] == mean.sum() == 0.75
