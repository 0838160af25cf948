"""What the page keeps: picking, correcting and scaling without a second estimate."""

import dataclasses
import json

import numpy as np
import pytest
from gradio import Error
from PIL import Image

from demo.drawing.overlays import draw_people
from demo.inputs import checked_height, parse_box
from demo.result import EVERYONE, Person, Result, advice, of_height
from demo.result_panel import colour_key
from demo.service import Service
from demo.view import Choices, View
from demo.widgets.picture_tools import tools_value
from fusion_model.drawing import SIDE_COLOURS
from tests.helpers.earlier import assert_as_before

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
    assert (who, [person.pose is None for person in result.people]) == ("2", [False, True])
    assert result.people[1].box.tolist() == [190, 10, 310, 210]
    for picked in ("1", EVERYONE, None):
        result, added = two.with_box(picked, (190, 10, 310, 210), pose)
        assert (added, len(result.people)) == ("3", 3)
    for low, corrected in ((70, True), (50, False)):  # 0.35 and 0.25 of both boxes together
        result, who = two.with_box("1", (0, 0, 100, low), pose)
        assert (who, result.people[1] is two.people[1]) == ("1" if corrected else "3", True)
    assert two.without("1").people == two.people[1:]
    assert two.without(EVERYONE).people == two.without(None).people == two.people
    more = dataclasses.replace(two, people=two.people[:1], more=two.people[1:]).with_more()
    assert (more.people, more.more, more.draws_unsure) == (two.people, (), True)


def test_the_height_scales_the_3d_alone_and_poses_that_are_not_to_be_trusted_are_left_out(pose, change_pose):
    taller = of_height(pose, 2040)
    assert np.allclose(taller.joints_3d, 1.2 * pose.joints_3d)
    assert np.allclose(taller.spread, 1.2 * pose.spread)
    assert (taller.height_mm, taller.joints_2d is pose.joints_2d) == (2040, True)
    result = result_of(Person(LEFT, change_pose(score=0.5)), Person(RIGHT, change_pose(score=0.6)))
    assert (list(result.poses(EVERYONE, 1800)), result.poses("1", 1800)) == (["2"], {})
    unsure = dataclasses.replace(result, draws_unsure=True)
    assert advice(result, "2") == advice(unsure, "2") == ""
    assert list(unsure.poses(EVERYONE, 1800)) == ["1", "2"]
    assert View(None, result, Choices("1")).one_person() is None


def test_advice_names_the_problem_once(change_pose, pose):
    two = Person(LEFT, pose), Person(RIGHT, pose)
    assert advice(dataclasses.replace(result_of(*two), more=two), EVERYONE) == ""
    assert "Nobody was found in this photo" in advice(result_of(), None)
    for found, words in (
        (None, "Nobody was found in this box"),
        (change_pose(score=0.41), "confidence 0.41, and 0.60 is wanted"),
        (change_pose(status=("outside", *["seen"] * 16)), "pelvis is beyond the frame"),
    ):
        assert advice(result_of(Person(LEFT, found), Person(RIGHT, found)), EVERYONE).count(words) == 1
    assert advice(result_of(Person(LEFT, pose)).without("1"), None).startswith("**No box is left.**")


@pytest.fixture
def seen(tmp_path, stand_in):
    """A function that makes a view of a photo, 400 x 300, with two people; the right wrist of the second is outside."""
    Image.new("RGB", (400, 300), (90, 90, 90)).save(tmp_path / "a.png")
    service = Service(stand_in)
    result = service.predict_all(str(tmp_path / "a.png"))
    cut = dataclasses.replace(result.people[1].pose, status=("seen",) * 16 + ("outside",))
    result = dataclasses.replace(result, people=(result.people[0], dataclasses.replace(result.people[1], pose=cut)))
    return lambda who, **chosen: View(service, result, Choices(who, **chosen))


def test_what_is_chosen_counts_in_all_that_is_drawn_and_said(seen, monkeypatch):
    first, second, both = (seen(who, min_confidence=0.8) for who in ("1", "2", EVERYONE))
    times = "looking 40 ms · fusion 2 ms · model `stand-in`"
    assert second.summary() == f"Person 2: confidence 0.90, joints: 16 seen, 1 outside · {times}"
    assert both.summary().startswith("Person 1: confidence 0.90, joints: 17 seen · Person 2: ")
    assert (first.box_text(), second.box_text(), both.box_text()) == ("0, 0, 200, 300", "200, 0, 400, 300", "")
    assert [len(seen("1", group=name).maps()) for name in ("Head and trunk", "Legs")] == [5, 7]
    assert [caption for _, caption in both.maps()] == ["person 1", "person 2"]
    assert (both.maps()[1][0] == second.maps()[0][0]).all()
    assert both.picture().shape == (480, 640, 3), "of a photo of 400 pixels"
    monkeypatch.setattr("demo.view.MAX_SIDE", 200)
    monkeypatch.setattr("demo.view.MIN_SIDE", 0)
    assert (both.picture() == draw_people(both.photo, [*both.poses.values()], both.result.boxes(), 200, 0.8)).all()
    for view, count, dotted in ((first, 9, False), (second, 8, False), (seen("2", show_outside=True), 17, True)):
        traces = {trace.name: len(trace.x) for trace in view.figure().data}
        assert (traces["joints"], "guessed" in traces) == (count, dotted)
    assert parse_box("1, 2;3 4.5") == [1, 2, 3, 4.5]
    for height, drawn in ((50, 500), (250, 2500), (None, 1700), (49.9, 1700), (250.1, 1700)):
        view = seen("1", height_cm=height)
        assert (view.poses["1"].height_mm, "170 cm is assumed" in view.notice()) == (drawn, drawn == 1700)
    for height in (None, 49.9, 250.1):
        with pytest.raises(Error, match=f"between 50 and 250 cm, got {height}"):
            checked_height(height)


def test_the_script_is_told_who_is_where_and_which_joints_are_drawn(seen):
    told = [json.loads(tools_value(view)) for view in (seen("2", min_confidence=0.8), seen(EVERYONE))]
    assert_as_before("tools", told, file="page.json")
    for side in ("left", "right"):
        assert f"rgb{SIDE_COLOURS[side]}'></b>the person's {side}" in colour_key()
