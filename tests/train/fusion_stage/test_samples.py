"""Photos and rendered people in one batch, each with the losses that its labels allow; figures of poses and a run."""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from fusion_model.config import CropConfig, HourglassConfig
from fusion_model.fusion import FusionNetwork
from fusion_model.hourglass import StackedHourglass
from fusion_model.readings import read_maps
from fusion_model.skeletons import HUMAN36M_17
from tests.helpers.earlier import assert_as_before
from tests.helpers.fake_data import make_people
from train.data.augment import plain_crops
from train.data.readers.registry import SETS
from train.data.sampling import draw, sampling_weights
from train.engine.logs import read_rows
from train.engine.seeds import RowNoise
from train.fusion_stage.pose_figures import LIMBS, crossing_order, known, pose_figures, pose_panels
from train.fusion_stage.samples import (
    FusionData,
    FusionSamples,
    SampleSettings,
    build_samples,
    random_rows,
    stored_inputs,
)
from train.fusion_stage.training import Trainer, fusion_config, joint_trust, predict, sample_settings
from train.losses import spread_loss
from train.settings import FusionTrainConfig

FILE = "stages.json"
NAMES = ("coco", "synthetic", "mine", "synthetic")
SOURCE = torch.tensor([0] * 10 + [1] * 30 + [2] * 100 + [3] * 20)
SETTINGS = FusionTrainConfig(
    loss="distance", skeleton="lsp_14", log="csv", preset="tiny", augment="narrow", steps=100, soft_fraction=0.5,
    sharpening=9.0, centring=9.0, seed=2, crops=5, batch=6, action="x", input_size=128,
)  # fmt: skip


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


def test_samples_of_features_are_what_the_hourglass_knows_of_the_crop(monkeypatch):
    monkeypatch.setattr("train.fusion_stage.samples.bf16_is_fast", lambda _device: False)
    people = make_people(3)
    torch.manual_seed(0)
    hourglass = StackedHourglass(HourglassConfig(stacks=2, width=16, input_size=64)).eval()
    samples = build_samples(people, hourglass, SampleSettings(64, 1.25, 4, photo_features=True), progress=False)
    images, _ = plain_crops(people, 64, 1.25)
    with torch.inference_mode():
        maps, features = hourglass.maps_and_features(images.contiguous(memory_format=torch.channels_last))
    assert samples.images.shape == (3, 16, 4, 4)
    expected = functional.interpolate(features.float(), size=(4, 4), mode="bilinear", align_corners=False)
    torch.testing.assert_close(samples.images.float(), expected, atol=1e-2, rtol=1e-2)
    torch.testing.assert_close(samples.readings, read_maps(maps[-1].float().clamp(0, 1.5)), atol=1e-3, rtol=1e-3)


def waves(*shape, speed=1.7):
    """Numbers from -1 to 1 that repeat nowhere."""
    return torch.sin(speed * torch.arange(torch.Size(shape).numel())).reshape(shape)


def made_samples(count, speed):
    """Crops with poses, two of three of source 0 and one of 1; some joints are not known."""
    maps, pose = 2 * waves(count, 16, 32, 32, speed=speed).abs(), 300 * waves(count, 17, 3, speed=speed)
    columns = *stored_inputs(waves(count, 3, 32, 32).abs(), maps, torch.zeros(count, 64)), pose
    return FusionSamples(*columns, waves(count, 17).clamp_min(0), torch.arange(count) % 3 // 2)


@pytest.mark.parametrize("name", ["wide", "narrow", "plain"])
def test_crops_of_those_whose_3d_is_known_are_as_before(name, monkeypatch):
    monkeypatch.setattr("train.fusion_stage.samples.bf16_is_fast", lambda _device: False)
    torch.manual_seed(0)
    people, hourglass = make_people(70, dot=3), StackedHourglass(HourglassConfig(2, 16, 64)).eval()
    people.pose_weight[5], people.source[:] = 0, torch.arange(70)
    settings = SampleSettings(64, 1.25, 16, crops=2, augment="narrow" if name == "narrow" else "wide")
    made = build_samples(people, hourglass, settings, None if name == "plain" else torch.Generator(), progress=False)
    assert made.source.tolist() == [row for row in range(70) if row != 5] * (1 if name == "plain" else 2)
    assert_as_before(f"crops, {name}", [made.pose, made.weight, made.images, made.maps], 0.05, FILE)


def test_poses_and_maps_turn_with_their_pictures_as_before_and_features_not_at_all():
    rows, noise, kept = torch.tensor([7, 2, 2, 8]), RowNoise(torch.arange(4)), made_samples(9, 1.7)
    batch = random_rows(kept, rows, noise)
    assert_as_before("turned", [batch.images, batch.maps, batch.pose, batch.weight], 0.05, FILE)
    assert (batch.source.tolist(), batch.readings) == ([0, 1, 1, 1], None)
    features = dataclasses.replace(kept, images=waves(9, 8, 6, 6).half())
    batch = random_rows(features, rows, noise)
    assert torch.equal(batch.images, features.images[rows].float())
    torch.testing.assert_close(batch.maps, kept.maps[rows] / 160)
    for name in ("readings", "pose", "weight", "source"):
        assert torch.equal(getattr(batch, name), getattr(kept, name)[rows]), name


@pytest.fixture
def trainer(tmp_path, use_bfloat16):
    """A run whose averaged weights are others, whose samples are of photos and of rendered people."""
    use_bfloat16(False)
    torch.manual_seed(0)
    config = fusion_config(SETTINGS, tmp_path)
    config = dataclasses.replace(config, fusion=dataclasses.replace(config.fusion, spreads=True))
    network = FusionNetwork(config.fusion)
    network.output.weight.data *= 500 / config.fusion.output_unit_mm
    trainer = Trainer(config, StackedHourglass(config.hourglass), network, SETTINGS, tmp_path)
    held_out = made_samples(10, 1.71)
    held_out.weight[:], held_out.weight[9, LIMBS[-1]], held_out.pose[9] = 1, 0, 1e6  # not measured: a limb is missing
    trainer.take_data(FusionData(made_samples(20, 1.7), held_out, ("made", "synthetic")))
    for parameter in trainer.loop.module.eval().parameters():
        parameter.data *= 1.1
    return trainer


def test_loss_and_figures_are_as_before(trainer):
    module, averaged = trainer.loop.module, trainer.loop.averaged.module
    averaged.beta.data.fill_(0.9)  # it lags behind
    soft, found = trainer.validate(averaged.train()), trainer.validate(module)
    assert (found["n"], found["photos_n"], found["synthetic_n"]) == (9, 6, 3)
    assert found["mpjpe"] == pytest.approx((found["photos_mpjpe"] + found["synthetic_mpjpe"]) / 2), "half each"
    loss, _ = trainer.loss(module, 25, torch.Generator())
    trainer.loop.best = 5.0
    hard, mixing = trainer.loss(module, 50, torch.Generator())
    assert (trainer.loop.best, module.is_soft, averaged.is_soft) == (-math.inf, False, False), "it is another network"
    assert mixing == pytest.approx({"alpha": 0.11, "beta": 2.2})
    hardening = json.loads((trainer.run / "hardening.json").read_text())
    assert [hardening[name] for name in ("soft", "hardened")] == [soft, trainer.validate(averaged)]
    assert [hardening[name] for name in ("merging_layer", "was_sharp")] == [2, False]
    poses = [predict(module, trainer.held_out, batch) for batch in (4, 256)]
    numbers = [loss.item(), hard.item(), found, hardening["weights"], hardening["hardened"], *poses, trainer.mean]
    assert_as_before("a run", numbers, 1e-2, FILE)
    assert [row["step"] for row in read_rows(trainer.run / "mixing.csv")] == ["0", "0", "50"], "two where they harden"
    config = dataclasses.replace(trainer.config, crop=CropConfig(margin=1.4))
    asked = SampleSettings(128, 1.4, 32, crops=5, seed=2, action="x", augment="narrow")
    assert sample_settings(config, SETTINGS) == asked


def test_limbs_that_a_teacher_guesses_count_whole_and_unknown_joints_not_at_all():
    weight = torch.full((1, 17), 0.25)
    wrist, knee, neck = (HUMAN36M_17.index(name) for name in ("left_wrist", "right_knee", "neck"))
    weight[0, wrist] = 0
    assert joint_trust(weight)[0, [wrist, knee, neck]].tolist() == [0, 1, 0.25]
    assert weight[0, knee] == 0.25, "what was given is as it was"


def crossed_shins(left_depth, right_depth):
    """A pose whose legs cross below the knees, at these depths."""
    pose = np.zeros((17, 3))
    pose[:, 0], pose[:, 1] = 1000 + 100 * np.arange(17), 5000  # everything else far apart
    for side, sign, depth in (("left", 1, left_depth), ("right", -1, right_depth)):
        for name, x, y in (("hip", sign * 100, 0), ("knee", sign * 100, 400), ("ankle", -sign * 100, 800)):
            pose[HUMAN36M_17.index(f"{side}_{name}")] = x, y, depth
    return pose


def test_which_of_two_crossing_limbs_is_in_front():
    truth = np.stack([crossed_shins(100, 0), crossed_shins(0, 100), crossed_shins(40, 0)])
    assert crossing_order(truth, truth) == (100.0, 2), "the third is too near to count"
    assert crossing_order(truth * [1, 1, -1], truth) == (0.0, 2)
    assert crossing_order(np.stack([crossed_shins(1, 0), crossed_shins(1, 0), crossed_shins(1, 0)]), truth) == (50.0, 2)
    assert crossing_order(truth[:0], truth[:0]) == (None, 0)


def test_figures_panels_and_the_loss_of_spreads_are_as_before():
    one, other = np.random.default_rng(0).normal(0, 300, (2, 60, 17, 3))
    assert_as_before("pose figures", [pose_figures(one, other), crossing_order(one, other)], file="stages.json")
    assert_as_before("pose panels", pose_panels(one[:2], other[:2]), 0.1, "stages.json")
    spread, poses, target = 50 + waves(3, 4, 2), 40 * waves(3, 4, 3), 40 * waves(3, 4, 3, speed=2)
    assert_as_before("spread", spread_loss(spread, poses, target, waves(3, 4).abs()), file=FILE)
    assert known({"a": np.nan, "b": 0.0}) == {"b": 0.0}
