"""The pack of bodies: who is in it, where their joints are, how they follow a posture."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from fusion_model.skeletons import HUMAN36M_17
from train.synthesis.body import DEFAULT_PACK, PARTS, load_body, pose_body, pose_joints
from train.synthesis.rig import RIG

CANONICAL = np.tile(np.eye(3), (len(RIG), 1, 1))


@pytest.fixture(scope="module")
def postures():
    """World rotations of four postures, from degrees about the axes of the parent's canonical frame."""
    arms_down = {"left_upper_arm": (0, 0, -70), "right_upper_arm": (0, 0, 70)}
    seated = {
        f"{side}_{bone}": (turn, 0, 0) for side in ("left", "right") for bone, turn in (("thigh", -90), ("shin", 90))
    }
    return [
        _posture(arms_down),
        _posture({"left_upper_arm": (0, 0, 80), "right_upper_arm": (0, 0, -80)}),
        _posture(arms_down | seated | {"left_forearm": (0, -90, 0), "right_forearm": (0, 90, 0)}),
        _posture({"pelvis": (30, 20, 10), "chest": (20, 30, 0), "head": (10, 40, 0), "left_hand": (80, 0, 0)} | seated),
    ]


def _posture(degrees):
    out = np.empty((len(RIG), 3, 3))
    for bone, (name, parent) in enumerate(zip(RIG.names, RIG.parents, strict=True)):
        turn = Rotation.from_euler("xyz", degrees.get(name, (0, 0, 0)), degrees=True).as_matrix()
        out[bone] = turn if parent < 0 else out[parent] @ turn
    return out


def _joint(joints, name):
    return joints[HUMAN36M_17.index(name)]


def _winding(points, vertices, faces):
    """(N,) how often a surface goes round points (N, 3): 1 inside, 0 outside (van Oosterom and Strackee 1983)."""
    corners = vertices[faces].astype(np.float64)[None] - points[:, None, None]
    first, second, third = np.moveaxis(corners, 2, 0)
    lengths = np.linalg.norm(corners, axis=-1)
    top = (first * np.cross(second, third)).sum(-1)
    bottom = lengths.prod(-1) + sum(
        (corners[:, :, i] * corners[:, :, j]).sum(-1) * lengths[:, :, k]
        for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1))
    )
    return np.arctan2(top, bottom).sum(1) / (2 * np.pi)


def test_pack_is_small_and_complete(pack):
    assert DEFAULT_PACK.stat().st_size < 10e6
    assert set(pack.part) == set(range(len(PARTS))) == set(pack.vertex_part)
    assert pack.faces.shape[1] == 3
    assert np.allclose(pack.weight.sum(1), 1, atol=1e-5)
    assert pack.weight.min() >= 0
    assert pack.along.min() >= 0
    assert pack.along.max() <= 1
    rest = pack.person(5).rest
    assert np.abs(rest - rest[pack.weld]).max() < 0.2
    assert np.abs(pack.weld - np.arange(len(rest))).max() > 0


def test_bodies_have_the_stature_they_were_drawn(pack):
    skin = pack.vertex_part == PARTS.index("skin")
    for subject in range(0, len(pack), len(pack) // 12):
        person = pack.person(subject)
        vertices, _ = pose_body(pack, person, CANONICAL)
        assert np.ptp(vertices[skin, 1]) == pytest.approx(person.stature_mm, abs=6)


def test_limbs_point_where_the_posture_says(pack, postures):
    person = pack.person(2)
    ends = {"upper_arm": ("shoulder", "elbow"), "forearm": ("elbow", "wrist"), "thigh": ("hip", "knee")}
    ends["shin"] = ("knee", "ankle")
    for rotations in [CANONICAL, *postures]:
        _, joints = pose_body(pack, person, rotations)
        for side in ("left", "right"):
            for bone, (start, end) in ends.items():
                index = RIG.index(f"{side}_{bone}")
                offset = _joint(joints, f"{side}_{end}") - _joint(joints, f"{side}_{start}")
                wanted = rotations[index] @ RIG.directions[index]
                assert np.abs(offset / np.linalg.norm(offset) - wanted).max() < 1e-3, (side, bone)


def test_left_is_left_and_ahead_is_ahead(pack):
    person = pack.person(7)
    vertices, joints = pose_body(pack, person, CANONICAL)
    for joint in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist"):
        left, right = _joint(joints, f"left_{joint}"), _joint(joints, f"right_{joint}")
        assert left[0] > 20
        assert np.abs(left - right * [-1, 1, 1]).max() < 8
    assert vertices[pack.vertex_part == PARTS.index("eyes"), 2].min() > _joint(joints, "neck")[2]
    foot = pack.bone[:, 0] == RIG.index("left_toes")
    assert vertices[foot, 2].mean() > _joint(joints, "left_ankle")[2] + 80
    # Palms face the ground: of the whole hand the thumb stands out farthest, ahead, and the fingers curl downwards.
    hand = vertices[pack.bone[:, 0] == RIG.index("left_hand")] - _joint(joints, "left_wrist")
    assert hand[np.argmax(np.abs(hand[:, 2])), 2] > 50
    assert hand[np.argmax(hand[:, 0]), 1] < -5
    # The trunk's joints follow each other on the middle line.
    trunk = np.stack([_joint(joints, name) for name in ("pelvis", "spine", "thorax", "neck", "head_top")])
    assert np.abs(trunk[:, 0]).max() < 5
    assert np.diff(trunk[:, 1]).min() > 0.05 * person.stature_mm


@pytest.mark.parametrize("subject", [1, 40])
def test_joints_are_within_the_body(pack, postures, subject):
    person = pack.person(subject)
    skin = pack.faces[pack.part == PARTS.index("skin")]
    for rotations in [CANONICAL, *postures[:3]]:
        vertices, joints = pose_body(pack, person, rotations)
        winding = _winding(joints, vertices, skin)
        inside = [name for name, value in zip(HUMAN36M_17.joints, winding, strict=True) if value > 0.8]
        assert set(HUMAN36M_17.joints) - set(inside) <= {"head_top"}
        assert np.linalg.norm(vertices - _joint(joints, "head_top"), axis=1).min() < 2


def test_a_damaged_pack_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"train\.synthesis\.bake"):
        load_body(tmp_path / "none.npz")
    (tmp_path / "cut.npz").write_bytes(DEFAULT_PACK.read_bytes()[:100000])
    with pytest.raises(ValueError, match="cannot be read"):
        load_body(tmp_path / "cut.npz")
    with np.load(DEFAULT_PACK) as stored:
        good = dict(stored)
    for message, change in {
        "weight is": {"weight": good["weight"][:-1]},
        "cannot be read": {"uv": np.array([None])},
    }.items():
        np.savez(tmp_path / "bad.npz", **good | change)
        with pytest.raises(ValueError, match=message):
            load_body(tmp_path / "bad.npz")


def test_a_skeleton_has_the_joints_of_its_body(pack):
    turn = CANONICAL.copy()
    turn[RIG.index("left_forearm")] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    skeleton = pack.skeleton(23)
    assert skeleton.rest.shape == (0, 3)
    np.testing.assert_allclose(pose_joints(skeleton, turn), pose_body(pack, pack.person(23), turn)[1], atol=1e-3)
