"""What the detector starts from, which pictures it is given, and in which colours."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fusion_model.config import DetectorConfig, HourglassConfig
from fusion_model.detection.network import PersonDetector
from fusion_model.hourglass import StackedHourglass
from tests.helpers.earlier import assert_as_before
from train.detector import _batches, _start_backbone, recolour
from train.engine.checkpoints import write_best
from train.engine.seeds import RowNoise
from train.settings import DetectorTrainConfig

FILE = "stages.json"


def test_the_backbone_is_the_way_down_of_the_first_hourglass(tmp_path):
    torch.manual_seed(0)
    hourglass, network = StackedHourglass(HourglassConfig(2, 16, 64)), PersonDetector(DetectorConfig(16, head=8))
    write_best(tmp_path, hourglass, {})
    assert _start_backbone(network, tmp_path) == f"backbone from {tmp_path}: 179 tensors"
    first, own = hourglass.state_dict(), network.state_dict()
    for new, old in (("down.1.conv2", "inner.down.conv2"), ("deeper.3.0.norm3", "inner.inner.inner.inner.norm3")):
        assert torch.equal(own[f"{new}.weight"], first[f"hourglasses.0.{old}.weight"])
    assert_as_before("backbone", own, file=FILE)
    with pytest.raises(ValueError, match="has no hourglass of 8 channels"):
        _start_backbone(PersonDetector(DetectorConfig(8)), tmp_path)


def test_each_picture_is_drawn_from_seed_step_and_row():
    maker = SimpleNamespace(make=lambda generator, whole: ("composite", whole, generator.random()))
    sampler = SimpleNamespace(make=lambda generator: ("scene", generator.random()))

    def expected(step, row, fraction):
        generator = np.random.default_rng([5, step, row])
        return (sampler.make(generator),) if generator.random() < fraction else (maker.make(generator, 0.6),)

    settings = DetectorTrainConfig(seed=5, scene_fraction=0.8)
    for scenes, fraction in ((sampler, 0.8), (None, 0)):
        batch = _batches(settings, maker, scenes)
        for step, rows in ((3, (5, 25)), (4, (5, 25)), (3, (5, 25)), (4, (0, 4))):  # the next one is drawn ahead
            assert batch(step, slice(*rows)) == [expected(step, row, fraction)[0] for row in range(*rows)]


def test_colours_vary_as_before():
    images = torch.sin(1.7 * torch.arange(200 * 3 * 64)).abs().reshape(200, 3, 8, 8)
    assert_as_before("colours", recolour(images, RowNoise(torch.arange(200))), 1e-3, FILE)
