"""Pictures of groups to train the detector on, its loss and its measure."""

import dataclasses
import json

import cv2
import numpy as np
import pytest
import torch

from fusion_model.estimator import PoseEstimator
from fusion_model.hub.checkpoints import read_metrics
from fusion_model.skeletons import MPII_16
from tests.helpers.fake_data import make_source
from train.data.people import load_people
from train.detector import CONFIG_FILE, _made_scenes, read_detector
from train.detector_stage.composites import CompositeMaker

SIZE = 128


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


def test_a_detector_without_scenes_is_watched_on_composites(monkeypatch):
    monkeypatch.setattr("train.detector._VALIDATION", 10)
    scenes, again = (_made_scenes([coloured_source()], SIZE) for _ in range(2))
    assert np.array_equal(again.photo(7), scenes.photo(7)), "the same in every run"
    middles = [(scenes.photo(row), *(box[:2] + box[2:]) / 2) for row, boxes in enumerate(scenes.boxes) for box in boxes]
    assert np.mean([photo[int(y), int(x), 0] > 150 for photo, x, y in middles]) > 0.8, "people are red in their boxes"
    shown = [scenes.size.tolist(), scenes.validation.all(), sum(flags.any() for flags in scenes.unsure)]
    assert shown == [[[SIZE, SIZE]] * 20, True, 0]


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
    assert json.loads((run / CONFIG_FILE).read_text())["width"] == 8, "the run is left as it is"
