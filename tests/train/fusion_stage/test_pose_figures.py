"""Figures of poses against hand-made cases."""

import numpy as np

from fusion_model.skeletons import HUMAN36M_17
from tests.helpers.earlier import assert_as_before
from train.fusion_stage.pose_figures import crossing_order, known, pose_figures, pose_panels


def _crossed_shins(left_depth, right_depth):
    """A pose whose legs cross below the knees, at these depths."""
    pose = np.zeros((17, 3))
    pose[:, 0], pose[:, 1] = 1000 + 100 * np.arange(17), 5000  # everything else far apart
    for side, sign, depth in (("left", 1, left_depth), ("right", -1, right_depth)):
        for name, x, y in (("hip", sign * 100, 0), ("knee", sign * 100, 400), ("ankle", -sign * 100, 800)):
            pose[HUMAN36M_17.index(f"{side}_{name}")] = x, y, depth
    return pose


def test_which_of_two_crossing_limbs_is_in_front():
    truth = np.stack([_crossed_shins(100, 0), _crossed_shins(0, 100), _crossed_shins(40, 0)])
    assert crossing_order(truth, truth) == (100.0, 2), "the third is too near to count"
    assert crossing_order(truth * [1, 1, -1], truth) == (0.0, 2)
    found = np.stack([_crossed_shins(1, 0), _crossed_shins(1, 0), _crossed_shins(1, 0)])
    assert crossing_order(found, truth) == (50.0, 2)
    assert crossing_order(truth[:0], truth[:0]) == (None, 0)


def test_figures_and_panels_are_as_before():
    one, other = np.random.default_rng(0).normal(0, 300, (2, 60, 17, 3))
    assert_as_before("pose figures", [pose_figures(one, other), crossing_order(one, other)], file="stages.json")
    assert_as_before("pose panels", pose_panels(one[:2], other[:2]), 0.1, "stages.json")
    assert known({"a": np.nan, "b": 0.0}) == {"b": 0.0}
