"""Backgrounds without people, cut beside the people of training photos."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from fusion_model.estimator import PoseEstimator
from tests.helpers.fake_data import make_source, write_pack
from train import backgrounds
from train.data.cutting import beside_person
from train.data.readers.people import read_people


class CropPredictor:
    """Finds a person where the middle of a crop is bright; records the crops."""

    config = SimpleNamespace(hourglass=SimpleNamespace(input_size=64))

    def __init__(self):
        self.crops = []

    def predict(self, photos, crops):
        """As :meth:`fusion_model.crop_inference.CropPredictor.predict`."""
        self.crops += crops
        pixels = [photo[int(one.center[1]), int(one.center[0])] for photo, one in zip(photos, crops, strict=True)]
        return [SimpleNamespace(score=pixel.max() / 255) for pixel in pixels]


@pytest.mark.parametrize(
    ("extent", "box", "part"),
    [
        ((0, 0, 200, 100), (100, 20, 150, 100), (0, 0, 95, 100)),
        ((0, 0, 200, 100), (20, 20, 70, 100), (75, 0, 200, 100)),
        ((0, 10.5, 200, 300), (10, 160, 190, 260), (0, 11, 200, 149)),
        ((0, 0, 200, 300), (10, 10, 190, 110), (0, 121, 200, 300)),
        ((0, 0, 200, 100), (30, 20, 170, 100), None),
    ],
)
def test_the_largest_part_beside_a_person(extent, box, part):
    assert beside_person(extent, np.array(box, float), 40) == part


def test_an_estimator_checks_the_middle_square():
    bright, dark, predictor = np.zeros((45, 82, 3), np.uint8), np.zeros((80, 200, 3), np.uint8), CropPredictor()
    bright[20:24, 38:44] = 255
    shades = [np.full((80, 80, 3), shade, np.uint8) for shade in (52, 50)]  # scores of 0.204 and 0.196
    assert backgrounds.show_no_person(predictor, [bright, dark, *shades]) == [False, True, False, True]
    found = [(crop.center, crop.side, crop.angle, crop.size) for crop in predictor.crops[:2]]
    assert found == [((40.5, 22.0), 45, 0, 64), ((99.5, 39.5), 80, 0, 64)]


def test_the_command_cuts_training_photos_alone(tmp_path, printed):
    boxes = write_pack(tmp_path / "data", "made", 8, held_out=3)["box"]
    source = read_people(tmp_path / "data" / "people_made.npz")
    options = ("backgrounds", "--data", tmp_path / "data", "--min-side", 20, "--out")
    shown = printed(*options, tmp_path / "out")
    assert "5 crops beside people in" in shown
    assert "not checked for bystanders" in shown
    names = [f"0-made-{n:06d}.jpg" for n in range(5)]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    for row, (name, box) in enumerate(zip(names, boxes.astype(float), strict=False)):
        x0, y0, x1, y1 = beside_person((0, 0, 130, 140), box, 20)
        crop = cv2.imread(str(tmp_path / "out" / name))[..., ::-1].astype(int)
        assert crop.shape[:2] == (y1 - y0, x1 - x0)
        assert np.abs(crop - source.photo(row)[y0:y1, x0:x1]).mean() < 4
        assert crop.max() < 150  # the noise of the photo; the person is drawn brighter
    few = [tmp_path / str(seed) for seed in range(4)]
    for seed, folder in enumerate(few):
        printed(*options, folder, "--count", 2, "--seed", seed)
    assert {len(list(folder.iterdir())) for folder in few} == {2}
    assert len({frozenset(path.name for path in folder.iterdir()) for folder in few}) > 1, "others by the seed"


def test_a_box_that_few_joints_made_is_not_trusted_and_rendered_people_have_no_photo(tmp_path, printed, monkeypatch):
    sources = [make_source("mpii", 3), make_source("synthetic", 3)]
    for source in sources:
        source.validation[:] = False
    sources[0].weight[0, 3:] = sources[0].weight[1, 4:] = 0  # three joints, and four
    monkeypatch.setattr(backgrounds, "find_sources", lambda _folder: sources)
    printed("backgrounds", "--data", tmp_path, "--out", tmp_path / "out", "--min-side", 20)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0-mpii-000001.jpg", "0-mpii-000002.jpg"]


def test_an_estimator_leaves_bystanders_out(tmp_path, monkeypatch, printed, refused):
    write_pack(tmp_path / "data", "made", 6, held_out=2)
    PoseEstimator.random().save_pretrained(tmp_path / "checkpoint")
    both = ("--data", tmp_path / "data", "--checkpoint", tmp_path / "checkpoint")
    options = ("backgrounds", *both, "--min-side", 20, "--out")
    monkeypatch.setattr(backgrounds, "_BATCH", 3)
    answers = iter([[True, False, True], [False], [False] * 3, [False]])
    monkeypatch.setattr(backgrounds, "show_no_person", lambda _predictor, _images: next(answers))
    assert "2 of 4 crops beside people show a bystander" in printed(*options, tmp_path / "some")
    assert len(list((tmp_path / "some").glob("*.jpg"))) == 2
    assert "checkpoint finds a person in every crop: choose another --out" in refused(*options, tmp_path / "none")
    room = refused(*options, tmp_path / "large", "--min-side", 900)
    assert "has room for 900 pixels beside its person: lower --min-side" in room
