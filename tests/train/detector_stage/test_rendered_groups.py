"""Rendered pictures with all of their people, as the detector's training takes them."""

import numpy as np
import pytest

from tests.helpers.rendered_set import label, picture, small_parts, write_rendered
from train.detector_stage.rendered_groups import find_groups
from train.synthesis.labels import Label, Picture


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A set for training; the second person of a picture is too small to be found."""

    def make(index):
        people = [label(index, person) for person in range(index % 3)]
        if len(people) == 2:
            people[1] = Label(**{**people[1].__dict__, "box": np.array([5, 5, 10, 15.0])})
        return Picture(picture(index).image, np.eye(3), people)

    small_parts(monkeypatch)
    write_rendered(tmp_path / "held", "validation")
    write_rendered(tmp_path / "rendered", make=make)
    return tmp_path


def test_a_picture_comes_with_its_people(folder):
    groups = find_groups(folder)
    assert len(groups) == 13
    pictures = np.stack([picture(number).image for number in range(13)]).astype(int)
    for number in range(13):
        image, boxes, axes, learn = groups.load(number)
        assert np.abs(pictures - image).mean((1, 2, 3)).argmin() == number
        assert len(boxes) == len(axes) == number % 3
        assert learn.tolist() == [True, False][: number % 3]
        np.testing.assert_allclose(np.linalg.norm(axes, axis=1), 1, atol=1e-5)


def test_half_of_the_pictures_drawn_show_several_people(folder):
    groups, generator = find_groups(folder), np.random.default_rng(0)
    several = np.mean([len(groups.load(groups.draw(generator))[1]) > 1 for _ in range(400)])
    assert several == pytest.approx(0.5 + 0.5 * 4 / 13, abs=0.08)


def test_a_damaged_part_is_named(folder):
    (folder / "rendered" / "part-00001.zip").write_bytes(b"PK\x03\x04 cut")
    groups = find_groups(folder)
    with pytest.raises(ValueError, match=r"part-00001.*run train.synthesize again"):
        groups.load(6)
