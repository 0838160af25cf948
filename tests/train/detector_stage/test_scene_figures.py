"""What counts as found, as false and as neither, and operating points, on scenes made by hand."""

import numpy as np
import pytest

from tests.helpers.scene_files import made_scenes
from train.detector_stage.figures import average_precision, crossed_rates, kinds, mark, operating_point, rates

PERSON, OTHER, SHORT, FAR = (10, 10, 40, 90), (60, 10, 90, 90), (200, 10, 230, 40), (50, 50, 55, 60)


def found(*boxes):
    """Boxes with a score each, as a detector gives them."""
    boxes = np.array(boxes, float).reshape(-1, 5)
    return boxes[:, :4], boxes[:, 4]


def test_the_best_box_finds_a_person_and_the_next_is_false():
    boxes, scores = found((*PERSON, 0.6), (11, 11, 41, 91, 0.9), (60, 10, 90, 90, 0.5))
    assert kinds(made_scenes([PERSON]), 0, boxes, scores).tolist() == ["beside", "hit", "beside"]
    assert kinds(made_scenes([]), 0, boxes, scores).tolist() == ["false"] * 3


def test_the_far_and_the_unsure_do_not_count():
    """100 pixels high: somebody of 10 is below a sixth, of 31 is not, however wide the photo."""
    scenes = made_scenes([PERSON, OTHER, FAR, SHORT], unsure={1}, shape=(100, 300))
    boxes, scores = found((*OTHER, 0.9), (*FAR, 0.8), (65, 20, 75, 50, 0.7), (*PERSON, 0.6), (15, 10, 35, 60, 0.5))
    assert kinds(scenes, 0, boxes, scores).tolist() == ["", "", "", "hit", "beside"]
    marks = mark(scenes, np.array([0]), [(boxes, scores)])
    assert (marks.people.tolist(), marks.kind.tolist()) == ([2], ["hit", "beside"])


@pytest.fixture
def marks():
    """Two photos with a person and two without anybody, alternately; the last two are of a set that is not complete."""
    scenes = made_scenes([PERSON], [], [PERSON], [], source=["coco", "coco", "mpii", "sun"])
    of_the_incomplete = found((*PERSON, 0.5), (*OTHER, 0.8)), found()
    boxes = [found((*PERSON, 0.9), (*OTHER, 0.3)), found((*OTHER, 0.6)), *of_the_incomplete]
    return mark(scenes, np.arange(4), boxes)


def test_rates_by_hand(marks):
    all_of_them, sure = rates(marks, 0.2), rates(marks, 0.7)
    assert (all_of_them["recall"], all_of_them["recall_complete"]) == (100, 100)
    assert (all_of_them["people"], all_of_them["people_complete"]) == (2, 1)
    assert all_of_them["false_boxes"] == 0.5, "one in two photos without anybody"
    assert all_of_them["false_boxes_beside"] == 1, "beside people it counts where everyone is boxed: one photo"
    assert (sure["recall"], sure["false_boxes"], sure["false_boxes_beside"]) == (50, 0, 0)
    assert sure["recall_se"] == pytest.approx(100 * 0.5 / 2**0.5)
    photos = [all_of_them[f"false_boxes{name}_{what}"] for name in ("", "_beside") for what in ("photos", "se")]
    assert photos == pytest.approx([2, 0.5, 1, 0])
    assert rates(marks, 0.9)["recall"] == 50, "at the score itself it is found"


def test_an_operating_point_is_the_lowest_score_that_keeps_to_both_limits(marks):
    points = [operating_point(marks, *allowed) for allowed in ((0.5, 1.0), (0.5, 0.0), (0.0, 1.0))]
    assert points == [0.3, 0.5, 0.8]
    assert rates(marks, 0.8)["false_boxes"] == 0


def test_each_half_is_measured_at_the_point_of_the_other():
    """Half a false box on the one photo without anybody of each half is none: 0.3 and 0.9 are the points."""
    boxes = [found((*PERSON, 0.3)), found((*PERSON, 0.9)), found((*OTHER, 0.2)), found((*OTHER, 0.25))]
    figures = crossed_rates(mark(made_scenes([PERSON], [PERSON], [], []), np.arange(4), boxes), 0.5, 0.0)
    assert figures["recall"] == 50, "0.3 is below 0.9, which the odd photos chose"
    assert figures["false_boxes"] == 0, "0.25 is below 0.3, which the even photos chose"


def test_average_precision_by_hand(marks):
    """Hit, (beside, not complete: not counted), false, hit, beside: precision 1 at half of them, 2 / 3 at all."""
    assert average_precision(marks) == pytest.approx(100 * (1 + 2 / 3) / 2)
    boxes = found((*PERSON, 0.9), (100, 10, 130, 90, 0.8), (*OTHER, 0.7), (*SHORT, 0.6))
    missed = [PERSON, OTHER, SHORT, (150, 10, 180, 90)]
    marks = mark(made_scenes(missed, shape=(100, 300)), np.arange(1), [boxes])
    assert average_precision(marks) == pytest.approx(100 * (1 + 3 / 4 + 3 / 4) / 4), "2 / 3 rises to what comes after"
