"""Rendered people: a set as train.synthesize writes it, through the command."""

import dataclasses

import numpy as np

from tests.helpers.rendered_set import label, picture, small_parts, write_rendered
from train.data.prepared import open_prepared
from train.data.readers.rendered import read_synthetic
from train.synthesis.labels import Picture


def test_prepared_people_are_those_of_the_set(tmp_path, prepared, monkeypatch):
    small_parts(monkeypatch)
    write_rendered(tmp_path / "in")
    direct, loaded = read_synthetic(tmp_path / "in"), prepared("synthetic", "synthetic", tmp_path / "in")
    assert np.allclose(loaded.pose, direct.pose, atol=0.01)  # both at the conventional height
    offset = open_prepared(tmp_path / "out").columns["affine"][:, None, :, 2]  # no shrinking of 128 pixels
    assert np.allclose(loaded.joints - offset, direct.joints, atol=1e-3)
    for row in range(12):
        (x, y), crop = np.round(-offset[row, 0]).astype(int), loaded.photo(row)
        whole = direct.photo(row)[y : y + crop.shape[0], x : x + crop.shape[1]].astype(int)
        assert np.abs(whole - crop).mean() < 25  # noise, coded twice


def test_people_too_small_or_hidden_to_learn_from_are_left_out(tmp_path):
    some = np.arange(17)
    faults = {1: {"box": np.array([5, 5, 40, 68.9])}, 2: {"visible": some < 3}}
    faults[0] = {"box": np.array([5, 5, 35, 69.0]), "visible": some < 4}

    def make(index):
        people = [dataclasses.replace(label(index, person), **faults.get(person, {})) for person in range(index % 4)]
        return Picture(picture(index).image, np.eye(3), people)

    write_rendered(tmp_path / "in", make=make)
    assert len(read_synthetic(tmp_path / "in")) == sum(index % 4 > 0 for index in range(13))
