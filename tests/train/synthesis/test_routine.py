"""A rendered person who moves."""

import numpy as np
import pytest

from fusion_model.skeletons import HUMAN36M_17
from train.synthesis.body import pose_joints
from train.synthesis.routine import between_keys, key_postures, render_routine

WRISTS = [HUMAN36M_17.index("left_wrist"), HUMAN36M_17.index("right_wrist")]


@pytest.fixture(scope="module")
def keys(library):
    return key_postures(library, np.random.default_rng(4))


@pytest.fixture(scope="module")
def joints_of(pack):
    """A function that gives the joints (T, 17, 3) in mm of postures, y up."""
    person = pack.person(int(pack.subjects("train")[0]))
    return lambda postures: np.stack([pose_joints(person, one.astype(np.float32)) for one in postures])


def test_a_routine_goes_through_its_postures_without_a_jump(keys, joints_of):
    frames = between_keys(keys, 141)
    np.testing.assert_allclose(frames[::20], keys, atol=1e-3)
    np.testing.assert_allclose(np.linalg.det(frames), 1, atol=1e-6)
    assert np.linalg.norm(np.diff(joints_of(frames), axis=0), axis=2).max() < 150  # mm from frame to frame


def test_only_the_person_moves_in_the_picture():
    pictures = np.stack(list(render_routine(4, 96, 3))).astype(int)
    assert pictures.shape == (3, 96, 96, 3)
    changed = np.abs(np.diff(pictures, axis=0)).max((0, 3)) > 24
    assert 0.01 < changed.mean() < 0.35
    assert not changed[:, :12].any()
