"""How far joints may be off, from the spread of their maps."""

import numpy as np
import pytest
import torch

from demo.drawing.uncertainty import joint_spread
from fusion_model.heatmaps import encode
from fusion_model.skeletons import HUMAN36M_17, MPII_16

WRIST = HUMAN36M_17.index("left_wrist")


def maps(pose, sigma):
    """Blobs of that width in map pixels, at the middle of each map."""
    middle = torch.full((16, 2), 31.5)
    return encode(middle, tuple(pose.heatmaps.shape[1:]), sigma).numpy()


@pytest.mark.parametrize("sigma", [1.5, 4.0])
def test_the_spread_is_that_of_the_map_in_millimetres(change_pose, sigma):
    pose = change_pose(heatmaps=maps(change_pose(), sigma))
    millimetres = (pose.box[2] - pose.box[0]) / 64 * 1900 / 300  # of one map pixel: the photo is 300 high
    assert joint_spread(pose)[WRIST] == pytest.approx(sigma * millimetres, rel=0.25)


def test_a_wider_map_is_a_wider_doubt(change_pose):
    narrow, wide = (joint_spread(change_pose(heatmaps=maps(change_pose(), sigma))) for sigma in (1.5, 3.0))
    assert (wide > narrow).all()


def test_a_spine_is_as_sure_as_what_it_is_made_of(change_pose):
    heat = maps(change_pose(), 1.5)
    heat[MPII_16.index("pelvis")] = maps(change_pose(), 4.0)[0]
    spread = joint_spread(change_pose(heatmaps=heat))
    pelvis, spine, thorax = (spread[HUMAN36M_17.index(name)] for name in ("pelvis", "spine", "thorax"))
    assert spine == pytest.approx((pelvis + thorax) / 2)


def test_nothing_is_said_of_what_is_outside_or_has_no_map(change_pose):
    status = tuple("outside" if joint == WRIST else "seen" for joint in range(17))
    assert np.isnan(joint_spread(change_pose(status=status))[WRIST])
    assert np.isnan(joint_spread(change_pose(heatmaps=np.zeros((16, 64, 64), np.float32)))).all()
    assert np.isnan(joint_spread(change_pose(joints_3d=np.zeros((17, 3), np.float32)))).all()
