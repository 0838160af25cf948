"""glTF files, read back by trimesh and by the specification."""

import dataclasses

import numpy as np
import pytest

from demo.exports import as_glb
from demo.video.motion import encode_glb
from fusion_model.skeletons import HUMAN36M_17, HUMANEVA_15
from tests.helpers.earlier import assert_as_before
from tests.helpers.glb import Glb

MILLIMETRE = 0.001


def metres(pose):
    """(J, 3) joints in the axes of glTF."""
    return pose.joints_3d * [0.001, -0.001, -0.001]


def joints_of(found, changes=None, person=0):
    """(J, 3) where the nodes of a person are that have the names of the joints."""
    numbers = {found.nodes[number]["name"]: number for number in found.json["skins"][person]["joints"]}
    return found.world(changes)[[numbers[name] for name in HUMAN36M_17.joints], :3, 3]


@pytest.mark.parametrize("skeleton", [HUMAN36M_17, HUMANEVA_15], ids=lambda one: one.name)
def test_the_joints_of_a_photo_are_nodes_where_they_were_as_trimesh_sees_them(photo, pose, skeleton):
    size, names = len(skeleton), [HUMAN36M_17.index(name) for name in skeleton.joints]
    pose = dataclasses.replace(
        pose, skeleton=skeleton.name, confidence=np.ones(size), status=("seen",) * size,
        joints_3d=pose.joints_3d[names], joints_2d=pose.joints_2d[names],
    )  # fmt: skip
    graph = Glb(as_glb.encode(pose, photo)).graph
    places = np.array([graph.get(name)[0][:3, 3] for name in skeleton.joints])
    np.testing.assert_allclose(places - places[0], metres(pose), atol=0.01 * MILLIMETRE)


def test_the_body_has_the_pose_stands_on_the_floor_and_is_made_as_before(photo, pose):
    found = Glb(as_glb.encode(dataclasses.replace(pose, height_mm=1200.0), photo))
    body, pelvis = found.body(), joints_of(found)[0]
    assert pelvis[[0, 2]] == pytest.approx(np.zeros(2))
    assert body[:, 1].min() == pytest.approx(0, abs=0.01 * MILLIMETRE)
    meshes = found.json["meshes"][0]["primitives"]
    parts = [[found.array(one["attributes"][name]) for name in ("POSITION", "NORMAL")] for one in meshes]
    faces = [found.array(one["indices"]) for one in meshes]
    assert_as_before("glb", [body, parts, faces, found.json["materials"]], near=1e-3, file="drawing.json")


def test_what_the_photo_does_not_show_has_nodes_but_no_body(photo, pose):
    cut = tuple("outside" if name.endswith("knee") else "seen" for name in HUMAN36M_17.joints)  # no ankle floats below
    found = Glb(as_glb.encode(dataclasses.replace(pose, status=cut), photo))
    assert joints_of(found)[3, 1] < -0.5  # an ankle, far below the floor on which the hips stand
    assert found.body()[:, 1].min() == pytest.approx(0, abs=0.01 * MILLIMETRE)
    nobody = Glb(as_glb.encode(dataclasses.replace(pose, status=("outside",) * 17), photo))
    assert not nobody.json.get("meshes")
    assert nobody.world()[:, 1, 3].min() == pytest.approx(0, abs=0.01 * MILLIMETRE)
    assert {node["name"] for node in nobody.nodes} >= set(HUMAN36M_17.joints)


def test_each_person_of_a_photo_has_a_skeleton_at_its_place(photo, pose):
    beside = dataclasses.replace(pose, joints_2d=pose.joints_2d + np.float32([80, 0]))
    found = Glb(as_glb.encode([pose, beside], photo))
    assert [skin["name"] for skin in found.json["skins"]] == ["person 1", "person 2"]
    first, second = joints_of(found), joints_of(found, person=1)
    np.testing.assert_allclose(second - second[0], metres(beside), atol=0.01 * MILLIMETRE)
    np.testing.assert_allclose((second - first)[0], [80 / (300 / 1900) * MILLIMETRE, 0, 0], atol=0.02)
    assert [found.body(skin=k)[:, 1].min() for k in (0, 1)] == pytest.approx([0, 0], abs=1e-3)
    below = dataclasses.replace(beside, joints_2d=beside.joints_2d + np.float32([0, 20]))
    found = Glb(as_glb.encode([pose, below], photo))
    lowest = [found.body(skin=k)[:, 1].min() for k in (0, 1)]
    assert lowest == pytest.approx([20 / (300 / 1900) * MILLIMETRE, 0], abs=0.02), "whoever stands lowest"


def test_every_keyframe_of_a_clip_has_the_joints_of_its_frame(motion, turned):
    poses = [pose and turned(100 * place) for place, pose in enumerate(motion.poses)]
    poses[0] = dataclasses.replace(poses[0], status=("outside",) * 17)  # seen later
    found = Glb(encode_glb(dataclasses.replace(motion, poses=tuple(poses))))
    times = found.array(found.json["animations"][0]["samplers"][0]["input"])[:, 0]
    assert times == pytest.approx([motion.times[place] for place in motion.found])
    keyframes = [found.keyframe(frame) for frame in range(len(times))]
    turns = np.array([[node["rotation"] for node in one.values() if "rotation" in node] for one in keyframes])
    assert (turns[1:] * turns[:-1]).sum(-1).min() > 0, "between keyframes, nothing turns the long way"
    for changes, place in zip(keyframes, motion.found, strict=True):
        joints = joints_of(found, changes)
        np.testing.assert_allclose(joints - joints[0], metres(poses[place]), atol=MILLIMETRE)
        assert found.body(changes)[:, 1].min() == pytest.approx(0, abs=0.1 * MILLIMETRE)


@pytest.mark.parametrize("times", [[0.0], [0.1, 0.1], [-0.1, 0.2]])
def test_times_must_rise_and_somebody_be_there(photo, pose, times):
    with pytest.raises(ValueError, match="each of 2 poses needs a time"):
        as_glb.encode_motion([pose, pose], times)
    with pytest.raises(ValueError, match="at least one pose"):
        as_glb.encode([], photo)
