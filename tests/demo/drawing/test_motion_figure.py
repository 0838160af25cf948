"""The body of a motion, and the one before a camera: what moves them in a browser."""

import base64
import dataclasses
import json

import numpy as np
import pytest

from demo.drawing.body_mesh import TRUNK_PLACES, body_mesh, body_parts
from demo.drawing.live_view import live_value, live_view
from demo.drawing.motion_figure import HIDDEN, motion_figure
from demo.drawing.overlays import joint_opacity
from demo.drawing.rig import Rig
from demo.drawing.stage import upright
from fusion_model.drawing import SIDE_COLOURS, bone_side
from fusion_model.pose import STATUSES
from fusion_model.skeletons import HUMAN36M_17

WRIST, ANKLE = (HUMAN36M_17.index(name) for name in ("left_wrist", "left_ankle"))


def unpacked(value):
    """The array in a value of :func:`demo.drawing.motion_figure.packed`."""
    return np.frombuffer(base64.b64decode(value["data"]), value["type"]).reshape(value["shape"])


def corners(moving, frame):
    """(V, 3) where the script of the page puts the corners of the body."""
    rest, nodes, weights = (unpacked(moving[name]) for name in ("corners", "nodes", "weights"))
    matrices = unpacked(moving["matrices"])[frame][nodes]
    return np.einsum("vn,vnij,vj->vi", weights, matrices, np.pad(rest, ((0, 0), (0, 1)), constant_values=1))


def test_every_frame_has_a_time_and_what_it_shows_of_its_pose_on_the_floor(motion, turned):
    poses = [
        pose and dataclasses.replace(turned(20 * place), height_mm=1500.0) for place, pose in enumerate(motion.poses)
    ]  # bones keep their length
    status = tuple("outside" if joint == WRIST else "seen" for joint in range(17))
    poses[2] = dataclasses.replace(poses[2], status=status)
    poses[0] = dataclasses.replace(poses[0], status=("guessed", *("seen",) * 16))
    poses[7] = dataclasses.replace(poses[7], joints_3d=poses[7].joints_3d * np.float32([1, -1, -1]))  # on the head
    motion = dataclasses.replace(motion, poses=tuple(poses))
    figure, moving = motion_figure(motion)
    assert [trace.name for trace in figure.data] == ["floor", "grid", "shadow", "body", "joints"]
    first = np.stack([figure.data[3][axis] for axis in "xyz"], axis=1)
    np.testing.assert_allclose(first, corners(moving, 0), atol=1)
    scene = figure.layout.scene
    ranges = np.array([axis.range for axis in (scene.xaxis, scene.yaxis, scene.zaxis)])
    assert figure.data[0].z.tolist() == [0] * len(figure.data[0].z)
    names = [[HUMAN36M_17.joints[joint] for joint in joints] for joints in moving["shadows"]]
    assert names == [["left_ankle"], ["right_ankle"], ["pelvis", "thorax"]]
    assert moving["names"] == [name.replace("_", " ") for name in HUMAN36M_17.joints]
    assert moving["statuses"] == [*STATUSES]
    parts = body_parts(HUMAN36M_17, upright(poses[0].joints_3d), joint_opacity(poses[0]), 1700, 4)
    tones = unpacked(moving["tones"])[0]
    assert tones.tolist() == [mesh.shades[0] for _, mesh in parts]
    assert figure.data[3].intensity.tolist() == tones[unpacked(moving["parts"])].tolist()
    trunk, rig = unpacked(moving["parts"]) == len(parts) - 1, Rig.of(poses[:1])
    for place, joint in enumerate(("thorax", "spine", "pelvis")):  # the trunk bends with its three joints
        own = unpacked(moving["nodes"])[trunk] == rig.node_of(HUMAN36M_17.index(joint))
        share = (own * unpacked(moving["weights"])[trunk]).sum(1).reshape(-1, 20)[:, 0]
        assert share == pytest.approx(np.clip(1 - np.abs(np.clip(TRUNK_PLACES, 0, 2) - place), 0, 1))
    assert moving["times"] == pytest.approx(motion.times)
    assert moving["found"] == [place not in (4, 5) for place in range(12)]
    for place in motion.found:
        pose, body = motion.poses[place], corners(moving, place)
        drawn = body_mesh(HUMAN36M_17, upright(pose.joints_3d), np.ones(17), pose.height_mm, steps=10).corners
        lifted = [0, 0, unpacked(moving["lift"])[place]]
        np.testing.assert_allclose(body.min(0) - lifted, drawn.min(0), atol=15)
        np.testing.assert_allclose(body.max(0) - lifted, drawn.max(0), atol=15)
        assert body[:, 2].min() == pytest.approx(0, abs=0.1)
        assert ((ranges[:, 0] < body.min(0)) & (body.max(0) < ranges[:, 1])).all()
        np.testing.assert_array_equal(unpacked(moving["joints"])[place], pose.joints_3d)
        assert unpacked(moving["confidence"])[place] == pytest.approx(100 * pose.confidence, abs=0.51)
    hidden = unpacked(moving["tones"]) == HIDDEN
    assert [hidden[place].sum() for place in motion.found] == [0, 0, 2, *[0] * 7]  # the joint and the forearm
    for place in (0, 2):
        assert tuple(STATUSES[number] for number in unpacked(moving["status"])[place]) == motion.poses[place].status


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
    status = ["outside" if leg else "seen" for leg in legs]
    status[WRIST] = "guessed"
    legless = change_pose(status=tuple(status))
    whole, half = (json.loads(live_value(3, one)) for one in (pose, legless))
    first = json.loads(live_view(HUMAN36M_17.name, "live").props["figure"])
    sizes = {trace["name"]: len(base64.b64decode(trace["intensity"]["bdata"])) for trace in first["data"][-2:]}
    body, trunk = whole_numbers(whole), whole_numbers(half)
    assert body[:, 2].min() == 0
    assert 1600 < body[:, 2].max() < 1800  # as tall as the person
    assert len(body) == len(trunk) == sizes["body"]
    assert trunk[:, 2].max() < body[:, 2].max() - 500  # the trunk is on the floor
    places, counts = np.unique(trunk, axis=0, return_counts=True)
    assert counts.max() > sizes["body"] / 5
    assert places[counts.argmax(), :2].tolist() == [0, 0]  # the pelvis
    assert len(whole_numbers(whole, "shadow")) == sizes["shadow"]
    faint = base64.b64decode(half["shadow"]["intensity"]["data"])
    assert set(faint[: 2 * sizes["shadow"] // 3]) == {0}  # of the feet
    assert [whole[name] for name in ("number", "error", "found", "width")] == [3, "", True, 3]
    assert half["said"] == "The person faces the camera; 12 of 17 joints are seen."
    assert json.loads(live_value(4, None, "slow")) == {"number": 4, "error": "slow", "found": False}
    places, opacity = pose.joints_2d.round(1), joint_opacity(legless)
    for bone, (x0, y0, x1, y1, colour, strength) in zip(
        [one for one in HUMAN36M_17.bones if not legs[one[1]]], half["bones"], strict=True
    ):
        assert [(x0, y0), (x1, y1)] == pytest.approx(places[[*bone]])
        assert tuple(colour) == SIDE_COLOURS[bone_side(HUMAN36M_17, bone)]
        assert strength == pytest.approx(opacity[[*bone]].min())
    for joint, (x, y, colour, strength, hollow) in zip(np.flatnonzero(opacity), half["joints"], strict=True):
        assert ((x, y), strength) == (pytest.approx(places[joint]), pytest.approx(opacity[joint]))
        assert (tuple(colour), hollow) == (SIDE_COLOURS[HUMAN36M_17.side(joint)], joint == WRIST)


def test_feet_and_trunk_throw_shadows_the_wider_and_fainter_the_higher_they_are(pose):
    pose.joints_3d[ANKLE] += (30, -150, 0)
    value = json.loads(live_value(1, pose))
    blobs = whole_numbers(value, "shadow").reshape(3, -1, 3)
    dark = np.frombuffer(base64.b64decode(value["shadow"]["intensity"]["data"]), np.uint8).reshape(3, -1).max(1)
    lift = 870 + 31 * 1.15
    for blob, tone, (x, y, z), (radius, strength, fall) in zip(
        blobs, dark, [(180, 40, lift - 720), (-150, 40, lift - 870), (0, 0, lift + 240)],
        [(160, 0.9, 150), (160, 0.9, 150), (340, 0.8, 900)], strict=True,
    ):  # fmt: skip
        assert (blob.max(0) + blob.min(0))[:2] / 2 == pytest.approx((x, y), abs=1)
        assert np.ptp(blob, axis=0)[:2] / 2 == pytest.approx(np.full(2, radius + 0.2 * z), abs=1.5)
        assert tone == pytest.approx(255 * strength / (1 + z / fall), abs=1.5)
