"""The body of a motion, and what moves it in a browser."""

import base64
import dataclasses

import numpy as np
import pytest

from demo.drawing.body_mesh import body_mesh
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
