"""Rendered pictures and their labels, on a few dozen real renders."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests.helpers.earlier import assert_as_before
from train import synthesize
from train.synthesis.dataset import Settings
from train.synthesis.pictures import PictureMaker

SETTINGS = Settings(count=16, seed=11, size=128, split="train")


def test_pictures_and_labels_are_as_before_and_the_same_number_gives_the_same(renderer):
    maker = PictureMaker(renderer, SETTINGS)
    made = [maker(index) for index in range(SETTINGS.count)]
    images = [cv2.resize(picture.image * 1.0, (4, 4), interpolation=cv2.INTER_AREA) for picture in made]
    assert_as_before("pictures", images, near=0.02)  # drivers differ
    assert_as_before("labels", [replace(picture, image=None) for picture in made])
    other = PictureMaker(renderer, SETTINGS)(5)
    np.testing.assert_array_equal(made[5].image, other.image)
    assert repr(other.people) == repr(made[5].people)
    plain = PictureMaker(renderer, replace(SETTINGS, plain=True, split="validation"))
    assert_as_before("plain labels", [plain(index).people for index in range(8)])


def test_the_command_draws_with_its_photos_and_postures(renderer, tmp_path, monkeypatch):
    monkeypatch.setattr("train.synthesis.renderer.Renderer", {SETTINGS.size: renderer}.__getitem__)
    none = tmp_path / "none.npz"
    for motions, photos, error in ((None, tmp_path, "no photos"), (none, None, r"none\.npz not found")):
        with pytest.raises(FileNotFoundError, match=error):
            synthesize._maker(SETTINGS, motions, photos)
