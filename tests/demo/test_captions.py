"""The 3D figure in words."""

import dataclasses

import numpy as np
import pytest

from demo.captions import facing, figure_text


@pytest.mark.parametrize(
    ("degrees", "caption"),
    [
        (0, "faces the camera"),
        (90, "faces the right of the picture"),
        (180, "faces away from the camera"),
        (-90, "faces the left of the picture"),
        (45, "faces the camera, half turned to the right of the picture"),
        (-135, "faces away, half turned to the left of the picture"),
    ],
)
def test_where_a_person_faces(turned, degrees, caption):
    assert facing(turned(degrees)) == caption


def test_a_person_on_the_back_faces_up(pose):
    lying = np.stack((pose.joints_3d[:, 0], pose.joints_3d[:, 2], -pose.joints_3d[:, 1]), axis=1)
    assert facing(dataclasses.replace(pose, joints_3d=lying)) == "faces up"


def test_uncertain_joints_are_named(change_pose):
    status = ("outside", "guessed", *("seen",) * 15)
    text = figure_text({"1": change_pose(status=status)})
    assert text == (
        "In 3D, the person faces the camera; 15 of 17 joints are seen; guessed: right hip; beyond the frame: pelvis."
    )


def test_several_people_are_told_apart(pose, turned):
    text = figure_text({"1": pose, "2": turned(180)})
    assert text.startswith("Person 1 faces the camera; 17 of 17")
    assert "Person 2 faces away from the camera" in text
