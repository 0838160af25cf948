"""Bodies of triangles, on a turntable without a browser, in motion and before a camera with what moves them in one."""

import base64
import dataclasses
import json

import numpy as np
import pytest

from demo.drawing.body_mesh import body_mesh, body_parts, vertex_normals
from demo.drawing.live_view import live_value, live_view
from demo.drawing.motion_figure import HIDDEN, motion_figure
from demo.drawing.stage import upright
from demo.drawing.turntable import turntable
from demo.exports import as_mp4
from fusion_model.skeletons import HUMAN36M_17
from fusion_model.video.clips import open_clip, read_frames
from tests.helpers.drawn import coarse, numbers_of, odd_pose, unpacked
from tests.helpers.earlier import assert_as_before

WRIST, ANKLE = (HUMAN36M_17.index(name) for name in ("left_wrist", "left_ankle"))
NECK, HEAD, SHOULDER = (HUMAN36M_17.index(name) for name in ("neck", "head_top", "left_shoulder"))


def test_bodies_are_made_of_the_same_parts_as_before(photo):
    points = upright(odd_pose(photo).joints_3d)
    opacity = np.random.default_rng(1).uniform(0.2, 1, 17)
    for hidden, factor in ((SHOULDER, 1), (None, 1), (None, 2)):
        strength = np.where(np.arange(17) == hidden, 0, opacity)
        parts = body_parts(HUMAN36M_17, factor * points, strength, factor * 1700, 8)
        thing = [[joints, mesh.corners / 1000, mesh.faces, mesh.shades] for joints, mesh in parts]
        assert_as_before(f"body: {hidden} x {factor}", thing, file="drawing.json")
    short = odd_pose(photo).joints_3d.copy()
    short[NECK] = short[HEAD] + 30  # seen along the neck, a head has its size, too
    head = dict(body_parts(HUMAN36M_17, upright(short), opacity, 1700, 12))[NECK, HEAD]
    assert_as_before("short neck", head.corners / 1000, file="drawing.json")
    assert vertex_normals(np.zeros((3, 3)), np.array([[0, 1, 2]])).tolist() == [[0, 1, 0]] * 3  # of no size


def test_a_body_cut_off_by_the_frame_has_a_chest_as_far_as_it_is_known(pose):
    below = [HUMAN36M_17.index(name) for name in ("left_hip", "pelvis", "spine", "left_shoulder")]
    for hidden, lowest in enumerate((-77, -12, 168, 286)):
        opacity = np.where(np.isin(np.arange(17), below[:hidden]), 0, 1)
        parts = body_parts(HUMAN36M_17, upright(pose.joints_3d), opacity, 1700, 8)
        trunk = np.concatenate([mesh.corners for joints, mesh in parts if len(joints) > 2])
        assert (trunk[:, 2].min(), np.ptp(trunk[trunk[:, 2] > 300, 0])) == pytest.approx((lowest, 299), abs=1)


@pytest.mark.usefixtures("quick_turn")
def test_the_clip_of_a_turn_lasts_three_seconds(pose, photo, tmp_path):
    (tmp_path / "turn.mp4").write_bytes(as_mp4.encode(pose, photo))
    clip = open_clip(tmp_path / "turn.mp4")
    assert (clip.width, clip.height, clip.frames, clip.seconds) == (96, 96, 12, pytest.approx(3, abs=0.05))
    for (_, _, frame), picture in zip(read_frames(clip), turntable([pose], photo, 96, 12), strict=True):
        assert np.abs(frame.astype(float) - picture).mean() < 6


def test_everybody_who_is_seen_is_drawn_with_light_and_shadow_as_before(photo):
    pose = odd_pose(photo)
    beside = dataclasses.replace(pose, joints_2d=pose.joints_2d + np.float32([250, 0]))
    nobody = dataclasses.replace(pose, status=("outside",) * 17)
    for name, people in (("one", [pose]), ("three", [pose, beside, pose]), ("nobody", [nobody])):
        pictures = [coarse(picture) for picture in turntable(people, photo, 160, 3)]
        assert_as_before(f"turntable: {name}", pictures, near=0.02, file="drawing.json")


def corners(moving, frame):
    """(V, 3) where the script of the page puts the corners of the body."""
    rest, nodes, weights = (unpacked(moving[name]) for name in ("corners", "nodes", "weights"))
    matrices = unpacked(moving["matrices"])[frame][nodes]
    return np.einsum("vn,vnij,vj->vi", weights, matrices, np.pad(rest, ((0, 0), (0, 1)), constant_values=1))


def test_every_frame_has_a_time_and_what_it_shows_of_its_pose_on_the_floor(motion, turned):
    # bones keep their length
    poses = [one and dataclasses.replace(turned(20 * k), height_mm=1500.0) for k, one in enumerate(motion.poses)]
    poses[2] = dataclasses.replace(poses[2], status=tuple("outside" if k == WRIST else "seen" for k in range(17)))
    poses[0] = dataclasses.replace(poses[0], status=("guessed", *("seen",) * 16))
    poses[7] = dataclasses.replace(poses[7], joints_3d=poses[7].joints_3d * np.float32([1, -1, -1]))  # on the head
    motion = dataclasses.replace(motion, poses=tuple(poses))
    figure, moving = motion_figure(motion)
    bodies = [corners(moving, place) for place in range(12)]
    np.testing.assert_allclose(np.stack([figure.data[3][axis] for axis in "xyz"], axis=1), bodies[0], atol=1)
    assert figure.data[3].intensity.tolist() == unpacked(moving["tones"])[0][unpacked(moving["parts"])].tolist()
    for place in motion.found:
        pose, body = motion.poses[place], bodies[place]
        drawn = body_mesh(HUMAN36M_17, upright(pose.joints_3d), np.ones(17), pose.height_mm, steps=10).corners
        lifted = [0, 0, unpacked(moving["lift"])[place]]
        np.testing.assert_allclose(body.min(0) - lifted, drawn.min(0), atol=15)
        np.testing.assert_allclose(body.max(0) - lifted, drawn.max(0), atol=15)
        assert body[:, 2].min() == pytest.approx(0, abs=0.1)
        np.testing.assert_array_equal(unpacked(moving["joints"])[place], pose.joints_3d)
    hidden = unpacked(moving["tones"]) == HIDDEN
    assert [hidden[place].sum() for place in motion.found] == [0, 0, 2, *[0] * 7]  # the joint and the forearm
    shown = [unpacked(moving[name]) for name in ("tones", "parts", "confidence", "status")]
    words = {name: value for name, value in moving.items() if not isinstance(value, dict)}
    thing = [np.array(bodies) / 1000, shown, words, numbers_of(figure)]
    assert_as_before("motion", thing, near=1e-3, file="drawing.json")


def test_a_long_clip_is_less_than_a_megabyte(motion):
    frames = tuple(range(300))
    times, poses = tuple(k / 25 for k in frames), (motion.poses[0],) * 300
    _, moving = motion_figure(dataclasses.replace(motion, frames=frames, times=times, poses=poses))
    assert sum(len(value["data"]) for value in moving.values() if isinstance(value, dict)) < 1_000_000


def test_what_a_frame_before_the_camera_shows_is_as_before_and_always_of_the_same_triangles(photo):
    first = json.loads(live_view(HUMAN36M_17.name, "live").props["figure"])
    sizes = {trace["name"]: len(base64.b64decode(trace["intensity"]["bdata"])) for trace in first["data"][-2:]}
    whole = odd_pose(photo, status=("seen",) * 17)
    lifted = whole.joints_3d.copy()
    lifted[ANKLE, 1] -= 150
    legs = tuple("outside" if name.endswith(("knee", "ankle")) else "seen" for name in HUMAN36M_17.joints)
    poses = {
        "whole": whole,
        "foot lifted": odd_pose(photo, joints_3d=lifted),
        "no legs": odd_pose(photo, status=legs),
        "nobody": odd_pose(photo, status=("outside",) * 17),
    }
    for name, pose in poses.items():
        value = json.loads(live_value(3, pose))
        for part in ("body", "shadow"):
            columns = [unpacked(value[part][column]) for column in ("x", "y", "z", "intensity")]
            assert {column.size for column in columns} == {sizes[part]}
            value[part] = [column / 1000 for column in columns]
        assert_as_before(f"live: {name}", value, near=1e-3, file="drawing.json")
    assert json.loads(live_value(4, None, "slow")) == {"number": 4, "error": "slow", "found": False}
