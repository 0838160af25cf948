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


def test_there_is_a_time_for_every_frame_and_it_is_said_where_the_person_is_missing(motion):
    _, moving = motion_figure(motion)
    assert moving["times"] == pytest.approx(motion.times)
    assert moving["found"] == [place not in (4, 5) for place in range(12)]
    assert unpacked(moving["matrices"]).shape[:2] == (12, 21)
    assert not unpacked(moving["matrices"])[4].any()


def test_every_frame_has_the_body_of_its_pose_on_the_floor(motion, turned):
    poses = tuple(
        pose and turned(20 * place) for place, pose in enumerate(motion.poses)
    )  # whose bones keep their length
    motion = dataclasses.replace(motion, poses=poses)
    _, moving = motion_figure(motion)
    for place in motion.found:
        pose = motion.poses[place]
        body, points = corners(moving, place), upright(pose.joints_3d)
        drawn = body_mesh(HUMAN36M_17, points, np.ones(17), pose.height_mm, steps=10).corners
        lift = unpacked(moving["lift"])[place]
        np.testing.assert_allclose(body.min(0) - [0, 0, lift], drawn.min(0), atol=15)
        np.testing.assert_allclose(body.max(0) - [0, 0, lift], drawn.max(0), atol=15)
        assert body[:, 2].min() == pytest.approx(0, abs=0.1)
        np.testing.assert_array_equal(unpacked(moving["joints"])[place], pose.joints_3d)
        assert unpacked(moving["confidence"])[place] == pytest.approx(100 * pose.confidence, abs=0.51)


def test_what_a_frame_does_not_show_is_hidden_in_that_frame_only(motion):
    poses = list(motion.poses)
    status = tuple("outside" if name == "left_wrist" else "seen" for name in HUMAN36M_17.joints)
    poses[2] = dataclasses.replace(poses[2], status=status)
    _, moving = motion_figure(dataclasses.replace(motion, poses=tuple(poses)))
    tones = unpacked(moving["tones"])
    assert ((tones[2] == HIDDEN).sum(), (tones[1] == HIDDEN).sum()) == (2, 0)  # the joint and the forearm
    assert moving["statuses"][unpacked(moving["status"])[2][WRIST]] == "outside"


def test_the_axes_hold_the_whole_motion_and_are_equally_long(motion):
    poses = list(motion.poses)
    poses[-1] = dataclasses.replace(poses[-1], joints_3d=poses[-1].joints_3d * np.float32(2.5))
    figure, moving = motion_figure(dataclasses.replace(motion, poses=tuple(poses)))
    scene = figure.layout.scene
    axes = (scene.xaxis, scene.yaxis, scene.zaxis)
    for place in motion.found:
        body = corners(moving, place)
        for axis, values in zip(axes, body.T, strict=True):
            assert axis.range[0] <= values.min()
            assert values.max() <= axis.range[1]
    spans = [axis.range[1] - axis.range[0] for axis in axes]
    assert np.allclose(np.divide(spans, [scene.aspectratio[axis] for axis in "xyz"]), 1000)


def test_only_the_views_have_buttons(motion, pose):
    poses = tuple(one and dataclasses.replace(one, heatmaps=pose.heatmaps) for one in motion.poses)
    figure, _ = motion_figure(dataclasses.replace(motion, poses=poses))
    labels = [button.label for menu in figure.layout.updatemenus for button in menu.buttons]
    assert labels == ["Front", "Side", "Top", "Reset"]


def test_a_long_clip_is_less_than_a_megabyte(motion):
    frames = tuple(range(300))
    poses = tuple(motion.poses[0] for _ in frames)
    long = dataclasses.replace(motion, frames=frames, times=tuple(k / 25 for k in frames), poses=poses)
    _, moving = motion_figure(long)
    assert sum(len(value["data"]) for value in moving.values() if isinstance(value, dict)) < 1_000_000
