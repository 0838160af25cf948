"""Which of several looks at a person counts, and how large they are."""

import dataclasses

import numpy as np
import pytest
import torch

from fusion_model.config import PRESETS, CalibrationConfig, DetectorConfig, HourglassConfig
from fusion_model.crop_inference import Look
from fusion_model.detection import search
from fusion_model.detection.candidates import Proposal
from fusion_model.detection.detector import Detection
from fusion_model.detection.search import Search
from fusion_model.skeletons import MPII_16

# A standing person in the photo's pixels, by the start of a joint's name.
STANDING = {
    "head": (0, -60), "neck": (0, -42), "thorax": (0, -38), "pelvis": (0, 0), "shoulder": (14, -36), "elbow": (20, -15),
    "wrist": (22, 5), "hip": (9, 0), "knee": (10, 30), "ankle": (10, 60),
}  # fmt: skip


def standing():
    points = []
    for joint in MPII_16.joints:
        x, y = next(place for name, place in STANDING.items() if name in joint)
        points.append((100 + (-x if joint.startswith("right") else x), 100 + y))
    return np.array(points, float)


class Scripted:
    """In place of the hourglass: every window shows the same person; the confidence is as written."""

    def __init__(self, *confidences):
        self.confidences, self.crops = list(confidences), []

    def maps(self, _photos, crops):
        """Empty ones."""
        return [torch.zeros(16, crop.size // 4, crop.size // 4) for crop in crops]

    def look(self, _photos, crops):
        """One look for each window."""
        looks = []
        self.crops += crops
        for crop in crops:
            sure = self.confidences.pop(0)
            maps = torch.zeros(16, 16, 16)
            looks.append(Look(crop, torch.zeros(3, 64, 64), maps, standing(), np.full(16, sure, np.float32), sure))
        return looks


@pytest.mark.parametrize(("first", "closer", "chosen"), [(0.7, 0.65, 1), (0.6, 0.8, 1), (0.8, 0.65, 0)])
def test_the_closer_look_counts_unless_the_first_is_a_good_deal_surer(first, closer, chosen):
    predictor = Scripted(first, closer)
    photo = np.zeros((220, 200, 3), np.uint8)
    (found,) = Search(PRESETS["tiny"], predictor, None)._look_closer(photo, [Proposal((100.0, 100.0), 170.0, 0.0, 0.5)])
    assert not predictor.confidences
    assert found.score == pytest.approx((first, closer)[chosen])


@pytest.mark.parametrize(("closer", "sizes"), [(0.75, [128, 192]), (0.6, [128, 192, 192])])
def test_a_first_look_is_small_and_looked_at_again_in_full_where_it_counts(closer, sizes):
    config = dataclasses.replace(PRESETS["tiny"], hourglass=HourglassConfig(1, 16, 192))
    predictor = Scripted(0.8, closer, 0.3)
    photo, proposal = np.zeros((220, 200, 3), np.uint8), Proposal((100.0, 100.0), 170.0, 0.0, 0.5)
    (found,) = Search(config, predictor, None)._look_closer(photo, [proposal])
    assert [crop.size for crop in predictor.crops] == sizes
    assert found.crop.size == 192
    if len(sizes) > 2:
        assert found.crop == dataclasses.replace(predictor.crops[0], size=192)
        assert (found.score, found.confidence[0]) == (0.8, np.float32(0.3))  # the score is that of the choice


def test_who_cannot_be_confirmed_is_not_looked_at(monkeypatch):
    config = dataclasses.replace(PRESETS["tiny"], detector=DetectorConfig(sure=0.5))
    box = np.array([60.0, 30.0, 140.0, 170.0])
    detections = [Detection(box, 0.0, 0.9), Detection(box + 200, 0.0, 0.26), Detection(box + 400, 0.0, 0.24)]
    monkeypatch.setattr(search, "find", lambda _network, _photo: detections)
    predictor = Scripted(1.0, 1.0, 1.0, 1.0)
    finding = Search(config, predictor, object())
    hinted = []
    monkeypatch.setattr(finding, "_hinted", lambda _photo, _found, hints: hinted.extend(hints) or [])
    finding._find_by_detector(np.zeros((700, 700, 3), np.uint8))
    assert not predictor.confidences
    assert len(predictor.crops) == 4  # a first and a closer look at each of two
    assert [hint.tolist() for hint in hinted] == [(box + 400).tolist()]


@pytest.mark.parametrize(("offset", "looks", "people"), [(0.0, 2, 1), (300.0, 1, 0)])
def test_a_hint_is_followed_only_where_the_first_look_shows_somebody(offset, looks, people):
    config = dataclasses.replace(PRESETS["tiny"], calibration=CalibrationConfig(person=0.6))
    photo, proposal = np.zeros((600, 600, 3), np.uint8), Proposal((100.0, 100.0), 170.0, 0.0, 0.5)
    hint = np.array([[75.0, 40.0, 125.0, 160.0]]) + offset
    predictor = Scripted(0.55, 0.55)  # enough of whom the detector hints at, not of others
    assert len(Search(config, predictor, object())._look_closer(photo, [proposal], hint)) == people
    assert len(predictor.crops) == looks
    assert not Search(config, Scripted(0.55, 0.55), object())._look_closer(photo, [proposal])


@pytest.mark.parametrize(("side", "known", "offset", "people"), [
    (170.0, False, 0.0, 1),
    (100.0, False, 0.0, 0),  # small in the photo: the detector would have seen it
    (170.0, True, 0.0, 0),  # a part of somebody who was found
    (170.0, False, 70.0, 0),  # at the end beside the hint
])  # fmt: skip
def test_whom_the_maps_show_where_the_detector_only_hints(monkeypatch, side, known, offset, people):
    proposal = Proposal((100.0, 100.0), side, 0.0, 0.5)
    monkeypatch.setattr(search, "propose", lambda _maps, _window: [proposal])
    monkeypatch.setattr(search, "_NEAR", 0.0)
    predictor = Scripted(1.0, 1.0)
    found = Look(proposal.crop(128), torch.zeros(3, 8, 8), torch.zeros(16, 2, 2), standing(), np.ones(16), 1.0)
    found = dataclasses.replace(found, crop=dataclasses.replace(found.crop, side=400.0))
    hints = np.array([[75.0, 40.0, 125.0, 160.0]]) + offset
    looks = Search(PRESETS["tiny"], predictor, object())._hinted(
        np.zeros((220, 220, 3), np.uint8), [found] * known, hints
    )
    assert len(looks) == people
    assert len(predictor.crops) == (0 if known or side < 132 else 2)
