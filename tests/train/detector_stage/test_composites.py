"""Pictures of groups to train the detector on, its loss and its measure."""

import dataclasses
import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from fusion_model.config import DetectorConfig, HourglassConfig
from fusion_model.detection.network import PersonDetector
from fusion_model.estimator import PoseEstimator
from fusion_model.hourglass import StackedHourglass
from fusion_model.hub.checkpoints import read_metrics
from fusion_model.skeletons import MPII_16
from tests.helpers.earlier import assert_as_before
from tests.helpers.fake_data import make_people, make_source, write_pack
from train.data.people import load_people
from train.detector import CONFIG_FILE, _batches, _made_scenes, _start_backbone, read_detector, recolour, stack
from train.detector_stage.composites import Composite, CompositeMaker
from train.detector_stage.figures import detector_figures
from train.engine.checkpoints import write_best
from train.engine.seeds import RowNoise
from train.losses import detector_loss, generalised_iou
from train.settings import DetectorTrainConfig

SIZE, FILE = 128, "stages.json"


def coloured_source():
    """Photos of grey, with a red body that fills its box."""
    photo = np.full((160, 120, 3), 60, np.uint8)
    photo[40:120, 40:80] = (0, 0, 255)
    source = dataclasses.replace(make_source(), read=lambda _row: cv2.imencode(".png", photo)[1].tobytes())
    source.joints[:, MPII_16.index("thorax")] = (60, 55)
    source.joints[:, MPII_16.index("pelvis")] = (60, 85)
    return source


def test_composites_lie_on_what_is_beside_people_where_no_photo_shows_nobody():
    people = load_people([coloured_source()], validation=True)
    beside = CompositeMaker(people, SIZE).backgrounds
    assert len(beside) == 5
    assert max(part.max() for part in beside) < 80, "nobody of red is there"
    people.weight[1, 3:] = 0  # who is hardly labelled may stand anywhere
    assert len(CompositeMaker(people, SIZE).backgrounds) == 4
    nobody = [np.full((64, 64, 3), 7, np.uint8)]
    assert CompositeMaker(people, SIZE, nobody).backgrounds is nobody


def test_generalised_iou_by_hand():
    box = torch.tensor([0.0, 0.0, 2.0, 2.0])
    assert generalised_iou(box, box).item() == pytest.approx(1)
    # Union 8, hull 4 x 4 = 16, nothing in common: -(16 - 8) / 16.
    assert generalised_iou(box, torch.tensor([2.0, 2.0, 4.0, 4.0])).item() == pytest.approx(-0.5)


def right_output(boxes):
    """What a perfect network says of one picture of 128 pixels."""
    output = torch.full((1, 7, 16, 16), -12.0)
    y, x = torch.meshgrid(torch.arange(16) * 8 + 3.5, torch.arange(16) * 8 + 3.5, indexing="ij")
    for x0, y0, x1, y1 in boxes:
        column, row = int((x0 + x1) / 2 / 8), int((y0 + y1) / 2 / 8)
        output[0, 0, row, column] = 12
        near = (slice(None), slice(max(row - 1, 0), row + 2), slice(max(column - 1, 0), column + 2))
        sides = torch.stack((x - x0, y - y0, x1 - x, y1 - y)).clamp_min(1) / 32
        output[0, 1:5][near] = sides[near].log()
    output[0, 5], output[0, 6] = 1, 0
    return output


def test_the_loss_is_as_before_least_for_the_right_answer_and_spares_what_is_not_trusted():
    labels = torch.tensor([[[20.0, 20.0, 60.0, 100.0]]]), torch.tensor([[[1.0, 0.0]]]), torch.ones(1, 1).bool()
    right, trust = right_output([(20.0, 20.0, 60.0, 100.0)]), torch.ones(1, 16, 16)
    best, _ = detector_loss(right, *labels, trust)
    assert best < 0.01
    stranger = right.clone()
    stranger[0, 0, 12, 14] = 5
    assert detector_loss(stranger, *labels, trust)[0] > best + 1
    trust[0, 12, 14] = 0
    assert detector_loss(stranger, *labels, trust)[0] < best + 0.01
    for channel in (1, 5):
        wrong = right.clone()
        wrong[0, channel] += 1
        assert detector_loss(wrong, *labels, trust)[0] > best + 0.05
    unknown = labels[0], torch.zeros(1, 1, 2), labels[2]
    assert detector_loss(wrong, *unknown, trust)[0] == pytest.approx(best.item(), abs=0.01), "no axis, nothing to learn"
    boxes = torch.tensor([[[3.0, 2, 19, 118], [20, 9, 110, 24]], [[10, 90, 34, 160], [0, 0, 0, 0]]])
    axes = torch.tensor([[[-0.8, 0.6], [0, 0]], [[0.0, -1], [0, 0]]])
    there, trust = torch.tensor([[True, True], [True, False]]), torch.cos(torch.arange(512)).square().reshape(2, 16, 16)
    output = 2 * torch.sin(1.7 * torch.arange(2 * 7 * 256)).reshape(2, 7, 16, 16)
    assert_as_before("detector", detector_loss(output, boxes, axes, there, trust), file=FILE)


def test_pictures_and_their_colours_are_drawn_as_before():
    """Of two sets: one is too small, one is hardly labelled, one cut at the knees, of one the head is unknown."""
    people = dataclasses.replace(make_people(8), names=("a", "b"))
    people.box += torch.tensor([-3.0, -4, 5, 6])
    people.source[6:], people.box[4, 2:], people.box[2, 3], people.weight[6, 9] = 1, people.box[4, :2] + 30, 80, 0
    people.weight[0, :8], people.extent[:, 0], people.photos[:, 2] = 0, 20.5, 200
    people.photos[:, 0], people.photos[:, 1] = torch.arange(SIZE), torch.arange(SIZE)[:, None]
    maker = CompositeMaker(people, SIZE)
    assert maker.rows.tolist() == [0, 1, 2, 3, 5, 6, 7]
    chance = np.array([5**-0.5] * 5 + [2**-0.5] * 2)
    assert maker.chance == pytest.approx(chance / chance.sum()), "sets count by the roots of their counts"
    for kind in (0, 1):
        drawn = [maker.make(np.random.default_rng(seed), kind) for seed in range(80)]
        assert_as_before(("pasted", "whole photos")[kind], drawn, 0.01, FILE)
    images = torch.sin(1.7 * torch.arange(200 * 3 * 64)).abs().reshape(200, 3, 8, 8)
    assert_as_before("colours", recolour(images, RowNoise(torch.arange(200))), 1e-3, FILE)


def test_a_detector_without_scenes_is_watched_on_composites(monkeypatch):
    monkeypatch.setattr("train.detector._VALIDATION", 10)
    scenes, again = (_made_scenes([coloured_source()], SIZE) for _ in range(2))
    assert np.array_equal(again.photo(7), scenes.photo(7)), "the same in every run"
    shown = [scenes.size.tolist(), scenes.validation.all(), sum(flags.any() for flags in scenes.unsure)]
    assert shown == [[[SIZE, SIZE]] * 20, True, 0]
    one = scenes.take(np.array([len(boxes) == 1 for boxes in scenes.boxes])).take(np.arange(1))
    x0, y0, x1, y1 = one.boxes[0][0].tolist()
    sides = [(x0, y0, x1, y1), (SIZE - 1 - x1, y0, SIZE - 1 - x0, y1)]  # as the photo and its mirror image show it

    class Perfect(PersonDetector):
        def forward(self, _images):
            return torch.cat([right_output([side]) for side in sides])

    config = DetectorConfig(width=8, head=8, input_size=SIZE)
    found = [detector_figures(kind(config).eval(), one)["ap"] for kind in (Perfect, PersonDetector)]
    assert found[0] == 100 > found[1]


def test_a_batch_is_padded_with_no_person():
    def picture(count):
        boxes, axes = np.ones((count, 4), np.float32), np.ones((count, 2), np.float32)
        return Composite(np.zeros((64, 64, 3), np.uint8), boxes, axes, np.ones((8, 8), np.float32))

    images, boxes, axes, there, _ = stack([picture(0), picture(2)])
    assert (images.shape, there.tolist()) == ((2, 3, 64, 64), [[False, False], [True, True]])
    assert (boxes[1] == 1).all()
    assert axes.shape == (2, 2, 2)
    *labels, trust = stack([picture(0)] * 2)[1:]
    assert detector_loss(torch.zeros(2, 7, 8, 8), *labels, trust)[0].isfinite(), "nobody in the whole batch"


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

    for scenes, fraction in ((sampler, 0.8), (None, 0)):
        batch = _batches(DetectorTrainConfig(seed=5, scene_fraction=0.8), maker, scenes)
        for step, rows in ((3, range(5, 25)), (4, range(5, 25)), (3, range(5, 25)), (4, range(4))):  # some drawn ahead
            drawn = [np.random.default_rng([5, step, row]) for row in rows]
            expected = [sampler.make(one) if one.random() < fraction else maker.make(one, 0.6) for one in drawn]
            assert batch(step, slice(rows.start, rows.stop)) == expected


def test_the_command_trains_a_detector_that_a_checkpoint_takes(data_folder, printed, refused, tmp_path, monkeypatch):
    monkeypatch.setattr("train.detector._VALIDATION", 4)
    run, model = tmp_path / "run", tmp_path / "model"
    small = ("--input-size", 64, "--batch", 2, "--steps", 2, "--validate-every", 1, "--width")
    options = ("detector", "--data", data_folder, "--run", run, *small)
    assert "started at step 0 with 0 whole photos and 6 people" in printed(*options, 8)
    PoseEstimator.random("tiny").save_pretrained(model, card="# A card\n", metrics={"kept": 1})
    with pytest.raises(ValueError, match="without a detector"):
        read_detector(model)
    printed("attach_detector", "--detector", run, "--checkpoint", model)
    assert PoseEstimator.from_pretrained(model, device="cpu").config.detector.width == 8
    both = read_detector(model), read_detector(run)
    assert both[0].config == both[1].config
    torch.testing.assert_close(*(one.state_dict() for one in both), rtol=1e-3, atol=1e-6)  # stored as float16
    assert (model / "README.md").read_text() == "# A card\n"
    step = json.loads((run / "best" / "figures.json").read_text())["step"]
    provenance = {"steps": step, "batch": 2, "images": 2 * step, "people": {"made": 6}}
    metrics = read_metrics(model)
    settings = metrics["provenance"]["detector"].pop("settings")
    assert (settings["width"], settings["clip"], settings["batch"]) == (8, 10.0, 2)
    assert metrics == {"kept": 1, "provenance": {"detector": provenance}}
    assert "was begun with width 8, not 12" in refused(*options, 12)
    write_pack(data_folder, "more", 2, held_out=0)
    assert "was begun with data '" in refused(*options, 8)
    assert json.loads((run / CONFIG_FILE).read_text())["width"] == 8, "the run is left as it is"
