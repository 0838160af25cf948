"""What the page is told of a frame: a skeleton in pixels, and a body of always the same triangles."""

import base64
import json

import numpy as np
import pytest

from demo.drawing.live_view import live_value, live_view
from fusion_model.skeletons import HUMAN36M_17


def read(pose):
    return json.loads(live_value(3, pose))


def corners(value, name="body"):
    arrays = [np.frombuffer(base64.b64decode(value[name][axis]["data"]), np.int16) for axis in "xyz"]
    return np.stack(arrays, axis=1)


@pytest.fixture
def headless(change_pose):
    """The same person with legs beyond the frame."""
    legs = [name.endswith(("knee", "ankle")) for name in HUMAN36M_17.joints]
    return change_pose(status=tuple("outside" if leg else "seen" for leg in legs))


def test_nobody_and_errors_are_told_with_the_number():
    assert json.loads(live_value(7, None)) == {"number": 7, "error": "", "found": False}
    assert json.loads(live_value(8, None, "why"))["error"] == "why"


def test_the_body_stands_on_the_floor_and_is_as_tall_as_the_person(pose):
    body = corners(read(pose))
    assert body[:, 2].min() == 0
    assert 1600 < body[:, 2].max() < 1800


def test_the_triangles_stay_the_same_and_what_is_not_seen_has_no_size(pose, headless):
    first = json.loads(live_view(HUMAN36M_17.name, "live").props["figure"])
    drawn = {trace["name"]: trace for trace in first["data"]}
    whole, half = corners(read(pose)), corners(read(headless))
    size = len(base64.b64decode(drawn["body"]["intensity"]["bdata"]))
    assert len(whole) == len(half) == size
    assert half[:, 2].max() < whole[:, 2].max() - 500  # the trunk is on the floor
    _, times = np.unique(half, axis=0, return_counts=True)
    assert times.max() > size / 5
    shadows = len(base64.b64decode(drawn["shadow"]["intensity"]["bdata"]))
    assert len(corners(read(pose), "shadow")) == shadows
    faint = base64.b64decode(read(headless)["shadow"]["intensity"]["data"])
    assert set(faint[: 2 * shadows // 3]) == {0}  # of the feet


def test_the_skeleton_is_that_of_the_frame(pose, headless):
    value = read(pose)
    assert len(value["joints"]) == 17
    assert len(value["bones"]) == len(HUMAN36M_17.bones)
    assert np.array(value["joints"][0][:2]) == pytest.approx(pose.joints_2d[0], abs=0.1)
    assert len(read(headless)["joints"]) == 13
    assert value["said"].startswith("The person faces the camera; 17 of 17")
