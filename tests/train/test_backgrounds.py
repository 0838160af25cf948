"""Backgrounds without people, cut beside the people of training photos."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np

from fusion_model.estimator import PoseEstimator
from tests.helpers.fake_data import make_source, write_pack
from train import backgrounds
from train.data.cutting import beside_person, show_no_person
from train.data.people import load_people
from train.detector_stage.composites import CompositeMaker


class CropPredictor:
    """Finds a person where the middle of a crop is bright; records the crops."""

    config = SimpleNamespace(hourglass=SimpleNamespace(input_size=64))

    def __init__(self):
        self.crops = []

    def predict(self, photos, crops):
        """As :meth:`fusion_model.crop_inference.CropPredictor.predict`."""
        self.crops += crops
        pixels = [
            photo[round(crop.center[1]), round(crop.center[0])] for photo, crop in zip(photos, crops, strict=True)
        ]
        return [SimpleNamespace(score=pixel.max() / 255) for pixel in pixels]


def test_the_largest_part_beside_a_person():
    assert beside_person((0, 0, 200, 100), np.array([100.0, 20.0, 150.0, 100.0]), 40) == (0, 0, 95, 100)
    assert beside_person((0, 0, 200, 100), np.array([20.0, 20.0, 70.0, 100.0]), 40) == (75, 0, 200, 100)
    assert beside_person((0, 10.5, 200, 300), np.array([10.0, 160.0, 190.0, 260.0]), 40) == (0, 11, 200, 149)
    assert beside_person((0, 0, 200, 300), np.array([10.0, 10.0, 190.0, 110.0]), 40) == (0, 121, 200, 300)
    assert beside_person((0, 0, 200, 100), np.array([30.0, 20.0, 170.0, 100.0]), 40) is None


def test_an_estimator_checks_the_middle_square():
    dark, bright, predictor = np.zeros((80, 200, 3), np.uint8), np.zeros((80, 200, 3), np.uint8), CropPredictor()
    bright[30:34, 58:64] = 255
    assert show_no_person(predictor, [(bright, (20, 10, 102, 55)), (dark, (0, 0, 200, 80))]) == [False, True]
    assert [crop.center for crop in predictor.crops] == [(60.5, 32.0), (99.5, 39.5)]
    assert [(crop.side, crop.angle, crop.size) for crop in predictor.crops] == [(45, 0, 64), (80, 0, 64)]


def test_composites_lie_on_what_is_beside_people_where_no_photo_shows_nobody():
    people = load_people([make_source()], validation=True)
    beside = CompositeMaker(people, 128).backgrounds
    people.weight[1, 3:] = 0  # who is hardly labelled may stand anywhere
    assert len(CompositeMaker(people, 128).backgrounds) == len(beside) - 1 >= 3
    nobody = [np.full((64, 64, 3), 7, np.uint8)]
    assert CompositeMaker(people, 128, nobody).backgrounds is nobody


def test_the_command_cuts_training_photos_alone(tmp_path, printed):
    boxes = write_pack(tmp_path / "data", "made", 8, held_out=3)["box"]
    out = tmp_path / "out"
    options = ("backgrounds", "--data", tmp_path / "data", "--min-side", 20, "--out")
    shown = printed(*options, out)
    assert "5 crops beside people in" in shown
    assert "not checked for bystanders" in shown
    names = sorted(path.name for path in out.iterdir())
    assert names == [f"0-made-{n:06d}.jpg" for n in range(5)]
    for row in range(5):
        x0, y0, x1, y1 = beside_person((0, 0, 130, 140), boxes[row].astype(float), 20)
        crop = cv2.imread(str(out / f"0-made-{row:06d}.jpg"))
        assert crop.shape[:2] == (y1 - y0, x1 - x0)
        assert crop.max() < 150  # the noise of the photo; the person is drawn brighter
    printed(*options, tmp_path / "few", "--count", 2)
    assert len(list((tmp_path / "few").glob("*.jpg"))) == 2


def test_an_estimator_leaves_bystanders_out(tmp_path, monkeypatch, printed, refused):
    write_pack(tmp_path / "data", "made", 6, held_out=2)
    PoseEstimator.random().save_pretrained(tmp_path / "checkpoint")
    both = ("--data", tmp_path / "data", "--checkpoint", tmp_path / "checkpoint")
    options = ("backgrounds", *both, "--min-side", 20, "--out")
    monkeypatch.setattr(backgrounds, "BATCH", 3)
    answers = iter([[True, False, True], [False]])
    monkeypatch.setattr(backgrounds, "show_no_person", lambda _predictor, _found: next(answers))
    assert "2 of 4 crops beside people show a bystander" in printed(*options, tmp_path / "some")
    assert len(list((tmp_path / "some").glob("*.jpg"))) == 2
    monkeypatch.setattr(backgrounds, "show_no_person", lambda _predictor, found: [False] * len(found))
    error = refused(*options, tmp_path / "none")
    assert "checkpoint finds a person in every crop: choose another --out" in error
    room = refused(*options, tmp_path / "large", "--min-side", 900)
    assert "has room for 900 pixels beside its person: lower --min-side" in room
