"""How far joints may be off, from the sigma of their maps."""

import numpy as np
import pytest
import torch

from demo.drawing.uncertainty import joint_sigma, joint_spread
from fusion_model.heatmaps import encode
from fusion_model.skeletons import HUMAN36M_17, MPII_16

WRIST = HUMAN36M_17.index("left_wrist")


def maps(pose, sigma):
    """Blobs of that width in map pixels, at the middle of each map."""
    middle = torch.full((16, 2), 31.5)
    return encode(middle, tuple(pose.heatmaps.shape[1:]), sigma).numpy()


@pytest.mark.parametrize("sigma", [1.5, 4.0])
def test_the_sigma_is_that_of_the_map_in_millimetres(change_pose, sigma):
    pose = change_pose(heatmaps=maps(change_pose(), sigma))
    millimetres = (pose.box[2] - pose.box[0]) / 64 * 1900 / 300  # of one map pixel: the photo is 300 high
    assert joint_sigma(pose)[WRIST] == pytest.approx(sigma * millimetres, rel=0.25)


def test_a_wider_map_has_a_larger_sigma(change_pose):
    narrow, wide = (joint_sigma(change_pose(heatmaps=maps(change_pose(), sigma))) for sigma in (1.5, 3.0))
    assert (wide > narrow).all()


def test_a_derived_joint_has_the_mean_sigma_of_its_sources(change_pose):
    heat = maps(change_pose(), 1.5)
    heat[MPII_16.index("pelvis")] = maps(change_pose(), 4.0)[0]
    sigma = joint_sigma(change_pose(heatmaps=heat))
    pelvis, spine, thorax = (sigma[HUMAN36M_17.index(name)] for name in ("pelvis", "spine", "thorax"))
    assert spine == pytest.approx((pelvis + thorax) / 2)


def test_a_joint_outside_or_without_a_map_has_no_sigma(change_pose):
    status = tuple("outside" if joint == WRIST else "seen" for joint in range(17))
    assert np.isnan(joint_sigma(change_pose(status=status))[WRIST])
    assert np.isnan(joint_sigma(change_pose(heatmaps=np.zeros((16, 64, 64), np.float32)))).all()
    assert np.isnan(joint_sigma(change_pose(joints_3d=np.zeros((17, 3), np.float32)))).all()


def test_the_spread_grows_with_the_map_and_is_wider_in_depth(change_pose):
    narrow, wide = (joint_spread(change_pose(heatmaps=maps(change_pose(), sigma))) for sigma in (1.5, 3.0))
    assert narrow.shape == (17, 3)
    assert (wide > narrow).all()
    assert (narrow[:, 2] > narrow[:, 0]).all()
    assert np.array_equal(narrow[:, 0], narrow[:, 1])
    assert narrow[WRIST, 0] == pytest.approx(0.85 * joint_sigma(change_pose(heatmaps=maps(change_pose(), 1.5)))[WRIST])


def test_the_spread_of_a_map_all_over_is_bounded_and_of_none_unknown(change_pose):
    everywhere = joint_spread(change_pose(heatmaps=np.ones((16, 64, 64), np.float32)))
    assert everywhere.max() < 300
    assert np.isnan(joint_spread(change_pose(heatmaps=np.zeros((16, 64, 64), np.float32)))).all()
