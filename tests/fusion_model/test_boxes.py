"""Boxes: what is refused, what they have in common, and the boxes of joints."""

import numpy as np
import pytest

from fusion_model.boxes import areas, check_box, intersections, iou, joint_box, same_person
from fusion_model.skeletons import MPII_16

AWAY = [(99.5, 0, 110, 20), (0, 49.5, 20, 60), (-20, 0, -0.5, 20), (0, -20, 20, -0.5)]
NAN = (0, 0, 10, float("nan"))
WRONG = {"touch the photo, which is 100 x 50": AWAY, "four finite numbers": [NAN], "four numbers": ["all of it"]}


def test_bad_boxes_are_refused_with_what_was_found():
    for message, boxes in {**WRONG, "no area": [(10, 20, 30, 20), (30, 20, 30, 40)]}.items():
        for box in boxes:
            with pytest.raises(ValueError, match=rf"\A.*{message}.*\Z"):
                check_box(box, 100, 50)
    for box in ((-9, -9, -0.4, -0.4), (99.4, 49.4, 110, 60)):
        assert check_box(box, 100, 50).tolist() == list(box), "they just touch the photo"


def test_areas_overlaps_and_the_box_tight_round_the_trusted_joints_by_hand():
    assert areas(np.array([[0, 0, 2, 3.0], [5, 5, 5, 9]])).tolist() == [6, 0]
    assert intersections(np.array([0, 0, 1, 1.0]), np.array([2, 2, 3, 3.0])) == 0, "apart in both directions"
    boxes, others = np.array([[0, 0, 2, 2.0], [1, 1, 3, 3]]), np.array([[0, 0, 2, 2.0], [2, 2, 4, 4], [1, 1, 2, 2]])
    assert iou(boxes[:, None], others) == pytest.approx(np.array([[1, 0, 1 / 4], [1 / 7, 1 / 7, 1 / 4]]))
    points = np.array([[10.0, 20.0], [30.0, 120.0], [50.0, 60.0], [999.0, 999.0]])
    assert joint_box(points, np.array([True, True, True, False])).tolist() == [6, 16, 54, 124]  # 4 % of 100 around
    assert joint_box(points, np.array([True, True, False, False])) is None


def test_same_person():
    person, sure, mirror = np.random.default_rng(0).uniform(50, 250, (16, 2)), np.ones(16, bool), list(MPII_16.mirror)
    assert same_person(person, person + 3, sure, reach=5)
    assert same_person(person, person[mirror], sure, reach=5)
    assert not same_person(person, person, np.zeros(16, bool), reach=5)
    for moved, same in ((7, True), (8, False)):  # 8 of 16 joints are no majority
        assert same_person(person, person + 100 * (np.arange(16) < moved)[:, None], sure, reach=5) == same
    right = np.array([MPII_16.side(joint) == "right" for joint in range(16)])
    assert same_person(person, person[mirror] + 100 * right[:, None], right, reach=5), "the others see no left side"
