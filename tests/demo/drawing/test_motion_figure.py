"""The body of a motion, and the one before a camera: what moves them in a browser."""

import base64
import dataclasses
import json

import numpy as np
import pytest

from demo.drawing.body_mesh import body_mesh
from demo.drawing.live_view import live_value, live_view
from demo.drawing.motion_figure import HIDDEN, motion_figure
from demo.drawing.stage import upright
from fusion_model.skeletons import HUMAN36M_17

WRIST = HUMAN36M_17.index("left_wrist")


def unpacked(value):
    """The array in a value of :func:`demo.drawing.motion_figure.packed`."""
    return np.frombuffer(base64.b64decode(value["data"]), value["type"]).reshape(value["shape"])


def corners(moving, frame):
    """(V, 3) where the script of the page puts the corners of the body."""
    rest, nodes, weights = (unpacked(moving[name]) for name in ("corners", "nodes", "weights"))
    matrices = unpacked(moving["matrices"])[frame][nodes]
    return np.einsum("vn,vnij,vj->vi", weights, matrices, np.pad(rest, ((0, 0), (0, 1)), constant_values=1))


def test_every_frame_has_a_time_and_what_it_shows_of_its_pose_on_the_floor(motion, turned):
    poses = [pose and turned(20 * place) for place, pose in enumerate(motion.poses)]  # bones keep their length
    status = tuple("outside" if joint == WRIST else "seen" for joint in range(17))
    poses[2] = dataclasses.replace(poses[2], status=status)
    motion = dataclasses.replace(motion, poses=tuple(poses))
    _, moving = motion_figure(motion)
    assert moving["times"] == pytest.approx(motion.times)
    assert moving["found"] == [place not in (4, 5) for place in range(12)]
    for place in motion.found:
        pose, body = motion.poses[place], corners(moving, place)
        drawn = body_mesh(HUMAN36M_17, upright(pose.joints_3d), np.ones(17), pose.height_mm, steps=10).corners
        lifted = [0, 0, unpacked(moving["lift"])[place]]
        np.testing.assert_allclose(body.min(0) - lifted, drawn.min(0), atol=15)
        np.testing.assert_allclose(body.max(0) - lifted, drawn.max(0), atol=15)
        assert body[:, 2].min() == pytest.approx(0, abs=0.1)
        np.testing.assert_array_equal(unpacked(moving["joints"])[place], pose.joints_3d)
        assert unpacked(moving["confidence"])[place] == pytest.approx(100 * pose.confidence, abs=0.51)
    hidden = unpacked(moving["tones"]) == HIDDEN
    assert [hidden[place].sum() for place in motion.found] == [0, 0, 2, *[0] * 7]  # the joint and the forearm
    assert moving["statuses"][unpacked(moving["status"])[2][WRIST]] == "outside"


def test_a_long_clip_is_less_than_a_megabyte(motion):
    frames = tuple(range(300))
    times, poses = tuple(k / 25 for k in frames), (motion.poses[0],) * 300
    _, moving = motion_figure(dataclasses.replace(motion, frames=frames, times=times, poses=poses))
    assert sum(len(value["data"]) for value in moving.values() if isinstance(value, dict)) < 1_000_000


def whole_numbers(value, name="body"):
    arrays = [np.frombuffer(base64.b64decode(value[name][axis]["data"]), np.int16) for axis in "xyz"]
    return np.stack(arrays, axis=1)


def test_the_triangles_stay_the_same_and_what_is_not_seen_has_no_size(pose, change_pose):
    legs = [name.endswith(("knee", "ankle")) for name in HUMAN36M_17.joints]
    legless = change_pose(status=tuple("outside" if leg else "seen" for leg in legs))
    whole, half = (json.loads(live_value(3, one)) for one in (pose, legless))
    first = json.loads(live_view(HUMAN36M_17.name, "live").props["figure"])
    sizes = {trace["name"]: len(base64.b64decode(trace["intensity"]["bdata"])) for trace in first["data"][-2:]}
    body, trunk = whole_numbers(whole), whole_numbers(half)
    assert body[:, 2].min() == 0
    assert 1600 < body[:, 2].max() < 1800  # as tall as the person
    assert len(body) == len(trunk) == sizes["body"]
    assert trunk[:, 2].max() < body[:, 2].max() - 500  # the trunk is on the floor
    assert np.unique(trunk, axis=0, return_counts=True)[1].max() > sizes["body"] / 5
    assert len(whole_numbers(whole, "shadow")) == sizes["shadow"]
    faint = base64.b64decode(half["shadow"]["intensity"]["data"])
    assert set(faint[: 2 * sizes["shadow"] // 3]) == {0}  # of the feet
