"""Readers against hand-computed kinematics, retargeting, limits of joints, and the library's draws."""

import numpy as np
import pytest

from tests.helpers.motion import clip_of
from train.synthesis.motion import collect
from train.synthesis.motion.bvh import parse_bvh, read_bvh
from train.synthesis.motion.limits import faults, possible
from train.synthesis.motion.poses import perturb
from train.synthesis.motion.retarget import retarget
from train.synthesis.motion.rotation import about, to_local, to_world
from train.synthesis.rig import RIG

X, Y, Z = np.eye(3)
CANONICAL = np.tile(np.eye(3), (len(RIG), 1, 1))


def bent(bone, axis, degrees):
    """A posture with one bone, and all that hangs on it, turned as its parent sees it."""
    local = to_local(CANONICAL)
    local[RIG.index(bone)] = about(axis, np.deg2rad(degrees))
    return to_world(local)


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


@pytest.mark.parametrize(
    ("posture", "joint"),
    [
        (bent("left_shin", X, -40), "left_knee"),
        (bent("left_forearm", Y, 60), "left_elbow"),
        (bent("head", Y, 120), "neck"),
        (bent("left_foot", Y, 80), "left_ankle"),
        (bent("left_upper_arm", Y, 80), "left_shoulder"),
        (bent("left_thigh", Z, -25), "inside"),
    ],
)
def test_limits_reject(posture, joint):
    assert faults(posture)[joint]
    assert not possible(posture)


def test_draws_are_rotations_possible_balanced_and_repeatable(library):
    draws = [library.draw(np.random.default_rng(seed), "train") for seed in range(150)]
    rotations = np.stack([sample.rotations for sample in draws])
    assert np.abs(rotations @ np.swapaxes(rotations, -1, -2) - np.eye(3)).max() < 1e-5
    assert np.linalg.det(rotations).min() > 0.99
    assert possible(rotations).all()
    assert {sample.support for sample in draws} >= {"feet", "seat", "ground"}
    again = library.draw(np.random.default_rng(7), "train")
    np.testing.assert_array_equal(again.rotations, draws[7].rotations)
    assert (again.motion, again.kind) == (draws[7].motion, draws[7].kind)


def test_splits_never_share_a_clip(library):
    generator = np.random.default_rng(2)
    clips = {
        split: {clip for _ in range(80) for clip in library.draw(generator, split).motion.split("+")}
        for split in ("train", "validation")
    }
    assert not clips["train"] & clips["validation"]
    held_out = {name for name, held in zip(library.motion_names, library.validation, strict=True) if held}
    assert clips["validation"] <= held_out
    assert [collect.held_out(name) for name in library.motion_names] == library.validation.tolist()
    with pytest.raises(ValueError, match="split must be train or validation"):
        library.draw(generator, "test")
