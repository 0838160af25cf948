"""Whole photos end to end: an estimator of known mistakes gets the figures that they cost."""

import dataclasses

import numpy as np
import pytest

from fusion_model.estimator import PoseEstimator
from tests.helpers.estimators import seeing
from tests.helpers.scene_files import made_scenes
from tests.helpers.stand_in import make_pose
from train.calibrate import fit_scores
from train.evaluation.scenes import scene_figures, scene_lines

LEFT, RIGHT = (5, 10, 40, 90), (60, 10, 95, 90)


class Mistaken:
    """Finds everybody but those whose box begins in the right half; shifts a joint of the second photo's person."""

    trust_score = 0.5

    def __init__(self, scenes):
        self.boxes = {scenes.photo(row).tobytes(): (row, scenes.boxes[row]) for row in range(len(scenes))}

    def find_people(self, photo, *, min_score):
        """Boxes and scores; a false one in photos without anybody."""
        assert min_score < 0.1
        _, boxes = self.boxes[photo.tobytes()]
        found = boxes[boxes[:, 0] < 50] if len(boxes) else np.array([[0.0, 0, 30, 30]])
        return found, np.full(len(found), 0.9)

    def predict_all(self, photo):
        """Poses of those found."""
        row, _ = self.boxes[photo.tobytes()]
        poses = self.batch([photo] * 2, self.find_people(photo, min_score=0.0)[0])
        if row == 1:
            joints = poses[0].joints_2d.copy()
            joints[2] += 100  # the right knee
            poses[0] = dataclasses.replace(poses[0], joints_2d=joints)
        return poses

    def batch(self, photos, boxes):
        """The standing person in each box."""
        return [make_pose(photo, person_box=box) for photo, box in zip(photos, boxes, strict=False)]


@pytest.fixture
def scenes():
    return made_scenes([LEFT, RIGHT], [LEFT], [], source=["coco", "coco", "sun"], validation=True)


def test_the_missed_and_the_mistaken_cost_what_they_are(scenes):
    figures = scene_figures(Mistaken(scenes), scenes)
    assert figures["ap"]["people"] == figures["as_in_true_box"]["people"] == 3
    joints = figures["as_in_true_box"]["joints"]
    assert joints == pytest.approx(100 * (12 + 11 + 0) / 36), "one joint off, and one person missed"
    text = "\n".join(scene_lines(figures))
    cells = ("the model's own threshold", *["66.7 ± 27.2 (n 3)"] * 2, "1.000 ± 0.000 (n 1)", "0.000 ± 0.000 (n 2)")
    assert f"| {' | '.join(cells)} |" in text
    assert "33.3 ± 27.2 % of people have all that are seen there (n 3)" in text


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
