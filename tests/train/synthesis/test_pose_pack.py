"""Packs of single poses of many sources, and the kinds of captures that rest on more than their feet."""

import numpy as np
import pytest

from tests.helpers.motion import clip_of
from train.synthesis.motion import collect
from train.synthesis.motion.pose_pack import read_pose_pack
from train.synthesis.motion.poses import PoseLibrary
from train.synthesis.motion.retarget import retarget
from train.synthesis.motion.rotation import about
from train.synthesis.rig import RIG

X = np.array([1.0, 0.0, 0.0])
PACKED = {"pelvis": "pelvis", "spine": "pelvis_top", "thorax": "chest_top", "neck": "chest_top", "head": "head_top"}


def packed(postures, tilt):
    """A pack of postures (N, 21, 3, 3) of two clips, the head joint ``tilt`` degrees ahead of the crown."""
    landmarks = dict(clip_of(postures).landmarks)
    landmarks |= {f"{side}_toe": landmarks[f"{side}_ball"] for side in ("left", "right")}
    chest, reach = postures[:, RIG.index("chest")], landmarks["head_top"] - landmarks["chest_top"]
    turn = chest @ about(X, np.deg2rad(tilt)) @ np.swapaxes(chest, -1, -2)
    landmarks["head_top"] = landmarks["chest_top"] + (turn @ reach[..., None])[..., 0]
    bones = ("hip", "knee", "ankle", "toe", "shoulder", "elbow", "wrist")
    names = [*PACKED, *(f"{side}_{bone}" for side in ("left", "right") for bone in bones)]
    positions = np.stack([landmarks[PACKED.get(name, name)] for name in names], 1)
    positions[..., 1] -= positions[..., 1].min(1, keepdims=True)
    return {
        "positions": np.rint(positions).astype(np.int16), "joint_names": np.array(names),
        "pose_clip": np.arange(len(positions)) % 2, "clip_name": np.array(["seen", "kept", "empty"]),
        "clip_source": np.array(["a", "a", "a"]), "clip_validation": np.array([False, True, True]),
    }  # fmt: skip


def test_a_pack_of_poses_keeps_directions_splits_and_a_level_head(library, tmp_path):
    postures = library.rotations[(library.kind == "standing") | (library.kind == "seated")][::15]
    path = tmp_path / "poses.npz"
    np.savez(path, **packed(postures, 30))
    clips = read_pose_pack(path)
    assert [(clip.name, clip.held_out) for clip in clips] == [("seen", False), ("kept", True)]
    for start, clip in enumerate(clips):
        found, source = retarget(clip), postures[start::2]
        for bone in ("upper_arm", "forearm", "thigh", "shin"):
            index = RIG.index(f"left_{bone}")
            cosine = ((found[:, index] @ RIG.directions[index]) * (source[:, index] @ RIG.directions[index])).sum(-1)
            assert np.rad2deg(np.arccos(np.clip(cosine, -1, 1))).max() < 1, bone
    heads = np.concatenate([retarget(clip)[..., 1][:, [RIG.index("head"), RIG.index("chest")]] for clip in clips])
    pitch = np.rad2deg(np.arcsin(heads[:, 0, 1])) - np.rad2deg(np.arcsin(heads[:, 1, 1]))
    assert abs(np.median(pitch)) < 8, "a head joint that lies ahead does not bend every neck"
    pack = collect.collect(clips, 20, 2, 0, composed=0.25)
    np.savez(tmp_path / "pack.npz", **pack)
    made = PoseLibrary(tmp_path / "pack.npz")
    assert dict(zip(made.motion_names, made.validation.tolist(), strict=True)) == {"seen": False, "kept": True}
    draws = [made.draw(np.random.default_rng(seed), "train") for seed in range(60)]
    assert {sample.motion.split("+")[0] for sample in draws} == {"seen"}
    with np.load(path) as data:
        np.savez(path, **{name: data[name] for name in data.files if name != "clip_source"})
    with pytest.raises(ValueError, match="lacks clip_source"):
        read_pose_pack(path)
