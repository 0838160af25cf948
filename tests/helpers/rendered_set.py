"""A tiny rendered data set of random pictures, so that nothing has to be rendered."""

import dataclasses

import numpy as np

from train.synthesis import dataset
from train.synthesis.dataset import Settings, merge_labels, open_folder, picture_generator, write_parts
from train.synthesis.labels import Label, Picture

SETTINGS = Settings(count=13, seed=4, size=128, split="train")


def label(index, person=0):
    joints = np.arange(34, dtype=np.float32).reshape(17, 2) * 3 + index + person
    pose = np.arange(51, dtype=np.float32).reshape(17, 3) * 10 + index
    pose -= pose[0]
    return Label(joints, pose, np.array([0, 0, 3000.0]), np.ones(17, bool), np.array([5, 5, 110, 120.0]),
                 10.0 * index - 90, 7, 850.0 + index, f"clip_{index % 3}", "standing")  # fmt: skip


def picture(index, seed=4):
    image = picture_generator(seed, index).integers(0, 255, (128, 128, 3), np.uint8)
    return Picture(image, np.diag([100.0 + index, 100.0, 1.0]), [label(index, person) for person in range(index % 3)])


def small_parts(monkeypatch):
    """Parts of five pictures."""
    monkeypatch.setattr(dataset, "PART", 5)


def write_rendered(folder, split="train", make=picture):
    """A finished set of thirteen pictures."""
    settings = dataclasses.replace(SETTINGS, split=split)
    open_folder(folder, settings)
    write_parts(folder, settings, make)
    assert merge_labels(folder, settings)
