"""BVH files, read back by an independent reader."""

import re

import bvhio
import numpy as np
import pytest

from demo.drawing.rig import rest_direction
from demo.exports import as_bvh
from fusion_model.skeletons import HUMAN36M_17
from tests.helpers.drawn import odd_pose
from tests.helpers.earlier import assert_as_before


def random_joints(frames):
    """(T, 17, 3) mm of bones of constant length in any direction."""
    random, joints = np.random.default_rng(3), np.zeros((frames, 17, 3))
    for parent, child in HUMAN36M_17.bones:
        bone = random.normal(size=(frames, 3))
        bone *= random.uniform(100, 450) / np.linalg.norm(bone, axis=1, keepdims=True)
        joints[:, child] = joints[:, parent] + bone
    return joints.astype(np.float32)


@pytest.fixture
def read_bvh(tmp_path):
    """A function that writes a BVH file and reads it with bvhio: the root, and joints (T, 17, 3) in mm, camera axes."""

    def read(data, frames=1):
        path = tmp_path / "pose.bvh"
        path.write_bytes(data)
        root = bvhio.readAsHierarchy(str(path))
        by_name = {joint.Name: joint for joint, _, _ in root.layout()}
        joints = []
        for frame in range(frames):
            root.loadPose(frame)
            joints.append([list(by_name[name].PositionWorld) for name in HUMAN36M_17.joints])
        return root, np.array(joints) * [10, -10, -10]

    return read


def test_bvh_has_the_hierarchy_of_the_skeleton_and_rests_in_a_t_pose_that_faces_the_camera(photo, read_bvh):
    data = as_bvh.encode([odd_pose(photo)])
    root, _ = read_bvh(data)
    assert b"\nFrame Time: 0.03333333\n" in data
    ends = [[float(value) for value in line.split()] for line in re.findall(rb"End Site\s+{\s+OFFSET (.*)", data)]
    assert sorted(ends) == [[-5, 0, 0], [0, -5, 0], [0, -5, 0], [0, 5, 0], [5, 0, 0]]  # hands, feet and head
    root.loadRestPose(recursive=True)
    joints = [joint for joint, _, _ in root.layout()]
    names = [(joint.Name, joint.Parent.Name if joint.Parent else "none") for joint in joints]
    places = np.array([joint.PositionWorld for joint in joints]) / 100
    assert_as_before("bvh at rest", [names, *places], file="drawing.json")


def test_bvh_of_a_sequence_comes_back_with_the_median_bones(change_pose, read_bvh):
    wanted = random_joints(60)
    poses = [
        change_pose(joints_3d=joints * np.float32(1.2 if frame == 7 else 1)) for frame, joints in enumerate(wanted)
    ]
    data = as_bvh.encode(poses, frame_seconds=1 / 25)
    assert np.abs(read_bvh(data, 60)[1] - wanted).max() < 0.05
    assert b"\nFrames: 60\nFrame Time: 0.04000000\n" in data


@pytest.mark.parametrize("signs", [(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)])
def test_bvh_of_a_still_comes_back_as_it_was_even_if_it_is_turned_by_half_or_lacks_a_bone(
    pose, change_pose, read_bvh, signs
):
    rest, without_neck = np.zeros((17, 3), np.float32), pose.joints_3d.copy()
    without_neck[HUMAN36M_17.index("neck")] = without_neck[HUMAN36M_17.index("thorax")]
    for parent, child in HUMAN36M_17.bones:
        rest[child] = rest[parent] + np.float32([10, -10, -10]) * rest_direction(HUMAN36M_17.joints[child])
    assert np.abs(channels([change_pose(joints_3d=rest)])[0, 3:]).max() < 0.01  # a T-pose is no turn at all
    for joints in np.stack((rest, pose.joints_3d, without_neck)) * np.float32(signs):
        assert np.abs(read_bvh(as_bvh.encode([change_pose(joints_3d=joints)]))[1] - joints).max() < 0.01


def channels(poses):
    """(T, C) the numbers of the MOTION part."""
    return np.array([line.split() for line in as_bvh.encode(poses).decode().splitlines()[-len(poses) :]], float)


def test_bvh_angles_do_not_jump_while_somebody_turns_round_or_sits_down(pose, turned, change_pose):
    values = channels([turned(-degrees) for degrees in range(0, 720, 10)])
    assert np.abs(np.diff(values, axis=0)).max() < 25
    assert values[-1, 3] - values[0, 3] == pytest.approx(-710, abs=5)
    frames = []
    for angle in np.radians(np.arange(60, 120, 2)):  # of the thigh, forward from hanging, a little outward
        joints = pose.joints_3d.copy()
        hip, knee, ankle = (HUMAN36M_17.index(f"left_{name}") for name in ("hip", "knee", "ankle"))
        joints[knee] = joints[hip] + 440 * np.array([0.1, np.cos(angle), -np.sin(angle)])
        joints[ankle] = joints[knee] + np.array([0, 430, 0])
        frames.append(change_pose(joints_3d=joints.astype(np.float32)))
    assert np.abs(np.diff(channels(frames), axis=0)).max() < 5


@pytest.mark.parametrize(
    ("changes", "seconds", "message"),
    [
        ([], 0.04, "0 poses of none"),
        ([{}, {"skeleton": "humaneva_15"}], 0.04, "one skeleton, got 2 poses"),
        ([{"skeleton": "lsp_14"}], 0.04, "needs a root joint, which the skeleton lsp_14 lacks"),
        ([{"joints_3d": np.full((17, 3), np.nan)}], 0.04, "not finite"),
        ([{}], 0.0, "positive number of seconds, got 0"),
        ([{}, None], 0.04, "frame 1 is NoneType: expected a Pose for every frame"),
    ],
)
def test_bvh_refuses_what_cannot_be_written(change_pose, changes, seconds, message):
    with pytest.raises((ValueError, TypeError), match=message):
        as_bvh.encode([None if change is None else change_pose(**change) for change in changes], seconds)
