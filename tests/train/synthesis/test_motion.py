"""Readers against hand-computed kinematics, retargeting, limits of joints, and the library's draws."""

from __future__ import annotations

import numpy as np
import pytest

from tests.helpers.motion import clip_of
from train.synthesis.motion import collect
from train.synthesis.motion.asfamc import parse_amc, parse_asf, read_asfamc
from train.synthesis.motion.asfamc import place as place_asf
from train.synthesis.motion.bvh import parse_bvh, read_bvh
from train.synthesis.motion.kinds import KINDS
from train.synthesis.motion.limits import faults, possible
from train.synthesis.motion.poses import perturb
from train.synthesis.motion.retarget import retarget
from train.synthesis.motion.rotation import about, to_local, to_world, vector_of
from train.synthesis.rig import RIG

X, Y, Z = np.eye(3)
CANONICAL = np.tile(np.eye(3), (len(RIG), 1, 1))


def bent(bone, axis, degrees, base=CANONICAL):
    """A posture with one bone, and all that hangs on it, turned as its parent sees it."""
    local = to_local(base)
    local[RIG.index(bone)] = local[RIG.index(bone)] @ about(axis, np.deg2rad(degrees))
    return to_world(local)


def angle_between(first, second):
    return np.rad2deg(np.linalg.norm(vector_of(np.swapaxes(first, -1, -2) @ second), axis=-1))


def test_retarget_keeps_bone_directions_of_any_source(library):
    generator = np.random.default_rng(1)
    source = np.stack([perturb(library.rotations[i], generator) for i in generator.integers(len(library), size=100)])
    result = retarget(clip_of(source))
    for bone, name in enumerate(RIG.names):
        if name.endswith("clavicle"):
            continue  # drawn from the arm's, by design
        cosine = ((source[:, bone] @ RIG.directions[bone]) * (result[:, bone] @ RIG.directions[bone])).sum(-1)
        assert np.rad2deg(np.arccos(np.clip(cosine, -1, 1))).max() < 1, name


BVH = """HIERARCHY
ROOT Hips
{
 OFFSET 0 0 0
 CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation
 JOINT Knee
 {
  OFFSET 0 -2 0
  CHANNELS 3 Zrotation Yrotation Xrotation
  End Site
  {
   OFFSET 0 -3 0
  }
 }
}
MOTION
Frames: 3
Frame Time: 0.0083333
1 10 0 0 0 0 0 0 0
1 10 0 90 0 0 0 0 90
1 10 0 0 0 0 90 0 90
"""


def test_bvh_against_kinematics_by_hand(tmp_path):
    path = tmp_path / "leg.bvh"
    path.write_text(BVH)
    positions, rotations = parse_bvh(path).place()
    np.testing.assert_allclose(positions["Hips"], [[1, 10, 0]] * 3)
    # A quarter turn about z brings the thigh from down to +x; the knee's about its own x bends the shin to -z.
    np.testing.assert_allclose(positions["Knee"], [[1, 8, 0], [3, 10, 0], [1, 8, 0]], atol=1e-9)
    # About z and then x of what z has turned: the shin ends up behind; the other way round it would be at +x.
    np.testing.assert_allclose(positions["Knee_end"], [[1, 5, 0], [3, 10, -3], [1, 8, -3]], atol=1e-9)
    np.testing.assert_allclose(rotations["Knee"][1] @ -Y, -Z, atol=1e-9)
    with pytest.raises(ValueError, match=r"joints .* are missing; expected a skeleton named as CMU's"):
        read_bvh(path)


ASF = """:version 1.10
:units
  length 0.45
  angle deg
:root
   axis XYZ
:bonedata
  begin
     id 1
     name femur
     direction 0 -1 0
     length 2
     axis 0 0 90 XYZ
    dof rx ry rz
  end
  begin
     id 2
     name tibia
     direction 0 -1 0
     length 3
     axis 0 0 0 XYZ
    dof rx
  end
:hierarchy
  begin
    root femur
    femur tibia
  end
"""
AMC = """:FULLY-SPECIFIED
:DEGREES
1
root 1 10 0 0 0 0
femur 0 0 0
tibia 0
2
root 1 10 0 0 0 0
femur 90 0 0
tibia 90
"""


def test_asf_and_amc_against_kinematics_by_hand(tmp_path):
    (tmp_path / "a.asf").write_text(ASF)
    (tmp_path / "a_01.amc").write_text(AMC)
    ends, _ = place_asf(parse_asf(tmp_path / "a.asf"), parse_amc(tmp_path / "a_01.amc"))
    np.testing.assert_allclose(ends["femur"][0], [1, 8, 0], atol=1e-9)
    np.testing.assert_allclose(ends["tibia"][0], [1, 5, 0], atol=1e-9)
    # The thigh's axes are turned by 90 degrees about z, so that its x is the world's y: it stays down, and the shin
    # bends to the side that was behind it.
    np.testing.assert_allclose(ends["femur"][1], [1, 8, 0], atol=1e-9)
    np.testing.assert_allclose(ends["tibia"][1], [-2, 8, 0], atol=1e-9)
    (tmp_path / "b_01.amc").write_text(AMC.replace("tibia 90\n", ""))
    with pytest.raises(ValueError, match="bones tibia are missing in some of 2 frames"):
        parse_amc(tmp_path / "b_01.amc")
    (tmp_path / "b_01.amc").write_text(AMC.replace("tibia 90\n", "").replace("tibia 0\n", ""))
    with pytest.raises(ValueError, match="no values of tibia"):
        read_asfamc(tmp_path / "a.asf", tmp_path / "b_01.amc")


@pytest.mark.parametrize(
    ("posture", "joint"),
    [
        (bent("left_shin", X, -40), "left_knee"),
        (bent("right_forearm", Y, -60), "right_elbow"),
        (bent("left_forearm", Y, 60), "left_elbow"),
        (bent("head", Y, 120), "neck"),
        (bent("left_foot", Y, 80), "left_ankle"),
        (bent("right_thigh", X, 60), "right_hip"),
        (bent("left_upper_arm", Y, 80), "left_shoulder"),
        (bent("left_forearm", Y, -150, bent("left_upper_arm", Y, -85)), "inside"),
        (bent("left_thigh", Z, -25), "inside"),
    ],
)
def test_limits_reject(posture, joint):
    assert faults(posture)[joint]
    assert not possible(posture)


def test_draws_are_rotations_possible_balanced_and_repeatable(library):
    draws = [library.draw(np.random.default_rng(seed), "train") for seed in range(150)]
    rotations = np.stack([sample.rotations for sample in draws])
    assert rotations.dtype == np.float32
    np.testing.assert_allclose(
        rotations @ np.swapaxes(rotations, -1, -2), np.tile(np.eye(3), (150, 21, 1, 1)), atol=1e-5
    )
    assert np.linalg.det(rotations).min() > 0.99
    assert possible(rotations).all()
    assert {sample.kind for sample in draws} <= set(KINDS)
    assert {sample.support for sample in draws} >= {"feet", "seat", "ground"}
    again = library.draw(np.random.default_rng(7), "train")
    np.testing.assert_array_equal(again.rotations, draws[7].rotations)
    assert (again.motion, again.kind) == (draws[7].motion, draws[7].kind)


def test_splits_never_share_a_clip(library):
    generator = np.random.default_rng(2)
    clips = {
        split: {clip for _ in range(300) for clip in library.draw(generator, split).motion.split("+")}
        for split in ("train", "validation")
    }
    assert not clips["train"] & clips["validation"]
    held_out = {name for name, held in zip(library.motion_names, library.validation, strict=True) if held}
    assert clips["validation"] <= held_out
    assert len(clips["validation"]) > 10
    assert [collect.held_out(name) for name in library.motion_names] == library.validation.tolist()
    with pytest.raises(ValueError, match="split must be train or validation"):
        library.draw(generator, "test")
