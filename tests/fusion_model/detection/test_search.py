"""Who gets a crop, which of two crops counts, who is a person, and who is meant."""

import dataclasses

import numpy as np
import pytest
import torch

from fusion_model.config import CalibrationConfig, DetectorConfig, SearchConfig
from fusion_model.crop_inference import CropPrediction
from fusion_model.detection import search
from fusion_model.detection.detector import Detection
from fusion_model.detection.search import Search
from fusion_model.presets import PRESETS
from fusion_model.skeletons import LIMB_JOINTS, MPII_16
from tests.helpers.fake_data import figure

BOX = np.array([-30.0, -70.0, 30.0, 70.0])
PHOTO = np.zeros((400, 400, 3), np.uint8)
AGAIN = (0.9, 1, 90, 100.0), (0.72, 0, 170, -165.0), (np.where(np.arange(16) < 6, 0.95, 0.5), 0, 90, 100.0)
EVEN = SearchConfig(score=(0.0, 1.0, 0.0, 0.0))  # the detector's word alone


def person(x=200, y=200, angle=0.0, scale=1.0):
    """(16, 2) joints of a person there, turned clockwise; 120 pixels tall."""
    cosine, sine = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    return figure(MPII_16, 0, 55 * scale) @ np.array([[cosine, sine], [-sine, cosine]]) + (x, y)


def box_at(x=200, y=200):
    return BOX + np.array([x, y, x, y])


def seen(x=200, y=200, score=0.9, angle=0.0):
    return Detection(box_at(x, y), angle, score)


class Scripted:
    """In place of the hourglass: what each crop shows, in the order in which they are asked for."""

    threads = None

    def __init__(self, *shown):
        self.shown, self.crops, self.flips = list(shown), [], []

    def predict(self, photos, crops, *, flip_test):
        """One prediction for each crop: joints and their confidence, one for all of them or one each."""
        assert len(photos) == len(crops)
        self.crops, self.flips = self.crops + crops, [*self.flips, flip_test]
        shown, nothing = [self.shown.pop(0) for _ in crops], torch.zeros(1)
        return [
            CropPrediction(crop, nothing, nothing, nothing, points, np.full(16, sure, np.float32), np.max(sure))
            for crop, (points, sure) in zip(crops, shown, strict=True)
        ]


@pytest.fixture
def searching(monkeypatch):
    """Makes a search over detections and what their crops show."""

    def make(detections, *shown, **settings):
        def detect(_network, _photo, config, _threads):
            return [one for one in detections if one.score >= config.min_score]

        monkeypatch.setattr(search, "detect", detect)
        changes = {"search": dataclasses.replace(EVEN, **settings), "calibration": CalibrationConfig(seen=0.5)}
        config = dataclasses.replace(PRESETS["tiny"], detector=DetectorConfig(), **changes)
        return Search(config, Scripted(*shown), object())

    return make


def find(searching, box=None, photo=PHOTO, **options):
    (found,) = searching.find([photo], [box], **options)
    assert not searching.predictor.shown, "every crop was asked for"
    return found


def test_one_crop_is_enough_where_the_joints_fit_it(searching):
    (found,) = find(searching([seen(angle=5.0)], (person(), 0.8)))
    assert found.prediction.crop.angle == 0
    assert found.prediction.crop.side == pytest.approx(1.25 * 140)
    assert found.score == pytest.approx(0.9)
    assert found.box.tolist() == box_at().tolist()


@pytest.mark.parametrize(("again", "kept", "angle", "other"), AGAIN)
def test_a_turned_body_gets_one_more_crop_and_the_surer_counts(searching, again, kept, angle, other):
    turned = person(angle=angle)
    one = searching([seen(angle=other)], (turned, 0.7), (turned, again))
    (found,) = find(one, flip_test=bool(kept))
    assert [crop.angle for crop in one.predictor.crops] == [0, pytest.approx(angle)]
    assert one.predictor.flips == [bool(kept)] * 2
    assert one.predictor.crops[0].side == one.predictor.crops[1].side
    assert found.prediction.crop is one.predictor.crops[kept]


def test_a_crop_is_turned_only_where_detector_and_hourglass_agree(searching):
    lying = person(angle=90)
    (found,) = find(searching([seen()], (lying, 0.7)))
    assert found.prediction.crop.angle == 0
    (found,) = find(searching([], (lying, 0.7), (lying, 0.8)), box_at())
    assert found.prediction.crop.angle == pytest.approx(90), "of a caller's box the hourglass alone knows the axis"


@pytest.mark.parametrize(("scale", "side", "angle"), [(0.5, 0.6, 0), (2.0, None, 90)])
def test_joints_that_do_not_fit_the_crop_are_cut_out_anew(searching, scale, side, angle):
    shown = person(210, 190, angle, scale)
    stray, sure = np.where(np.arange(16)[:, None] == 10, (390, 10), shown), np.where(np.arange(16) == 10, 0.15, 0.25)
    one = searching([seen(angle=90.0)], (stray, sure), (shown, 0.7))
    find(one)
    first, second = one.predictor.crops
    shown = np.delete(shown, 10, 0)  # a joint that nobody believes
    joints = shown.max(0) - shown.min(0)
    wanted = side * first.side if side else 1.25 * 1.08 * joints.max()
    assert second.side == pytest.approx(wanted)
    assert second.center == pytest.approx(tuple((shown.max(0) + shown.min(0)) / 2))
    assert second.angle == pytest.approx(angle)


def test_the_same_person_twice_is_found_once(searching):
    shown, far = (person(), 0.8), (person(60, 80), 0.8)
    detections = [seen(60, 80), seen(score=0.7), seen(205, 190, 0.8)]
    assert [one.given for one in find(searching(detections, far, shown, shown))] == [0.8, 0.9]
    (found,) = find(searching(detections[1:], shown, shown, score=(0.0, -1.0, 0.0, 0.0)), min_score=0.05)
    assert found.given == 0.7, "of two the better score counts, not the detector's word"
    slipped = [seen(160, 200, 0.7), seen()]
    assert len(find(searching(slipped, shown, shown))) == 2, "the joints of one slipped to the other"
    aside, half = (person(216, 200), 0.8), np.arange(16) < 9
    assert len(find(searching(detections[1:], aside, shown))) == 2, "joints further apart than 8 % of the crop"
    assert len(find(searching([seen(score=0.7), Detection(1.25 * BOX + 200, 0.0, 0.9)], aside, shown))) == 1
    guessed = np.where(half[:, None], (300, 300), person()), np.where(half, 0.3, 0.8)
    one = searching([seen(score=0.7), seen()], guessed, shown, same_iou=1.0)
    assert len(find(one)) == 1, "joints that are not seen say nothing"


def test_the_score_weighs_detector_and_joints_and_decides(searching):
    weights = (-2.0, 0.5, 4.0, 0.5)
    (found,) = find(searching([seen()], (person(), 0.8), score=weights), photo=PHOTO[:300])
    assert found.score == pytest.approx(1 / (1 + np.exp(-(-2 + 0.5 * np.log(9) + 4 * 0.8 + 0.5 * 140 / 300))))
    unsure = searching([seen(score=0.2)], (person(), 0.5), score=weights)
    assert find(unsure) == []
    unsure.predictor.shown = [(person(), 0.5)]
    assert len(find(unsure, min_score=0.2)) == len(find(searching([seen(score=0.5)], (person(), 0.8)))) == 1
    sure = searching([seen(score=0.1), seen(60, 80, 1.0), seen(350, 80, 0.04)], (person(), 0.8), (person(60, 80), 0.8))
    assert [one.score for one in find(sure, min_score=0.0)] == pytest.approx([0.999, 0.1]), "the hopeless get no crop"


def test_where_one_person_is_wanted_the_unlikely_get_no_crop(searching):
    detections, shown = [seen(60, 80, 0.3), seen()], ((person(60, 80), 0.8), (person(), 0.8))
    (found,) = find(searching(detections, shown[1], rival=1.0), best_only=True)
    assert found.given == 0.9
    assert [one.given for one in find(searching(detections, *shown, rival=0.5, person=0.25))] == [0.9, 0.3]
    (found,) = find(searching(detections, *shown, rival=0.1, person=0.25), best_only=True)
    assert found.given == 0.9, "a rival is looked at, and left"


def test_of_equals_the_larger_and_the_nearer_to_the_middle_is_meant(searching):
    middle, aside = (seen(x, 200) for x in (200, 60))
    found = find(searching([aside, middle], (person(60, 200), 0.8), (person(), 0.8)))
    assert [one.box.tolist() for one in found] == [middle.box.tolist(), aside.box.tolist()]
    limbs = np.where([name in LIMB_JOINTS for name in MPII_16.joints], 0.9, 0.1)
    limbs[MPII_16.index("left_knee")] = 0.3
    wide, shown = PHOTO[:200].repeat(2, 1), ((person(100, 100), 0.8), (person(400, 100), limbs))
    one = searching([seen(100, 100), seen(400, 100)], *shown, score=(0.0, -1.0, 0.0, 0.0))
    found = find(one, photo=wide, min_score=0.05)
    assert found[0].box.tolist() == box_at(400, 100).tolist(), "the middle of a photo that is not square"
    place = 0.175**0.6 * np.exp(-4 * (0.5**2 + 0.5**2) / 800**2)  # half a pixel from the middle
    assert found[0].prominence(one.config.search) == pytest.approx((0.1 * 0.85) ** 0.5 * place), "limbs alone count"
    large, small = Detection(2 * BOX + 200, 0.0, 0.9), seen(200, 100)
    shown = (person(200, 100), 0.8), (person(scale=2), 0.8)
    assert find(searching([small, large], *shown))[0].box.tolist() == large.box.tolist()


def test_a_callers_box_counts_as_a_detection_and_is_checked(searching):
    one = searching([], (person(), 0.8), box_score=0.8, score=(0.0, 1.0, 0.0, 2.0))
    (found,) = find(one, box_at(149.5, 199.5), photo=PHOTO[:, :300])
    assert np.log(found.score / (1 - found.score)) == pytest.approx(np.log(4) + 2 * 0.5), "its height says nothing"
    assert found.prominence(one.config.search) == pytest.approx((found.score * 0.8) ** 0.5 * (140 / 400) ** 0.6)
    with pytest.raises(ValueError, match="no area"):
        find(one, [5, 5, 5, 9])
