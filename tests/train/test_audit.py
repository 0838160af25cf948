"""Exchanged labels, found by a network that is played by hand."""

import dataclasses

import numpy as np
import pytest
import torch

from fusion_model.crops import crop_of_box
from fusion_model.heatmaps import encode, to_map_coordinates
from fusion_model.skeletons import MPII_16
from tests.helpers.estimators import sure
from tests.helpers.fake_data import figure, make_source
from train.audit import Opinion, audit, contradicted, counts, opinion_of
from train.data.readers.label_repair import LIMB_PAIRS

MIRROR = np.array(MPII_16.mirror)


def people(count=4):
    """(N, 16, 2) joints of standing people."""
    return np.stack([figure(MPII_16, (60, 75 + row), 45) for row in range(count)])


def exchange(joints, row, *pairs):
    for pair in pairs:
        limbs = LIMB_PAIRS[pair]
        joints[row, limbs] = joints[row, MIRROR[limbs]]


def test_both_pictures_must_be_sure_of_the_other_side():
    truth, weight = people(), np.ones((4, 16))
    labels, points, confidence = truth.copy(), np.stack([truth, truth]), np.full((2, 4, 16), 0.9)
    for row in range(4):
        exchange(labels, row, "legs")
    points[1, 1] = labels[1]  # the mirror image agrees with the label
    confidence[0, 2] = 0.5  # not sure
    exchange(labels, 3, "arms")
    found = contradicted(Opinion(points, confidence), labels, weight)
    assert found.tolist() == [[False, True], [False, False], [False, False], [True, True]]
    assert counts(found) == (1, 0, 1)
    assert counts(found[:, ::-1]) == (1, 1, 0)


def test_both_pictures_give_joints_of_the_photo(monkeypatch):
    """The mirror image's joints come back mirrored, and with their sides exchanged."""
    source, estimator = make_source("mpii", count=1), sure()
    size = estimator.config.hourglass.input_size
    crop = crop_of_box(source.box[0], size, estimator.config.crop.margin)
    wrist = MPII_16.index("left_wrist")
    on_the_left = crop.to_crop(source.joints[0, wrist])[0] < size / 2

    def red_dot(images):
        """The map of the wrist that this red dot is: in the mirror image it is the right one."""
        x, y = (index := (images[0, 0] - images[0, 1]).argmax()) % size, index // size
        maps = torch.zeros(1, 16, size // 4, size // 4)
        place = to_map_coordinates(torch.stack((x, y)).float())
        side = wrist if (x < size / 2) == on_the_left else MIRROR[wrist]
        maps[0, side] = encode(place, maps.shape[2:], 1.25)
        return maps

    monkeypatch.setattr(estimator.predictor, "maps", red_dot)
    opinion = opinion_of(estimator, source, np.arange(1))
    assert opinion.points.shape == (2, 1, 16, 2)
    off = np.abs(opinion.points[:, 0, wrist] - source.joints[0, wrist])
    assert off.max() < 4 * crop.side / size + 3, "the red dot is 7 pixels wide"
    assert (opinion.confidence == 1).all()


def test_the_audit_counts_training_people_alone():
    source = make_source("mpii", count=6)
    validation = np.arange(6) == 0
    doubted = np.array([[True, True]] * 2 + [[True, False]] + [[False, False]] * 3)
    source = dataclasses.replace(source, validation=validation, contradicted=doubted)
    held_out = dataclasses.replace(make_source("street"), name="street")
    head, _, *rows = audit(sure(), [source, held_out], people=99).splitlines()
    assert head.startswith(
        "| set | people | teacher: whole body | teacher: arms | teacher: legs | network: whole body |"
    )
    assert len(rows) == 1, "of the other set everybody is held out"
    assert rows[0].startswith("| mpii | 5 | 1 | 1 | 0 | ")
    with pytest.raises(ValueError, match="no training people"):
        audit(sure(), [held_out], people=9)
