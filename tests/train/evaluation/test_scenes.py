"""Whole photos end to end: an estimator of known mistakes gets the figures that they cost."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from fusion_model.detection.candidates import log_odds
from fusion_model.estimator import PoseEstimator
from fusion_model.presets import PRESETS
from fusion_model.skeletons import HUMAN36M_17
from tests.helpers.estimators import seeing
from tests.helpers.scene_files import made_scenes
from tests.helpers.stand_in import make_pose
from train.calibrate import fit_scores
from train.evaluation import scenes as scenes_module
from train.evaluation.card import card_text
from train.evaluation.scenes import match_boxes, scene_figures, scene_lines

LEFT, RIGHT, UNSURE, UNKNOWN = (5, 10, 40, 90), (60, 10, 95, 90), (45, 60, 55, 95), (75, 10, 95, 90)
FALSE = (0, 0, 30, 30)
RIGHT_KNEE, LEFT_ANKLE = HUMAN36M_17.index("right_knee"), HUMAN36M_17.index("left_ankle")


class Mistaken:
    """Finds those whose box begins in the left half, and one who is not there; misplaces joints of two people."""

    trust_score = 0.5

    def __init__(self, scenes):
        self.boxes = {scenes.photo(row).tobytes(): (row, scenes.boxes[row]) for row in range(len(scenes))}

    def find_people(self, photo, *, min_score):
        """Boxes and scores; the false one is hardly seen in photos without anybody."""
        assert min_score == 0.02
        _, boxes = self.boxes[photo.tobytes()]
        found = boxes[boxes[:, 0] < 50]
        return np.vstack((found, FALSE)), np.array([*[0.9] * len(found), 0.6 if len(found) else 0.3])

    def predict_all(self, photo):
        """Poses of those found."""
        (row, _), (boxes, _) = self.boxes[photo.tobytes()], self.find_people(photo, min_score=0.02)
        poses, joints = self.batch([photo] * len(boxes), boxes), make_pose(photo).joints_2d.copy()
        if row == 0:
            joints[LEFT_ANKLE] += 100  # of which the pose in the true box is not sure
        else:  # the torso is 29.6 pixels long in the true box, 35 here
            joints[RIGHT_KNEE, 0] += 6.5
            joints[HUMAN36M_17.index("left_shoulder")] += np.array([310, -470]) / 563 * 5.4
        poses[0] = dataclasses.replace(poses[0], joints_2d=joints)
        return poses

    def batch(self, photos, boxes):
        """The standing person in each box but the unknown."""
        status = tuple("guessed" if joint == LEFT_ANKLE else "seen" for joint in range(17))
        poses = [make_pose(photo, person_box=box, status=status) for photo, box in zip(photos, boxes, strict=True)]
        return [None if pose.person_box[0] > 70 else pose for pose in poses]


def test_the_missed_and_the_mistaken_cost_what_they_are(monkeypatch):
    people, source = ([LEFT, RIGHT, UNSURE], [LEFT, UNKNOWN], [], [], [LEFT]), ["coco", "mpii", "sun", "sun", "coco"]
    scenes = dataclasses.replace(made_scenes(*people, source=source, unsure={2}), validation=np.arange(5) < 4)
    crossed, allowed = scenes_module.crossed_rates, []
    monkeypatch.setattr(scenes_module, "crossed_rates", lambda *given: allowed.append(given[1:]) or crossed(*given))
    figures = scene_figures(Mistaken(scenes), scenes)
    assert figures["ap"] == {"ap": pytest.approx(50), "people": 4}
    text = "\n".join(scene_lines(figures))
    cells = ("50.0 ± 25.0 (n 4)", "50.0 ± 35.4 (n 2)", "0.000 ± 0.000 (n 2)", "1.000 ± 0.000 (n 1)")
    assert f"| the model's own threshold | {' | '.join(cells)} |" in text
    assert "AP@0.5: 50.0 % (n 4)" in text
    assert "chosen crosswise, at most 0.1 false boxes on a photo without anybody and 0.2 on one with people |" in text
    assert allowed == [(0.1, 0.2)]
    joints = f"{100 * (11 + 11 + 0) / 36:.1f} % of limb joints within 0.2 torso lengths"
    assert f": {joints}; 33.3 ± 27.2 % of people have all that are seen there (n 3)" in text
    measured = {"true box": {"mpii": {"n": 1, "pck": 1.0}}, "end to end": {}, "3D": {}, "rendered 3D": {}}
    card = card_text(PRESETS["tiny"], "model", measured | {"scenes": figures})
    assert all(words in card for words in (text, "Teacher networks that labelled", "Whole photos with everyone boxed:"))


def test_each_box_is_matched_once_and_only_where_it_lies():
    found = [(0, 0, 10, 11), (0, 0, 10, 20), (100, 100, 103, 104), (200, 200, 203, 203)]
    people = [(0, 0, 10, 10), (0, 0, 10, 12), (100, 100, 110, 110), (200, 200, 210, 210)]
    assert match_boxes(np.array(found, float), np.array(people, float)) == [1, 0, 2, None]
    assert match_boxes(np.zeros((0, 4)), np.array(people, float)) == [None] * 4


def test_scores_are_fitted_to_every_other_photo():
    """A detector that is right in photos with somebody, and half as sure as in those without anybody."""
    estimator = PoseEstimator.random("tiny")
    sure = dataclasses.replace(estimator.config.calibration, peak=(-1e3, 1e3), confidence=(0.8, 0.8))
    estimator = estimator.with_config(dataclasses.replace(estimator.config, calibration=sure))
    box = (4, 1, 1.0, 8, 29, 14, 22, 0)  # LEFT, nearly, in 64 pixels
    people = made_scenes(*[[LEFT]] * 4, *[[]] * 4, source=["coco"] * 8, validation=True)
    taken = []
    watched = dataclasses.replace(people, read=lambda row: taken.append(row) or people.read(row))
    fitted = fit_scores(seeing(estimator, box), watched)
    assert taken == [0, 2, 4, 6]
    bias, by_box, by_joints, by_size = fitted.config.search.score
    logit = bias + by_box * 1.0 + by_joints * 0.8 + by_size * 0.8
    assert 1 / (1 + np.exp(-logit)) == pytest.approx(0.5, abs=0.02), "right in two of four photos"
    assert fitted.config.search.person > 0.5, "at any lower score, half of the photos without anybody had a box"
    said = [(2.0, 0.4), (1.0, 0.4), (1.5, 0.4), (0.0, 0.4)]  # by detector and joints: two people, two not there

    def find(_photos, _boxes, _least):
        return [[SimpleNamespace(box=LEFT, score=0.5, evidence=np.array([*said.pop(0), 0.7]))]]

    known = {"search": SimpleNamespace(find=find), "with_config": estimator.with_config}
    search = fit_scores(SimpleNamespace(config=PRESETS["tiny"], **known), people).config.search
    bias, by_box, by_joints, by_size = search.score
    assert log_odds(search.person) == pytest.approx(bias + by_box * 2 + by_joints * 0.4 + by_size * 0.7, abs=0.02)
    alone = bias + by_box * log_odds(search.box_score) + by_joints * 0.2 + by_size * 0.5
    assert alone == pytest.approx(log_odds(search.person), abs=0.02), "a caller's box, at joints that are hardly seen"
    said += [(0.01, 0.9), (0.0, 0.9), (0.0, 0.1), (0.0, 0.1)]  # a detector that tells little
    search = fit_scores(SimpleNamespace(config=PRESETS["tiny"], **known), people).config.search
    assert search.box_score in (0.001, 0.999)
