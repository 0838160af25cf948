"""Joint sets, the weak-perspective camera, and which joints are seen, guessed or outside, worked by hand."""

import numpy as np
import pytest

from fusion_model.projection import fit_camera, joint_status, to_photo_joints
from fusion_model.skeletons import COCO_17, HUMAN36M_17, MPII_16, SKELETONS, conversion_matrix, derived_joints
from tests.helpers.earlier import assert_as_before

# Four joints of a flat person: shoulder, hip, knee, ankle, 500 mm apart on one line; 0.1 px a mm would be 50 px.
LINE = np.array([[0.0, -500.0, 0.0], [0.0, 0.0, 10.0], [0.0, 500.0, -20.0], [0.0, 1000.0, 30.0]])
SEEN = [[50, 20], [50, 70], [50, 120]]  # on the line, at 0.1 px a mm; the ankle belongs at (50, 170)


def test_fit_camera_recovers_scale_and_shift_from_trusted_joints_and_never_turns_the_person_over():
    joints_3d, weight = np.random.default_rng(0).normal(0, 400, (17, 3)), np.linspace(0, 1, 17)
    joints_2d = 0.2 * joints_3d[:, :2] + [40, 60]
    joints_2d[0] = [900, -900]  # of weight 0
    scale, shift = fit_camera(joints_2d, joints_3d, weight)
    assert scale == pytest.approx(0.2)
    assert np.allclose(shift, [40, 60])
    scale, shift = fit_camera(-LINE[:, :2], LINE, np.ones(4))
    assert scale == 0
    assert np.allclose(shift, [0, -250])  # the middle of the 2D joints
    for joints_3d, weight in ((LINE, np.zeros(4)), (np.zeros((4, 3)), np.ones(4))):
        scale, shift = fit_camera(LINE[:, :2], joints_3d, weight)
        assert np.isfinite([scale, *shift]).all()


def seen_at(joints_2d, confidence, shape):
    return joint_status(np.array(joints_2d, float), LINE, np.array(confidence), shape, 0.5)


@pytest.mark.parametrize(
    ("ankle", "confidence", "rows", "status", "placed"),
    [
        ([50, 170], 0.7, 200, "seen", [50, 170]),
        ([80, 150], 0.2, 200, "guessed", [80, 150]),  # the pose would put it within the photo: the peak is kept
        ([80, 110], 0.2, 150, "outside", [50, 170]),  # the pose puts it below a photo of 150 rows
        ([50, 170], 0.9, 150, "outside", [50, 170]),  # a peak beyond the photo, however sure
        ([50, 170], 0.9, 170.6, "seen", [50, 170]),  # the photo ends half a pixel after its last center
        ([50, 170], 0.9, 170.4, "outside", [50, 170]),
        ([-0.4, 170], 0.9, 200, "seen", [-0.4, 170]),
        ([-0.6, 170], 0.9, 200, "outside", [-0.6, 170]),  # the pose would put it within the photo: the peak is kept
    ],
)
def test_a_joint_is_seen_guessed_or_outside(ankle, confidence, rows, status, placed):
    moved, found = seen_at([*SEEN, ankle], [0.9, 0.9, 0.5, confidence], (rows, 100))
    assert found == ("seen", "seen", "seen", status)
    assert np.allclose(moved, [*SEEN, placed])
    moved, _ = seen_at([*SEEN[:2], [53, 120], [80, 110]], [0.9, 0.9, 0.5, 0.2], (150, 100))
    assert moved[3].tolist() == pytest.approx([50 + 3 * 0.5 / 2.3, 170]), "the surer count more"


def test_fewer_than_three_seen_joints_place_nothing():
    points = [[50, 20], [50, 70], [20, 30], [80, 110]]
    moved, status = seen_at(points, [0.9, 0.9, 0.4, 0.2], (150, 100))
    assert (status, moved.tolist()) == (("seen", "seen", "guessed", "guessed"), points)


def test_sixteen_joints_become_seventeen():
    points, confidence = np.random.default_rng(1).uniform(0, 100, (16, 2)), np.linspace(0.5, 1, 16)
    confidence[MPII_16.index("thorax")] = 0.1
    found, trust, derived = to_photo_joints(points, confidence)
    assert derived == ("spine",)
    for number, name in enumerate(HUMAN36M_17.joints):
        of = ["pelvis", "thorax"] if name == "spine" else [name]  # no surer than the less sure of the two
        rows = [MPII_16.index(one) for one in of]
        assert np.allclose(found[number], points[rows].mean(0))
        assert trust[number] == confidence[rows].min()


def test_trees_mirrors_and_conversions_are_as_before():
    joint_sets = SKELETONS.values()
    sides = [[one.root, one.mirror, one.bones, [one.side(joint) for joint in range(len(one))]] for one in joint_sets]
    pairs = [(source, target) for source in joint_sets for target in joint_sets]
    between = [(conversion_matrix(*pair), list(derived_joints(*pair))) for pair in pairs]
    assert_as_before("skeletons", [list(joint_sets), sides, between], near=1e-9, file="model.json")
    for skeleton in joint_sets:
        with pytest.raises(ValueError, match=f"{skeleton.name} has no joint 'tail'; it has"):
            skeleton.index("tail")


def test_conversions_by_hand():
    matrix = conversion_matrix(COCO_17, HUMAN36M_17)
    assert derived_joints(COCO_17, HUMAN36M_17) == ("pelvis", "spine", "thorax")
    spine = matrix[HUMAN36M_17.index("spine")]
    four = [COCO_17.index(f"{side}_{name}") for side in ("left", "right") for name in ("hip", "shoulder")]
    assert spine[four].tolist() == [0.25] * 4, "half of each middle"
    assert matrix[HUMAN36M_17.index("head_top")].sum() == 0
