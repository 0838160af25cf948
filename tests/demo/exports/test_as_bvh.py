"""BVH files, read back by an independent reader."""

import dataclasses

import bvhio
import numpy as np
import pytest

from demo.drawing.rig import rest_direction
from demo.exports import as_bvh
from fusion_model.skeletons import HUMAN36M_17, HUMANEVA_15


def random_joints(frames, seed, variation=0.0):
    """(T, 17, 3) mm of bones in any direction; their lengths vary by that fraction from frame to frame."""
    random = np.random.default_rng(seed)
    joints = np.zeros((frames, 17, 3))
    for parent, child in HUMAN36M_17.bones:
        bone = random.normal(size=(frames, 3))
        bone *= random.uniform(100, 450) / np.linalg.norm(bone, axis=1, keepdims=True)
        joints[:, child] = joints[:, parent] + bone * random.uniform(1 - variation, 1 + variation, (frames, 1))
    return joints.astype(np.float32)


def with_median_bones(joints):
    """(T, 17, 3) joints whose bones keep their directions and have their median lengths."""
    fitted = np.zeros_like(joints)
    for parent, child in HUMAN36M_17.bones:
        bone = joints[:, child] - joints[:, parent]
        length = np.linalg.norm(bone, axis=1, keepdims=True)
        fitted[:, child] = fitted[:, parent] + bone / length * np.median(length)
    return fitted


@pytest.fixture
def read_bvh(tmp_path):
    """A function that writes a BVH file and reads it with bvhio: the root, and joints (T, J, 3) in mm, camera axes."""

    def read(data, frames, skeleton=HUMAN36M_17):
        path = tmp_path / "pose.bvh"
        path.write_bytes(data)
        root = bvhio.readAsHierarchy(str(path))
        by_name = {joint.Name: joint for joint, _, _ in root.layout()}
        joints = []
        for frame in range(frames):
            root.loadPose(frame)
            joints.append([list(by_name[name].PositionWorld) for name in skeleton.joints])
        return root, np.array(joints) * [10, -10, -10]

    return read


def test_bvh_of_a_still_comes_back_as_it_was(pose, read_bvh):
    _, joints = read_bvh(as_bvh.encode([pose]), 1)
    assert np.abs(joints[0] - pose.joints_3d).max() < 0.01


def test_bvh_has_the_hierarchy_of_the_skeleton(pose, read_bvh):
    root, _ = read_bvh(as_bvh.encode([pose]), 1)
    parents = {joint.Name: joint.Parent.Name for joint, _, _ in root.layout() if joint.Parent}
    assert root.Name == "pelvis"
    for parent, child in HUMAN36M_17.bones:
        above = parents[HUMAN36M_17.joints[child]]
        helper = f"{HUMAN36M_17.joints[parent]}_to_{HUMAN36M_17.joints[child]}"
        assert (parents[helper] if above == helper else above) == HUMAN36M_17.joints[parent]
    assert set(parents) - set(HUMAN36M_17.joints) == {
        "pelvis_to_right_hip", "pelvis_to_left_hip", "thorax_to_left_shoulder", "thorax_to_right_shoulder"
    }  # fmt: skip


def test_bvh_rests_in_a_t_pose_that_faces_the_camera(pose, read_bvh):
    root, _ = read_bvh(as_bvh.encode([pose]), 1)
    root.loadRestPose(recursive=True)
    at = {joint.Name: np.array(joint.PositionWorld) for joint, _, _ in root.layout()}
    bones = {name: np.linalg.norm(pose.joints_3d[child] - pose.joints_3d[parent]) / 10
             for (parent, child), name in zip(HUMAN36M_17.bones, HUMAN36M_17.joints[1:], strict=True)}  # fmt: skip
    hip, ankle = bones["left_hip"], bones["left_knee"] + bones["left_ankle"]
    np.testing.assert_allclose(at["left_ankle"], [hip, -ankle, 0], atol=0.001)
    np.testing.assert_allclose(at["head_top"][[0, 2]], 0, atol=0.001)
    arm = sum(bones[f"right_{name}"] for name in ("shoulder", "elbow", "wrist"))
    np.testing.assert_allclose(at["right_wrist"] - at["thorax"], [-arm, 0, 0], atol=0.001)


@pytest.mark.parametrize("variation", [0.0, 0.2])
def test_bvh_of_a_sequence_comes_back_up_to_the_median_bones(change_pose, read_bvh, variation):
    wanted = random_joints(60, seed=3, variation=variation)
    data = as_bvh.encode([change_pose(joints_3d=joints) for joints in wanted], frame_seconds=1 / 25)
    _, joints = read_bvh(data, 60)
    assert np.abs(joints - with_median_bones(wanted)).max() < 0.05
    if not variation:
        assert np.abs(joints - wanted).max() < 0.05
    assert b"\nFrames: 60\nFrame Time: 0.04000000\n" in data


@pytest.mark.parametrize("turn", [np.diag([1, -1, -1]), np.diag([-1, 1, -1]), np.diag([-1, -1, 1])], ids="xyz")
def test_bvh_takes_half_a_turn(pose, change_pose, read_bvh, turn):
    rest = np.zeros((17, 3), np.float32)
    for parent, child in HUMAN36M_17.bones:
        rest[child] = rest[parent] + np.float32([10, -10, -10]) * rest_direction(HUMAN36M_17.joints[child])
    wanted = np.stack((rest @ turn, pose.joints_3d @ turn)).astype(np.float32)
    for joints in wanted:
        assert np.abs(read_bvh(as_bvh.encode([change_pose(joints_3d=joints)]), 1)[1] - joints).max() < 0.01


def channels(poses):
    """(T, C) the numbers of the MOTION part."""
    lines = as_bvh.encode(poses).decode().splitlines()[-len(poses) :]
    return np.array([line.split() for line in lines], float)


def test_bvh_pelvis_turns_with_the_line_of_the_hips(pose, turned):
    assert channels([turned(50)])[0, 3] - channels([pose])[0, 3] == pytest.approx(50, abs=2)


def test_bvh_angles_do_not_jump_by_a_full_turn(turned):
    values = channels([turned(-degrees) for degrees in range(0, 720, 10)])
    assert np.abs(np.diff(values, axis=0)).max() < 25
    assert abs(values[-1, 3] - values[0, 3]) == pytest.approx(710, abs=5)


def test_bvh_sitting_down_goes_smoothly(pose, change_pose):
    frames = []
    for angle in np.radians(np.arange(60, 120, 2)):  # of the thigh, forward from hanging, a little outward
        joints = pose.joints_3d.copy()
        hip, knee, ankle = (HUMAN36M_17.index(f"left_{name}") for name in ("hip", "knee", "ankle"))
        joints[knee] = joints[hip] + 440 * np.array([0.1, np.cos(angle), -np.sin(angle)])
        joints[ankle] = joints[knee] + np.array([0, 430, 0])
        frames.append(change_pose(joints_3d=joints.astype(np.float32)))
    assert np.abs(np.diff(channels(frames), axis=0)).max() < 5


def test_bvh_takes_a_bone_without_length(pose, read_bvh):
    pose.joints_3d[HUMAN36M_17.index("neck")] = pose.joints_3d[HUMAN36M_17.index("thorax")]
    _, joints = read_bvh(as_bvh.encode([pose]), 1)
    assert np.abs(joints[0] - pose.joints_3d).max() < 0.01


def test_bvh_takes_another_skeleton_with_a_root(change_pose, read_bvh):
    names = [HUMAN36M_17.index(name) for name in HUMANEVA_15.joints]
    pose = change_pose(skeleton=HUMANEVA_15.name)
    pose = dataclasses.replace(pose, joints_3d=pose.joints_3d[names])
    _, joints = read_bvh(as_bvh.encode([pose]), 1, HUMANEVA_15)
    assert np.abs(joints[0] - pose.joints_3d).max() < 0.01


@pytest.mark.parametrize(
    ("changes", "seconds", "message"),
    [
        ([], 0.04, "0 poses of none"),
        ([{}, {"skeleton": "humaneva_15"}], 0.04, "one skeleton, got 2 poses"),
        ([{"skeleton": "coco_17"}], 0.04, "root joint, which the skeleton coco_17 lacks"),
        ([{"joints_3d": np.full((17, 3), np.nan)}], 0.04, "not finite"),
        ([{}], 0.0, "positive number of seconds, got 0"),
    ],
)
def test_bvh_refuses_what_cannot_be_written(change_pose, changes, seconds, message):
    with pytest.raises(ValueError, match=message):
        as_bvh.encode([change_pose(**change) for change in changes], seconds)


def test_bvh_refuses_a_frame_without_a_pose(pose):
    with pytest.raises(TypeError, match="frame 1 is NoneType: expected a Pose for every frame"):
        as_bvh.encode([pose, None])
