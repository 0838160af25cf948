"""Limbs, joints, heads and trunks as triangles."""

import numpy as np
import pytest

from demo.drawing.body_mesh import body_mesh
from demo.drawing.stage import upright
from fusion_model.skeletons import COCO_17, HUMAN36M_17

OPAQUE = np.ones(17)


def test_the_body_is_flat_across_the_chest_ends_at_the_head_and_grows_with_its_height(pose):
    points = upright(pose.joints_3d)
    mesh = body_mesh(HUMAN36M_17, points, OPAQUE, 1700)
    assert mesh.corners[:, 2].max() == pytest.approx(760, abs=12)
    waist = mesh.corners[np.abs(mesh.corners[:, 2] - 400) < 40]
    chest = waist[np.abs(waist[:, 0]) < 200]
    assert np.ptp(chest[:, 0]) > 1.3 * np.ptp(chest[:, 1])  # faces the camera: wide to the right, flat in depth
    tall = body_mesh(HUMAN36M_17, points, OPAQUE, 3400)
    assert np.ptp(tall.corners[:, 1]) > 1.2 * np.ptp(mesh.corners[:, 1])


@pytest.mark.parametrize("skeleton", [COCO_17, HUMAN36M_17], ids=lambda one: one.name)
@pytest.mark.parametrize("size", [0, 300])
def test_any_joint_set_is_drawn_even_in_one_place(skeleton, size):
    points = size * np.random.default_rng(0).normal(size=(17, 3))
    mesh = body_mesh(skeleton, points, OPAQUE, 1700)
    assert np.isfinite(mesh.corners).all()
    assert mesh.faces.max() < len(mesh.corners)
