"""Readers against hand-computed kinematics, retargeting, limits of joints, and the library's draws."""

import dataclasses
import re
import zlib
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.earlier import assert_as_before
from tests.helpers.motion import clip_of, posture
from train.synthesis import routine
from train.synthesis.labels import posture_name
from train.synthesis.motion import collect, kinds, pose_pack
from train.synthesis.motion.bvh import CMU_UNIT_MM, parse_bvh, read_bvh
from train.synthesis.motion.clips import read_positions
from train.synthesis.motion.compose import MAKERS, balanced
from train.synthesis.motion.limits import faults, possible
from train.synthesis.motion.poses import perturb
from train.synthesis.motion.retarget import retarget
from train.synthesis.motion.rotation import of_vector, to_local, to_world

CAPTURES = Path(__file__).parent / "captures"
_, Y, Z = np.eye(3)


def test_postures_are_retargeted_as_before(library):
    generator = np.random.default_rng(1)
    source = np.stack([perturb(library.rotations[i], generator) for i in generator.integers(len(library), size=100)])
    assert_as_before("retargeted", retarget(clip_of(source)))


def test_bvh_against_kinematics_by_hand():
    positions, rotations = parse_bvh(CAPTURES / "leg.bvh").place()
    np.testing.assert_allclose(positions["Hips"], [[1, 10, 0]] * 3)
    # A quarter turn about z brings the thigh from down to +x; the knee's about its own x bends the shin to -z.
    np.testing.assert_allclose(positions["Knee"], [[1, 8, 0], [3, 10, 0], [1, 8, 0]], atol=1e-9)
    # About z and then x of what z has turned: the shin ends up behind; the other way round it would be at +x.
    np.testing.assert_allclose(positions["Knee_end"], [[1, 5, 0], [3, 10, -3], [1, 8, -3]], atol=1e-9)
    np.testing.assert_allclose(rotations["Knee"][1] @ -Y, -Z, atol=1e-9)
    with pytest.raises(ValueError, match=r"joints .* are missing; expected a skeleton named as CMU's"):
        read_bvh(CAPTURES / "leg.bvh")


def test_one_capture_in_three_formats_is_one_clip(tmp_path):
    (amc,), (bvh,) = (collect.read_clips(CAPTURES / f"02_01.{ending}") for ending in ("amc", "bvh"))
    assert amc.landmarks.keys() == bvh.landmarks.keys()
    assert amc.frames_per_second == pytest.approx(bvh.frames_per_second) == 120
    places = parse_bvh(CAPTURES / "02_01.bvh").place()[0]
    frames = np.stack([*places.values()], 1)[[0, 1, 1, 0]] * CMU_UNIT_MM
    spans = {"clip_names": ["a/one.bvh", "two"], "clip_start": [3, 0], "clip_length": [1, 2]}
    spans["frames_per_second"] = [60, 120]
    np.savez(tmp_path / "cmu.npz", positions=frames, joint_names=[*places], **spans)
    assert_as_before("captured", [amc, retarget(amc), *collect.read_clips(tmp_path / "cmu.npz")])
    for name, places in amc.landmarks.items():
        np.testing.assert_allclose(places, bvh.landmarks[name], atol=1e-2, err_msg=name)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("02_01.bvh", "Frames: 2", "Frames: 3", "expected 3 frames of"),
        ("02_01.bvh", "OFFSET", "OFFSIDE", "unexpected 'OFFSIDE'"),
        ("02_01.bvh", "HIERARCHY", "TREE", "expected HIERARCHY and MOTION"),
        ("02_01.amc", "lfemur", "lthigh", "bones lthigh, lfemur are missing in some of 2 frames"),
        ("02_01.amc", "lfemur", "", "no values of lfemur, which 02.asf says can move"),
        ("02.asf", "angle deg", "angle rad", "not an ASF file"),
    ],
)
def test_damaged_captures_are_refused(tmp_path, capsys, name, old, new, message):
    for path in CAPTURES.iterdir():
        text = path.read_text()
        damaged = text.replace(old, new, 1) if new else re.sub(f"\n{old}.*", "", text)
        (tmp_path / path.name).write_text(damaged if path.name == name else text)
    assert collect.main([str(tmp_path / name.replace("02.asf", "02_01.amc")), "--out", str(tmp_path / "out.npz")]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out.npz").exists()


def test_arrays_and_packs_of_joints_give_the_clips_that_they_gave(tmp_path):
    draws = (np.random.default_rng(zlib.crc32(name.encode())).normal(0, 300, (50, 3)) for name in pose_pack._JOINTS)
    places = np.stack([*draws], 1)
    np.savez(tmp_path / "nose.npz", joints=places[:, :17] * 0.115)
    with pytest.raises(ValueError, match="some joints are not finite"):
        read_positions(np.where(places[:, :17] == places[3, 2, 1], np.nan, places[:, :17]))
    np.savez(tmp_path / "neck.npz", positions=places[:3, :17] * 0.15)
    places[:, 3:5], places[:, 7:9, 1] = places[:, 5:7] + [20, 400, 30], 40  # upright shins, toes on the ground
    rows = {"pose_clip": np.arange(50) % 4, "clip_name": list("abcd"), "clip_source": list("stts")}
    rows |= {"positions": places, "joint_names": pose_pack._JOINTS, "clip_validation": np.arange(4) < 1}
    np.savez(tmp_path / "pack.npz", **rows)
    read = [collect.read_clips(tmp_path / f"{name}.npz") for name in ("nose", "neck", "pack")]
    assert_as_before("read", [read, [retarget(clip) for (clip,) in read[:2]]])


def test_bent_postures_are_judged_and_named_as_before(library):
    turns = np.random.default_rng(0).normal(0, 0.35, (299, 21, 3))
    postures = to_world(to_local(library.rotations[::10]) @ of_vector(turns))
    names = {kind: (posture_name(kind), kinds.SUPPORT[kind]) for kind in kinds.KINDS}
    named = [kinds.classify(those, np.arange(299) % 200) for those in (postures, library.rotations[:299])]
    assert_as_before("judged", [faults(postures), named, names])


def test_composed_and_collected_postures_and_movements_are_as_before(library):
    generator, made = np.random.default_rng(0), []
    for name, make in MAKERS.items():
        made += [make(generator, library.rotations[row]) for row in range(0, 2900, 100)]
        made.append([balanced(posture, name) for posture in made[-29:]])
    keys = routine.key_postures(library, generator)
    assert_as_before("composed", [made, keys, routine.between_keys(keys, 20)])
    named = []
    for name, row in {"a": 0, "d": 1500, "t": 2900}.items():
        taken = np.stack([perturb(library.rotations[row], generator) for _ in range(30)])
        named.append(dataclasses.replace(clip_of(taken), name=name))
    assert_as_before("collected", collect.collect(named, 24, 3, 1, 0.3))


def test_limits_reject():
    bent = [
        ("left_knee", "left_shin", -40, 0, 0),
        ("left_elbow", "left_forearm", 0, 60, 0),
        ("neck", "head", 0, 120, 0),
    ]
    bent += [("left_ankle", "left_foot", 0, 80, 0), ("left_shoulder", "left_upper_arm", 0, 80, 0)]
    for joint, bone, *degrees in (*bent, ("inside", "left_thigh", 0, 0, -25)):
        assert faults(posture({bone: degrees}))[joint], joint
        assert not possible(posture({bone: degrees})), joint


def test_draws_are_as_before(library):
    assert_as_before("draws", [library.draw(np.random.default_rng(seed), "train") for seed in range(150)])


def test_splits_never_share_a_clip(library):
    generator = np.random.default_rng(2)
    draws = ("+".join(library.draw(generator, split).motion for _ in range(80)) for split in ("train", "validation"))
    train, validation = (set(motions.split("+")) for motions in draws)
    assert not train & validation
    held_out = {name for name, held in zip(library.motion_names, library.validation, strict=True) if held}
    assert validation <= held_out
    assert [collect.held_out(name) for name in library.motion_names] == library.validation.tolist()
    with pytest.raises(ValueError, match="split must be train or validation"):
        library.draw(generator, "test")
