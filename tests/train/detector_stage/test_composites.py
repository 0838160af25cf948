"""Pictures of groups to train the detector on, its loss and its measure."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
import torch

from fusion_model.config import DetectorConfig
from fusion_model.detection.network import STRIDE, PersonDetector
from fusion_model.estimator import PoseEstimator
from fusion_model.hub.checkpoints import read_metrics
from fusion_model.skeletons import MPII_16
from tests.helpers.fake_data import make_source
from train.data.people import load_people
from train.detector import CONFIG_FILE, _made_scenes, read_detector, stack
from train.detector_stage.composites import Composite, CompositeMaker
from train.detector_stage.figures import detector_figures
from train.losses import detector_loss, generalised_iou

SIZE = 128


def coloured_source():
    """Photos of grey, with a red body that fills its box."""
    source = make_source()
    photos = []
    for row in range(len(source)):
        photo = source.photo(row)
        photo[:] = 60
        photo[40:120, 40:80] = (255, 0, 0)
        photos.append(photo)

    encoded = [cv2.imencode(".png", photo[..., ::-1])[1].tobytes() for photo in photos]
    source.joints[:, MPII_16.index("thorax")] = (60, 55)
    source.joints[:, MPII_16.index("pelvis")] = (60, 85)
    source.__dict__["read"] = lambda index: encoded[index]
    return source


@pytest.fixture(scope="module")
def maker():
    return CompositeMaker(load_people([coloured_source()], validation=True), SIZE)


def test_pasted_people_fill_their_boxes(maker):
    seen = total = 0
    for seed in range(30):
        composite, again = (maker.make(np.random.default_rng(seed), whole_photos=0.0) for _ in range(2))
        assert np.array_equal(composite.image, again.image)
        assert composite.image.shape == (SIZE, SIZE, 3)
        assert composite.image.dtype == np.uint8
        assert len(composite.boxes) <= 5
        assert (composite.trust == 1).all()
        total += len(composite.boxes)
        for x0, y0, x1, y1 in composite.boxes:
            assert -0.5 <= x0 < x1 <= SIZE - 0.5
            middle = composite.image[int((y0 + y1) / 2), int((x0 + x1) / 2)].astype(int)
            seen += middle[0] - middle[1] > 100
    assert total > 40
    assert seen > 0.85 * total, "others may cover a middle, seldom"


def test_an_upright_body_has_an_axis_of_no_turn(maker):
    axes = np.concatenate([maker.make(np.random.default_rng(seed), whole_photos=1.0).axes for seed in range(40)])
    known = axes[axes.any(1)]
    assert np.allclose(np.linalg.norm(known, axis=1), 1, atol=1e-5)
    assert (known[:, 0] > 0.999).mean() > 0.4, "half of the people are not turned"
    assert (known[:, 0] < 0).any(), "some are upside down"


def test_surroundings_of_a_whole_photo_are_not_trusted_the_person_is(maker):
    for seed in range(10):
        composite = maker.make(np.random.default_rng(seed), whole_photos=1.0)
        x, y = ((composite.boxes[0, :2] + composite.boxes[0, 2:]) / 2 / STRIDE).astype(int)
        assert composite.trust[y, x] == 1
    assert composite.trust.min() < 0.5


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


def test_the_loss_is_least_for_the_right_answer_and_spares_what_is_not_trusted():
    boxes, axes = torch.tensor([[[20.0, 20.0, 60.0, 100.0]]]), torch.tensor([[[1.0, 0.0]]])
    there, trust = torch.ones(1, 1, dtype=torch.bool), torch.ones(1, 16, 16)
    right = right_output([(20.0, 20.0, 60.0, 100.0)])
    best, _ = detector_loss(right, boxes, axes, there, trust)
    assert best < 0.01
    stranger = right.clone()
    stranger[0, 0, 12, 14] = 5
    assert detector_loss(stranger, boxes, axes, there, trust)[0] > best + 1
    trust[0, 12, 14] = 0
    assert detector_loss(stranger, boxes, axes, there, trust)[0] < best + 0.01
    for channel in (1, 5):
        wrong = right.clone()
        wrong[0, channel] += 1
        assert detector_loss(wrong, boxes, axes, there, trust)[0] > best + 0.05


def test_a_detector_without_scenes_is_watched_on_composites(monkeypatch):
    monkeypatch.setattr("train.detector._VALIDATION", 10)
    scenes, again = (_made_scenes([coloured_source()], SIZE) for _ in range(2))
    assert len(scenes) == 20
    assert np.array_equal(again.photo(7), scenes.photo(7)), "the same in every run"
    one = scenes.take(np.array([len(boxes) == 1 for boxes in scenes.boxes])).take(np.arange(1))
    x0, y0, x1, y1 = one.boxes[0][0].tolist()
    sides = [(x0, y0, x1, y1), (SIZE - 1 - x1, y0, SIZE - 1 - x0, y1)]  # as the photo and its mirror image show it

    class Perfect(PersonDetector):
        def forward(self, _images):
            return torch.cat([right_output([side]) for side in sides])

    assert detector_figures(Perfect(DetectorConfig(width=8, head=8, input_size=SIZE)).eval(), one)["ap"] == 100
    assert detector_figures(PersonDetector(DetectorConfig(width=8, head=8, input_size=SIZE)).eval(), one)["ap"] < 100


def test_a_batch_is_padded_with_no_person():
    empty = Composite(
        np.zeros((64, 64, 3), np.uint8),
        np.zeros((0, 4), np.float32),
        np.zeros((0, 2), np.float32),
        np.ones((8, 8), np.float32),
    )
    one = Composite(empty.image, np.ones((1, 4), np.float32), np.ones((1, 2), np.float32), empty.trust)
    images, boxes, _, there, _ = stack([empty, one])
    assert images.shape == (2, 3, 64, 64)
    assert there.tolist() == [[False], [True]]
    assert boxes[1, 0].tolist() == [1, 1, 1, 1]


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
    assert read_detector(model).config == read_detector(run).config
    assert (model / "README.md").read_text() == "# A card\n"
    step = json.loads((run / "best" / "figures.json").read_text())["step"]
    provenance = {"steps": step, "batch": 2, "images": 2 * step, "people": {"made": 6}}
    metrics = read_metrics(model)
    settings = metrics["provenance"]["detector"].pop("settings")
    assert (settings["width"], settings["clip"], settings["batch"]) == (8, 10.0, 2)
    assert metrics == {"kept": 1, "provenance": {"detector": provenance}}
    assert "was begun with width 8, not 12" in refused(*options, 12)
    assert json.loads((run / CONFIG_FILE).read_text())["width"] == 8, "the run is left as it is"
