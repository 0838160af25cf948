"""What the page keeps: picking, correcting and scaling without a second estimate."""

import numpy as np

from demo.result import EVERYONE, Person, Result, advice, of_height
from demo.view import Choices, View

LEFT, RIGHT = np.array([0, 0, 100, 200]), np.array([200, 0, 300, 200])


def result_of(*people):
    return Result("photo.jpg", (300, 400), people, 0.6)


def test_people_are_numbered_and_picked_but_a_single_one_has_no_number(pose):
    two = result_of(Person(LEFT, pose), Person(RIGHT, pose))
    assert two.choices() == [("Person 1", "1"), ("Person 2", "2"), ("Everyone", EVERYONE)]
    assert two.chosen("2") == two.people[1:]
    assert two.chosen(EVERYONE) == two.chosen(None) == two.people
    assert list(two.boxes()) == ["1", "2"]
    alone = result_of(Person(np.array([-0.4, 39.2, 99.6, -0.0]), pose))
    assert (alone.choices(), list(alone.boxes())) == ([("Person 1", "1")], [""])
    assert View(None, alone, Choices("1")).box_text() == "0, 39, 100, 0"  # no minus zero


def test_a_box_over_the_picked_person_corrects_it_and_any_other_adds_one(pose):
    two = result_of(Person(LEFT, pose), Person(RIGHT, pose))
    result, who = two.with_box("2", (190, 10, 310, 210), None)
    assert who == "2"
    assert [person.pose is None for person in result.people] == [False, True]
    assert result.people[1].box.tolist() == [190, 10, 310, 210]
    for picked in ("1", EVERYONE, None):
        result, added = two.with_box(picked, (190, 10, 310, 210), pose)
        assert (added, len(result.people)) == ("3", 3)


def test_the_height_scales_the_3d_alone_and_poses_that_are_not_to_be_trusted_are_left_out(pose, change_pose):
    taller = of_height(pose, 2040)
    assert np.allclose(taller.joints_3d, 1.2 * pose.joints_3d)
    assert np.allclose(taller.spread, 1.2 * pose.spread)
    assert (taller.height_mm, taller.joints_2d is pose.joints_2d) == (2040, True)
    result = result_of(Person(LEFT, change_pose(score=0.5)), Person(RIGHT, change_pose()))
    assert list(result.poses(EVERYONE, 1800)) == ["2"]
    assert result.poses("1", 1800) == {}


def test_advice_names_the_problem_once(change_pose, pose):
    assert advice(result_of(Person(LEFT, pose), Person(RIGHT, pose)), EVERYONE) == ""
    assert "Nobody was found in this photo" in advice(result_of(), None)
    for found, words in (
        (None, "Nobody was found in this box"),
        (change_pose(score=0.41), "confidence 0.41"),
        (change_pose(status=("outside", *["seen"] * 16)), "pelvis is beyond the frame"),
    ):
        assert advice(result_of(Person(LEFT, found), Person(RIGHT, found)), EVERYONE).count(words) == 1
    assert advice(result_of(Person(LEFT, pose)).without("1"), None).startswith("**No box is left.**")
