"""Limbs, joints, heads and trunks as triangles."""

import numpy as np
import pytest

from demo.drawing.body_mesh import body_mesh, capsule, ellipsoid
from demo.drawing.shades import COLOUR_SCALE, shade, side_css
from demo.drawing.stage import upright
from fusion_model.skeletons import COCO_17, HUMAN36M_17


def volume(mesh):
    """Of a closed mesh, which has to be wound one way throughout."""
    a, b, c = np.moveaxis(mesh.corners[mesh.faces], 1, 0)
    return np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6


def test_a_capsule_has_round_ends_of_its_radii_and_the_right_volume():
    mesh = capsule(np.array([(0.0, 0, 0), (0, 300, 0)]), np.array([40, 40]), [3, 3], steps=48)
    assert mesh.corners.min(0) == pytest.approx([-40, -40, -40], abs=0.5)
    assert mesh.corners.max(0) == pytest.approx([40, 340, 40], abs=0.5)
    whole = np.pi * 40**2 * 300 + 4 / 3 * np.pi * 40**3
    assert abs(volume(mesh)) == pytest.approx(whole, rel=0.05)


def test_a_capsule_of_one_point_is_a_sphere():
    mesh = capsule(np.full((2, 3), 7.0), np.array([20, 20]), [0, 0])
    assert np.linalg.norm(mesh.corners - 7, axis=1) == pytest.approx(np.full(len(mesh.corners), 20))


def test_an_ellipsoid_has_its_half_axes_and_the_right_volume():
    mesh = ellipsoid(np.array([1.0, 2, 3]), np.array([10, 20, 30]), 0, steps=48)
    assert np.ptp(mesh.corners, axis=0) / 2 == pytest.approx([10, 20, 30], rel=0.01)
    assert mesh.corners.mean(0) == pytest.approx([1, 2, 3], abs=1)
    assert abs(volume(mesh)) == pytest.approx(4 / 3 * np.pi * 6000, rel=0.02)


def test_the_trunk_is_flat_across_the_chest_and_the_body_grows_with_its_height(pose):
    points = upright(pose.joints_3d)
    mesh = body_mesh(HUMAN36M_17, points, np.ones(17), 1700)
    waist = mesh.corners[np.abs(mesh.corners[:, 2] - 400) < 40]
    chest = waist[np.abs(waist[:, 0]) < 200]
    assert np.ptp(chest[:, 0]) > 1.3 * np.ptp(chest[:, 1])  # faces the camera: wide to the right, flat in depth
    tall = body_mesh(HUMAN36M_17, points, np.ones(17), 3400)
    assert len(tall.corners) == len(mesh.corners)
    assert np.ptp(tall.corners[:, 1]) > 1.2 * np.ptp(mesh.corners[:, 1])


def test_the_head_ends_at_its_top(pose):
    mesh = body_mesh(HUMAN36M_17, upright(pose.joints_3d), np.ones(17), 1700)
    assert mesh.corners[:, 2].max() == pytest.approx(760, abs=12)


def test_without_shoulders_there_is_no_trunk_and_without_joints_nothing(pose):
    points, opacity = upright(pose.joints_3d), np.ones(17)
    whole = body_mesh(HUMAN36M_17, points, opacity, 1700)
    opacity[HUMAN36M_17.index("left_shoulder")] = 0
    assert len(body_mesh(HUMAN36M_17, points, opacity, 1700).corners) < len(whole.corners) - 3 * 96
    nothing = body_mesh(HUMAN36M_17, points, np.zeros(17), 1700)
    assert (nothing.corners.shape, nothing.faces.shape) == ((0, 3), (0, 3))


def test_any_joint_set_is_drawn():
    points = np.random.default_rng(0).normal(size=(17, 3)) * 300
    mesh = body_mesh(COCO_17, points, np.ones(17), 1700)
    assert np.isfinite(mesh.corners).all()
    assert mesh.faces.max() < len(mesh.corners)


def test_joints_on_one_place_are_drawn():
    mesh = body_mesh(HUMAN36M_17, np.zeros((17, 3)), np.ones(17), 1700)
    assert np.isfinite(mesh.corners).all()


@pytest.mark.parametrize("side", ["left", "right", "middle"])
@pytest.mark.parametrize("opacity", [0.0, 1.0])
def test_a_shade_is_a_byte_that_the_scale_turns_into_the_colour_of_its_side(side, opacity):
    place = shade(side, opacity) / 254
    assert 0 <= place <= 1
    assert [colour for number, colour in COLOUR_SCALE if abs(number - place) < 1e-9] == [side_css(side, opacity)]
