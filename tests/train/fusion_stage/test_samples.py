"""Photos and rendered people in one batch, each with the losses that its labels allow."""

import pytest
import torch
from torch.nn import functional

from fusion_model.config import HourglassConfig
from fusion_model.hourglass import StackedHourglass
from fusion_model.readings import read_maps
from tests.helpers.fake_data import make_people
from train.data.augment import plain_crops
from train.data.readers.registry import SETS
from train.data.sampling import draw, sampling_weights
from train.engine.machine import bf16_is_fast
from train.fusion_stage.samples import SampleSettings, build_samples

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
