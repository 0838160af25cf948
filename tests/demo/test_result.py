"""What the page keeps: picking, correcting and scaling without a second estimate."""

import dataclasses

import numpy as np
import pytest

from demo.result import EVERYONE, Person, Result, advice, of_height
from demo.view import Choices, View
from fusion_model.skeletons import HUMAN36M_17

LEFT, RIGHT = np.array([0, 0, 100, 200]), np.array([200, 0, 300, 200])


@pytest.fixture
def two(pose):
    return Result("photo.jpg", (300, 400), (Person(LEFT, pose), Person(RIGHT, pose)), 0.6)


def alone(pose):
    return Result("photo.jpg", (300, 400), (Person(LEFT, pose),), 0.6)


def test_people_are_numbered_and_picked(two):
    assert two.choices() == [("Person 1", "1"), ("Person 2", "2"), ("Everyone", EVERYONE)]
    assert two.chosen("2") == two.people[1:]
    assert two.chosen(EVERYONE) == two.chosen(None) == two.people
    assert list(two.boxes()) == ["1", "2"]


def test_a_single_person_has_no_number(pose):
    result = alone(pose)
    assert result.choices() == [("Person 1", "1")]
    assert list(result.boxes()) == [""]


def test_a_box_over_the_picked_person_corrects_it(two):
    result, who = two.with_box("2", (190, 10, 310, 210), None)
    assert who == "2"
    assert [person.pose is None for person in result.people] == [False, True]
    assert result.people[1].box.tolist() == [190, 10, 310, 210]
    assert two.people[1].pose is not None


def test_the_box_in_text_has_no_minus_zero(pose):
    result = Result("photo.jpg", (300, 400), (Person(np.array([-0.4, 39.2, 99.6, -0.0]), pose),), 0.6)
    assert View(None, result, Choices("1")).box_text() == "0, 39, 100, 0"


@pytest.mark.parametrize("who", ["1", EVERYONE, None])
def test_a_box_elsewhere_adds_a_person(two, pose, who):
    result, added = two.with_box(who, (190, 10, 310, 210), pose)
    assert added == "3"
    assert len(result.people) == 3


def test_a_box_in_a_photo_without_people_adds_one(pose):
    result, who = Result("photo.jpg", (300, 400), (), 0.6).with_box(None, (1, 2, 30, 40), pose)
    assert who == "1"
    assert result.poses(who, 1700)["1"].score == pose.score


def test_the_height_scales_the_3d_alone(pose):
    taller = of_height(pose, 2040)
    assert np.allclose(taller.joints_3d, 1.2 * pose.joints_3d)
    assert taller.height_mm == 2040
    assert taller.joints_2d is pose.joints_2d
    assert np.allclose(of_height(taller, 1700).joints_3d, pose.joints_3d)


def test_poses_that_are_not_to_be_trusted_are_left_out(change_pose):
    result = Result("p", (9, 9), (Person(LEFT, change_pose(score=0.5)), Person(RIGHT, change_pose())), 0.6)
    assert list(result.poses(EVERYONE, 1800)) == ["2"]
    assert result.poses("1", 1800) == {}
    assert result.poses("2", 1800)["2"].height_mm == 1800


def test_advice_names_the_problem(change_pose, two):
    assert advice(two, EVERYONE) == ""
    assert "Nobody was found in this photo" in advice(Result("p", (9, 9), (), 0.6), None)
    assert "Nobody was found in this box" in advice(alone(None), "1")
    assert "confidence 0.41" in advice(alone(change_pose(score=0.41)), "1")
    root = HUMAN36M_17.index("pelvis")
    outside = change_pose(status=tuple("outside" if joint == root else "seen" for joint in range(17)))
    assert "pelvis is beyond the frame" in advice(alone(outside), "1")


def test_weak_finds_are_drawn_after_they_were_asked_for(change_pose):
    sure, unsure = Person(LEFT, change_pose()), Person(RIGHT, change_pose(score=0.3))
    result = Result("p", (9, 9), (sure,), 0.6, (unsure,))
    assert list(result.poses(EVERYONE, 1700)) == ["1"]
    every = result.with_more()
    assert (every.people, every.more) == ((sure, unsure), ())
    assert list(every.poses(EVERYONE, 1700)) == ["1", "2"]
    assert "weak finds" in advice(every, EVERYONE)
    assert advice(every, "1") == ""
    assert "Nobody was found for sure" in advice(dataclasses.replace(result, people=()), None)


def test_after_the_last_box_is_deleted_it_is_said_how_to_draw_one(pose):
    emptied = alone(pose).without("1")
    assert emptied.people == ()
    said = advice(emptied, None)
    assert "No box is left" in said
    assert "drag it round a person" in said
    assert "Nobody was found" not in said


def test_the_same_advice_is_given_once():
    unsure = Person(LEFT, None)
    assert advice(Result("p", (9, 9), (unsure, unsure), 0.6), EVERYONE).count("Nobody") == 1
