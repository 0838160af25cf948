"""The weak-perspective camera, and which joints are seen, guessed or outside, worked by hand."""

import numpy as np
import pytest

from fusion_model.projection import fit_camera, joint_status, to_photo_joints
from fusion_model.skeletons import HUMAN36M_17, MPII_16

# Four joints of a flat person: shoulder, hip, knee, ankle, 500 mm apart on one line; 0.1 px a mm would be 50 px.
LINE = np.array([[0.0, -500.0, 0.0], [0.0, 0.0, 10.0], [0.0, 500.0, -20.0], [0.0, 1000.0, 30.0]])


def test_fit_camera_recovers_scale_and_shift():
    generator = np.random.default_rng(0)
    for _ in range(20):
        joints_3d = generator.normal(0, 400, (17, 3))
        scale, shift = generator.uniform(0.01, 3), generator.uniform(-500, 500, 2)
        found, moved = fit_camera(scale * joints_3d[:, :2] + shift, joints_3d, generator.uniform(0, 1, 17))
        assert found == pytest.approx(scale)
        assert np.allclose(moved, shift)


def test_fit_camera_looks_at_trusted_joints_only():
    joints_2d = 0.2 * LINE[:, :2] + [40, 60]
    joints_2d[3] = [900, -900]
    scale, shift = fit_camera(joints_2d, LINE, np.array([1.0, 0.5, 0.8, 0.0]))
    assert scale == pytest.approx(0.2)
    assert np.allclose(shift, [40, 60])


def test_fit_camera_never_turns_the_person_over():
    scale, shift = fit_camera(-LINE[:, :2], LINE, np.ones(4))
    assert scale == 0
    assert np.allclose(shift, [0, -250])  # the middle of the 2D joints


def test_fit_camera_without_trust_or_extent_stays_finite():
    for joints_3d, weight in ((LINE, np.zeros(4)), (np.zeros((4, 3)), np.ones(4))):
        scale, shift = fit_camera(LINE[:, :2], joints_3d, weight)
        assert np.isfinite(scale)
        assert np.isfinite(shift).all()


def seen_at(joints_2d, confidence, shape):
    return joint_status(np.array(joints_2d, float), LINE, np.array(confidence), shape, 0.5)


SEEN = [[50, 20], [50, 70], [50, 120]]  # on the line, at 0.1 px a mm; the ankle belongs at (50, 170)


@pytest.mark.parametrize(
    ("ankle", "confidence", "rows", "status", "placed"),
    [
        ([50, 170], 0.7, 200, "seen", [50, 170]),
        ([80, 150], 0.2, 200, "guessed", [80, 150]),  # the pose would put it within the photo: the peak is kept
        ([80, 110], 0.2, 150, "outside", [50, 170]),  # the pose puts it below a photo of 150 rows
        ([50, 170], 0.9, 150, "outside", [50, 170]),  # a peak beyond the photo, however sure
    ],
)
def test_a_joint_is_seen_guessed_or_outside(ankle, confidence, rows, status, placed):
    moved, found = seen_at([*SEEN, ankle], [0.9, 0.9, 0.5, confidence], (rows, 100))
    assert found == ("seen", "seen", "seen", status)
    assert moved[:3].tolist() == SEEN
    assert np.allclose(moved[3], placed)
    assert status == "outside" or moved[3].tolist() == placed


def test_the_photo_ends_half_a_pixel_after_its_last_center():
    for row, expected in ((99.4, "seen"), (99.6, "outside")):
        assert seen_at([[50, 0], [50, 33], [50, 66], [50, row]], [0.9] * 4, (100, 100))[1][3] == expected
    for column, expected in ((-0.4, "seen"), (-0.6, "outside")):
        assert seen_at([[column, 0], [50, 33], [50, 66], [50, 99]], [0.9] * 4, (100, 100))[1][0] == expected


def test_fewer_than_three_seen_joints_place_nothing():
    points = [[50, 20], [50, 70], [20, 30], [80, 110]]
    moved, status = seen_at(points, [0.9, 0.9, 0.4, 0.2], (150, 100))
    assert status == ("seen", "seen", "guessed", "guessed")
    assert moved.tolist() == points


def test_sixteen_joints_become_seventeen():
    generator = np.random.default_rng(1)
    points, confidence = generator.uniform(0, 100, (16, 2)), generator.uniform(0.5, 1, 16)
    confidence[MPII_16.index("thorax")] = 0.1
    found, trust, derived = to_photo_joints(points, confidence)
    assert found.shape == (17, 2)
    assert derived == ("spine",)
    for name in HUMAN36M_17.joints:
        if name in MPII_16.joints:
            assert np.allclose(found[HUMAN36M_17.index(name)], points[MPII_16.index(name)])
            assert trust[HUMAN36M_17.index(name)] == confidence[MPII_16.index(name)]
    ends = points[[MPII_16.index("pelvis"), MPII_16.index("thorax")]]
    assert np.allclose(found[HUMAN36M_17.index("spine")], ends.mean(0))
    assert trust[HUMAN36M_17.index("spine")] == 0.1  # no surer than the less sure of the two it is made of
