"""The 3D figure in words."""

import dataclasses

import numpy as np

from demo.captions import facing, figure_text


def test_where_a_person_faces(pose, turned):
    for degrees, caption in {
        0: "faces the camera",
        90: "faces the right of the picture",
        45: "faces the camera, half turned to the right of the picture",
        -135: "faces away, half turned to the left of the picture",
    }.items():
        assert facing(turned(degrees)) == caption
    lying = np.stack((pose.joints_3d[:, 0], pose.joints_3d[:, 2], -pose.joints_3d[:, 1]), axis=1)
    assert facing(dataclasses.replace(pose, joints_3d=lying)) == "faces up"


def test_uncertain_joints_are_named_and_several_people_are_told_apart(change_pose, turned):
    first = change_pose(status=("outside", "guessed", *("seen",) * 15))
    said = "faces the camera; 15 of 17 joints are seen; guessed: right hip; beyond the frame: pelvis."
    assert figure_text({"1": first}) == f"In 3D, the person {said}"
    assert figure_text({"1": first, "2": turned(180)}).startswith(f"Person 1 {said} Person 2 faces away from the")
