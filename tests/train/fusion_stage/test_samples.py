"""Photos and rendered people in one batch, each with the losses that its labels allow."""

import pytest
import torch
from torch.nn import functional

from fusion_model.config import HourglassConfig
from fusion_model.hourglass import StackedHourglass
from fusion_model.readings import read_maps
from fusion_model.skeletons import HUMAN36M_17, MPII_16
from tests.helpers.fake_data import make_people
from train.data.augment import plain_crops
from train.data.readers.registry import SETS
from train.data.sampling import draw, sampling_weights
from train.engine.machine import bf16_is_fast
from train.engine.seeds import RowNoise
from train.fusion_stage.samples import FusionSamples, SampleSettings, build_samples, random_rows, stored_inputs
from train.fusion_stage.training import joint_trust

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
    assert fractions(sampling_weights(SOURCE, NAMES, 0.0))[1::2] == [0, 0]
    assert torch.equal(sampling_weights(SOURCE, (*NAMES, "lspet"), 0.25), weights), "nobody of it is there"
    for fraction in (0.0, 0.2):  # nothing but rendered people: the whole batch
        alone = sampling_weights(torch.zeros(4, dtype=torch.long), ("synthetic",), fraction)
        torch.testing.assert_close(alone, torch.full((4,), 0.25, dtype=torch.float64))


def test_poses_and_maps_turn_with_their_pictures():
    size, wrist = 48, MPII_16.index("left_wrist")
    images = torch.zeros(1, 3, size, size, dtype=torch.uint8)
    images[0, :, 12:17, 28:33] = 255
    maps = torch.zeros(1, 16, size, size, dtype=torch.uint8)
    maps[0, wrist, 12:17, 28:33] = 160
    pose = torch.zeros(1, 17, 3)
    pose[0, HUMAN36M_17.index("left_wrist")] = torch.tensor([6.5, -9.5, 0])  # of the spot, from the middle
    samples = FusionSamples(images, maps, torch.zeros(1, 64), pose, torch.ones(1, 17), torch.zeros(1, dtype=torch.long))
    axis, mirrored = torch.arange(size, dtype=torch.float32), 0

    def center(plane):
        return torch.stack(((plane.sum(0) * axis).sum(), (plane.sum(1) * axis).sum()))

    for seed in range(12):
        noise = RowNoise.drawn(1, torch.Generator().manual_seed(seed))
        batch = random_rows(samples, torch.zeros(1, dtype=torch.long), noise)
        shown = [channel for channel in range(16) if batch.maps[0, channel].max() > 0.3]
        assert shown in ([wrist], [MPII_16.mirror[wrist]])
        mirrored += shown != [wrist]
        light = (batch.images[0, 0] - batch.images[0, 0].min() - 0.3).clamp_min(0)
        centers = [center(plane / plane.sum()) for plane in (batch.maps[0, shown[0]], light)]
        assert (centers[0] - centers[1]).norm() < 0.6
        joint = HUMAN36M_17.index(MPII_16.joints[shown[0]])
        turned = batch.pose[0, joint, :2]
        assert turned.norm() == pytest.approx(pose.norm().item(), abs=1e-3)
        offset = centers[0] - (size - 1) / 2
        assert torch.dot(turned, offset) / turned.norm() / offset.norm() > 0.9, "as far as the crop was not shifted"
    assert 2 <= mirrored <= 10, "mirrored pictures swap the sides"


def test_crops_of_features_are_trained_on_as_they_are():
    generator = torch.Generator().manual_seed(0)
    features, maps = torch.randn(4, 8, 6, 6, generator=generator), torch.rand(4, 16, 6, 6, generator=generator)
    readings, pose = torch.randn(4, 64, generator=generator), torch.randn(4, 17, 3, generator=generator)
    stored = stored_inputs(features, maps, readings)
    assert [values.dtype for values in stored] == [torch.float16, torch.uint8, torch.float32]
    samples = FusionSamples(*stored, pose, torch.ones(4, 17), torch.arange(4))
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


def test_limbs_that_a_teacher_guesses_count_whole_and_unknown_joints_not_at_all():
    weight = torch.full((1, 17), 0.25)
    wrist, knee, neck = (HUMAN36M_17.index(name) for name in ("left_wrist", "right_knee", "neck"))
    weight[0, wrist] = 0
    assert joint_trust(weight)[0, [wrist, knee, neck]].tolist() == [0, 1, 0.25]
    assert weight[0, knee] == 0.25, "what was given is as it was"
