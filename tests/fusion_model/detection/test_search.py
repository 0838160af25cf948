"""Which of several crops of a person counts, and how large they are."""

import dataclasses

import numpy as np
import pytest
import torch

from fusion_model.config import PRESETS, CalibrationConfig, DetectorConfig, HourglassConfig, SearchConfig
from fusion_model.crop_inference import CropPrediction
from fusion_model.detection import search
from fusion_model.detection.candidates import Candidate
from fusion_model.detection.detector import Detection
from fusion_model.detection.search import Search
from fusion_model.skeletons import MPII_16

# A standing person in the photo's pixels, by the start of a joint's name.
STANDING = {
    "head": (0, -60), "neck": (0, -42), "thorax": (0, -38), "pelvis": (0, 0), "shoulder": (14, -36), "elbow": (20, -15),
    "wrist": (22, 5), "hip": (9, 0), "knee": (10, 30), "ankle": (10, 60),
}  # fmt: skip
WITH_DETECTOR = dataclasses.replace(PRESETS["tiny"], detector=DetectorConfig(accept_score=0.5))


def standing():
    points = []
    for joint in MPII_16.joints:
        x, y = next(place for name, place in STANDING.items() if name in joint)
        points.append((100 + (-x if joint.startswith("right") else x), 100 + y))
    return np.array(points, float)


class Scripted:
    """In place of the hourglass: every crop shows the same person; the confidence is as written."""

    def __init__(self, *confidences):
        self.confidences, self.crops = list(confidences), []

    def maps(self, _photos, crops):
        """Empty ones."""
        return [torch.zeros(16, crop.size // 4, crop.size // 4) for crop in crops]

    def predict(self, _photos, crops):
        """One prediction for each crop."""
        self.crops += crops
        return [prediction(crop, self.confidences.pop(0)) for crop in crops]


def prediction(crop, sure):
    """What the hourglass would say, of that confidence."""
    maps = torch.zeros(16, 16, 16)
    return CropPrediction(crop, torch.zeros(3, 64, 64), maps, standing(), np.full(16, sure, np.float32), sure)


def candidate(side=170.0, **more):
    return Candidate((100.0, 100.0), side, 0.0, 0.5, **more)


def confirm(finding, *candidates, size=220, min_score=None, hints=None):
    return finding._confirm(np.zeros((size, size, 3), np.uint8), list(candidates), min_score, hints)


@pytest.mark.parametrize(("first", "closer", "chosen"), [(0.7, 0.65, 1), (0.6, 0.8, 1), (0.8, 0.65, 0)])
def test_the_closer_crop_counts_unless_the_first_is_a_good_deal_surer(first, closer, chosen):
    predictor = Scripted(first, closer)
    (found,) = confirm(Search(PRESETS["tiny"], predictor, None), candidate())
    assert not predictor.confidences
    assert found.score == pytest.approx((first, closer)[chosen])


@pytest.mark.parametrize(("closer", "sizes"), [(0.75, [128, 192]), (0.6, [128, 192, 192])])
def test_a_first_crop_is_small_and_predicted_again_in_full_where_it_counts(closer, sizes):
    config = dataclasses.replace(PRESETS["tiny"], hourglass=HourglassConfig(1, 16, 192))
    predictor = Scripted(0.8, closer, 0.3)
    (found,) = confirm(Search(config, predictor, None), candidate())
    assert [crop.size for crop in predictor.crops] == sizes
    assert found.prediction.crop.size == 192
    if len(sizes) > 2:
        assert found.prediction.crop == dataclasses.replace(predictor.crops[0], size=192)
        assert (found.score, found.prediction.confidence[0]) == (0.8, np.float32(0.3))  # the score of the choice


@pytest.mark.parametrize(("crop_score", "found"), [(0.36, 1), (0.24, 0)])
def test_detector_and_hourglass_accept_together(crop_score, found):
    """The geometric mean of 0.9 and the crop's score against 0.5."""
    people = confirm(Search(WITH_DETECTOR, Scripted(crop_score, crop_score), object()), candidate(detector_score=0.9))
    assert [one.score for one in people] == [pytest.approx((0.9 * crop_score) ** 0.5)] * found


def test_a_low_min_score_lowers_the_thresholds():
    one = {"detector_score": 0.4}
    assert not confirm(Search(WITH_DETECTOR, Scripted(0.4, 0.4), object()), candidate(**one))
    assert confirm(Search(WITH_DETECTOR, Scripted(0.4, 0.4), object()), candidate(**one), min_score=0.35)
    assert confirm(Search(WITH_DETECTOR, Scripted(0.9, 0.9), object()), candidate(**one), min_score=0.65), (
        "find filters"
    )


def test_who_cannot_be_confirmed_gets_no_crop(monkeypatch):
    box = np.array([60.0, 30.0, 140.0, 170.0])
    detections = [Detection(box, 0.0, 0.9), Detection(box + 200, 0.0, 0.26), Detection(box + 400, 0.0, 0.24)]
    monkeypatch.setattr(search, "detect", lambda _network, _photo, _min_score: detections)
    predictor = Scripted(1.0, 1.0, 1.0, 1.0)
    finding = Search(WITH_DETECTOR, predictor, object())
    hinted = []
    monkeypatch.setattr(finding, "_find_by_hints", lambda _photo, _found, hints, _min: hinted.extend(hints) or [])
    finding.find(np.zeros((700, 700, 3), np.uint8))
    assert not predictor.confidences
    assert len(predictor.crops) == 4  # a first and a closer crop of each of two
    assert [hint.tolist() for hint in hinted] == [(box + 400).tolist()]


@pytest.mark.parametrize(("offset", "crops", "people"), [(0.0, 2, 1), (300.0, 1, 0)])
def test_a_hint_is_followed_only_where_the_first_crop_shows_somebody(offset, crops, people):
    config = dataclasses.replace(PRESETS["tiny"], calibration=CalibrationConfig(person=0.6))
    hint = np.array([[75.0, 40.0, 125.0, 160.0]]) + offset
    predictor = Scripted(0.55, 0.55)  # enough of whom the detector hints at, not of others
    assert len(confirm(Search(config, predictor, object()), candidate(), size=600, hints=hint)) == people
    assert len(predictor.crops) == crops
    assert not confirm(Search(config, Scripted(0.55, 0.55), object()), candidate(), size=600)


@pytest.mark.parametrize(("side", "known", "offset", "people"), [
    (170.0, False, 0.0, 1),
    (100.0, False, 0.0, 0),  # small in the photo: the detector would have seen it
    (170.0, True, 0.0, 0),  # a part of somebody who was found
    (170.0, False, 70.0, 0),  # at the end beside the hint
])  # fmt: skip
def test_whom_the_maps_show_where_the_detector_only_hints(monkeypatch, side, known, offset, people):
    monkeypatch.setattr(search, "propose", lambda _maps, _crop, _config: [candidate(side)])
    config = dataclasses.replace(PRESETS["tiny"], search=SearchConfig(hint_first_iou=0.0))
    predictor = Scripted(1.0, 1.0)
    large = candidate(400.0)
    large.prediction = prediction(large.crop(128), 1.0)
    hints = np.array([[75.0, 40.0, 125.0, 160.0]]) + offset
    photo = np.zeros((220, 220, 3), np.uint8)
    found = Search(config, predictor, object())._find_by_hints(photo, [large] * known, hints, None)
    assert len(found) == people
    assert len(predictor.crops) == (0 if known or side < 132 else 2)
