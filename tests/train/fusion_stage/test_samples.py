"""Photos and rendered people in one batch, each with the losses that its labels allow."""

import math

import pytest
import torch
from torch.nn import functional

from fusion_model.config import HourglassConfig
from fusion_model.hourglass import StackedHourglass
from fusion_model.readings import read_maps
from fusion_model.skeletons import HUMAN36M_17, MPII_16, MPII_IN_HUMAN36M
from tests.helpers.fake_data import make_people
from train.data.augment import plain_crops
from train.data.readers.registry import SETS
from train.data.sampling import draw, sampling_weights
from train.engine.machine import bf16_is_fast
from train.engine.seeds import RowNoise
from train.fusion_stage.samples import FusionSamples, SampleSettings, build_samples, random_rows, stored_inputs
from train.losses import reprojection_loss

NAMES = ("coco", "synthetic", "mine", "synthetic")
SOURCE = torch.tensor([0] * 10 + [1] * 30 + [2] * 100 + [3] * 20)


def fractions(weights):
    return [weights[number == SOURCE].sum().item() for number in range(4)]


def test_rendered_people_have_their_fraction_of_a_batch():
    weights, coco, mine = sampling_weights(SOURCE, NAMES, 0.25), SETS["coco"].share, 100 / 100_000
    photos = [0.75 * share / (coco + mine) for share in (coco, mine)]
    assert fractions(weights) == pytest.approx([photos[0], 0.25 * 0.6, photos[1], 0.25 * 0.4])
    drawn = draw(weights, 20_000, torch.Generator().manual_seed(0))
    assert (SOURCE[drawn] % 2 == 1).double().mean().item() == pytest.approx(0.25, abs=0.01)


def test_without_a_fraction_or_without_photos():
    assert fractions(sampling_weights(SOURCE, NAMES, 0.0))[1::2] == [0, 0]
    alone = sampling_weights(torch.zeros(4, dtype=torch.long), ("synthetic",), 0.0)
    torch.testing.assert_close(alone, torch.full((4,), 0.25, dtype=torch.float64))
    only = sampling_weights(SOURCE[10:40], NAMES, 0.2)
    assert only.sum().item() == pytest.approx(1), "nothing but rendered people: the whole batch"


def seen_from_ahead(pose, scale=0.05, place=(20.0, 30.0)):
    return pose[:, list(MPII_IN_HUMAN36M), :2] * scale + torch.tensor(place)


def test_reprojection_is_zero_for_the_true_pose_at_any_scale_and_place():
    pose = 400 * torch.randn(3, 17, 3, generator=torch.Generator().manual_seed(1))
    weight = torch.ones(3, 16)
    assert reprojection_loss(pose, seen_from_ahead(pose), weight).item() == pytest.approx(0, abs=1e-3)
    depth = pose + torch.tensor([0.0, 0.0, 1.0]) * torch.randn(3, 17, 1)
    assert reprojection_loss(depth, seen_from_ahead(pose), weight).item() == pytest.approx(0, abs=1e-3)


def test_reprojection_pulls_a_wrong_joint_back_and_shrinks_nothing():
    truth = 400 * torch.randn(1, 17, 3, generator=torch.Generator().manual_seed(2))
    wrist = HUMAN36M_17.index("left_wrist")
    pose = truth.clone()
    pose[0, wrist, 0] += 150
    pose.requires_grad_()
    points, weight = seen_from_ahead(truth), torch.ones(1, 16)
    loss = reprojection_loss(pose, points, weight)
    assert 0.5 * 150**2 * 0.7 < loss.item() < 0.5 * 150**2, "in mm**2; the best scale and place explain a part"
    loss.backward()
    assert pose.grad[0, wrist, 0] > 100
    assert pose.grad[0, :, 2].abs().max() == 0, "one photo says nothing of depth"
    outward = (pose.grad[..., :2] * pose.detach()[..., :2]).sum() / pose.detach()[..., :2].norm()
    assert abs(outward) < 0.3 * pose.grad.norm(), "hardly any pull towards a smaller pose"
    weight[0, MPII_16.index("left_wrist")] = 0
    assert reprojection_loss(pose, points, weight).item() == pytest.approx(0, abs=1e-3), (
        "unlabelled joints do not count"
    )


def test_people_with_few_labels_have_no_reprojection_loss():
    pose = 400 * torch.randn(1, 17, 3, generator=torch.Generator().manual_seed(3))
    weight = torch.zeros(1, 16)
    weight[0, :3] = 1
    assert reprojection_loss(pose, torch.rand(1, 16, 2), weight).item() == 0
    assert math.isfinite(reprojection_loss(pose, torch.zeros(1, 16, 2), torch.ones(1, 16)).item())


def test_points_of_samples_move_with_their_pictures():
    size, spot = 48, torch.tensor([[30.0, 14.0]])
    images = torch.zeros(1, 3, size, size, dtype=torch.uint8)
    images[0, :, 12:17, 28:33] = 255
    points = torch.full((1, 16, 2), 24.0)
    points[0, 3] = spot
    samples = FusionSamples(
        images,
        torch.zeros(1, 16, size, size, dtype=torch.uint8),
        torch.zeros(1, 64),
        torch.zeros(1, 17, 3),
        torch.ones(1, 17),
        points,
        torch.ones(1, 16),
        torch.zeros(1, dtype=torch.long),
    )
    axis = torch.arange(size, dtype=torch.float32)
    mirrored = 0
    for seed in range(12):
        noise = RowNoise.drawn(1, torch.Generator().manual_seed(seed))
        batch = random_rows(samples, torch.zeros(1, dtype=torch.long), noise)
        light = (batch.images[0, 0] - batch.images[0, 0].min() - 0.3).clamp_min(0)
        center = torch.stack(((light.sum(0) * axis).sum(), (light.sum(1) * axis).sum())) / light.sum()
        joint = min((3, MPII_16.mirror[3]), key=lambda k: (batch.points[0, k] - center).norm())
        mirrored += joint != 3
        assert (batch.points[0, joint] - center).norm() < 0.6
    assert 2 <= mirrored <= 10, "mirrored pictures swap the sides"


def test_crops_of_features_are_trained_on_as_they_are():
    generator = torch.Generator().manual_seed(0)
    features, maps = torch.randn(4, 8, 6, 6, generator=generator), torch.rand(4, 16, 6, 6, generator=generator)
    readings, pose = torch.randn(4, 64, generator=generator), torch.randn(4, 17, 3, generator=generator)
    stored = stored_inputs(features, maps, readings)
    assert [values.dtype for values in stored] == [torch.float16, torch.uint8, torch.float32]
    samples = FusionSamples(*stored, pose, torch.ones(4, 17), torch.zeros(4, 16, 2), torch.ones(4, 16), torch.arange(4))
    assert samples.of_features
    rows = torch.tensor([2, 0, 2])
    batch = random_rows(samples, rows, RowNoise.drawn(3, generator))
    torch.testing.assert_close(batch.images, features[rows], atol=2e-3, rtol=2e-3)
    torch.testing.assert_close(batch.maps, maps[rows], atol=1 / 160, rtol=0)
    assert torch.equal(batch.readings, readings[rows])
    assert torch.equal(batch.pose, pose[rows])
    assert torch.equal(batch.source, rows)


def test_samples_of_features_are_what_the_hourglass_knows_of_the_crop():
    people = make_people(3)
    torch.manual_seed(0)
    hourglass = StackedHourglass(HourglassConfig(stacks=2, width=16, input_size=64)).eval()
    samples = build_samples(people, hourglass, SampleSettings(64, 1.25, 4, photo_features=True), progress=False)
    images, _ = plain_crops(people, 64, 1.25)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bf16_is_fast("cpu")):
        maps, features = hourglass.maps_and_features(images.contiguous(memory_format=torch.channels_last))
    assert samples.images.shape == (3, 16, 4, 4)
    expected = functional.interpolate(features.float(), size=(4, 4), mode="bilinear", align_corners=False)
    torch.testing.assert_close(samples.images.float(), expected, atol=1e-2, rtol=1e-2)
    torch.testing.assert_close(samples.readings, read_maps(maps[-1].float().clamp(0, 1.5)), atol=1e-3, rtol=1e-3)
