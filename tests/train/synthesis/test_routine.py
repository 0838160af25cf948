"""A rendered person who moves."""

import numpy as np

from train.synthesis.body import pose_joints
from train.synthesis.routine import between_keys, key_postures, render_routine


def test_a_routine_goes_through_its_postures_without_a_jump(library, pack):
    keys = key_postures(library, np.random.default_rng(4))
    frames = between_keys(keys, 141)
    np.testing.assert_allclose(frames[::20], keys, atol=1e-3)
    joints = np.stack([pose_joints(pack.skeleton(1), one.astype(np.float32)) for one in frames])
    assert np.linalg.norm(np.diff(joints, axis=0), axis=2).max() < 150  # mm from frame to frame


def test_only_the_person_moves_in_the_picture():
    pictures = np.stack(list(render_routine(4, 96, 3))).astype(int)
    assert pictures.shape == (3, 96, 96, 3)
    changed = np.abs(np.diff(pictures, axis=0)).max((0, 3)) > 24
    assert 0.01 < changed.mean() < 0.35
    assert not changed[:, :12].any()
