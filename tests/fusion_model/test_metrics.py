"""Measures against cases worked by hand, against scipy, and against what must not change them."""

import math

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from fusion_model import metrics
from fusion_model.skeletons import LSP_14

RNG = np.random.default_rng(0)
TARGET = RNG.normal(0, 300, (5, 17, 3))
PREDICTION = TARGET + RNG.normal(0, 60, TARGET.shape)


def test_mpjpe_and_n_mpjpe_by_hand():
    target = np.zeros((1, 2, 3))
    target[0, 1] = [100, 0, 0]
    prediction = target + np.array([[10, 0, 0], [10, 30, 40]])
    # As they are: 10 and sqrt(100 + 900 + 1600) = 50.99. Relative to joint 0: 0 and 50.
    assert metrics.mpjpe(prediction, target) == pytest.approx(25)
    assert metrics.mpjpe(prediction, target, root=None) == pytest.approx((10 + math.sqrt(2600)) / 2)
    target, prediction = np.zeros((2, 1, 3, 3))
    target[0, 1:] = [[100, 0, 0], [0, 100, 0]]
    assert metrics.n_mpjpe(target / 7, target) == pytest.approx(0)
    assert metrics.n_mpjpe(prediction, target) == pytest.approx(200 / 3)
    prediction[0, 1] = [50, 0, 0]
    # scale = 50 * 100 / 50**2 = 2, so joint 1 fits, joint 2 is 100 away: 100 / 3.
    assert metrics.n_mpjpe(prediction, target) == pytest.approx(100 / 3)
    both = np.concatenate((prediction, target / 7)), np.concatenate((target, target))
    assert metrics.n_mpjpe(*both) == pytest.approx(100 / 6), "a scale for each"
    assert metrics.n_mpjpe(target + 100, target, root=None) > 10


def test_align_agrees_with_scipy_and_never_reflects():
    sizes = np.arange(1, 6)[:, None, None]
    predictions = PREDICTION * sizes * [-1, 1, 1] + sizes  # of other sizes, at other places, and mirrored
    targets, middles = TARGET - TARGET.mean(1, keepdims=True), predictions.mean(1, keepdims=True)
    for scaled in (False, True):
        expected = []
        for one, target in zip(predictions - middles, targets, strict=True):
            turned = Rotation.align_vectors(target, one)[0].apply(one)
            expected.append(turned * ((turned * target).sum() / (one**2).sum() if scaled else 1))
        np.testing.assert_allclose(metrics.align(predictions, targets + 9, scale=scaled) - 9, expected, atol=1e-5)
        error = np.linalg.norm(expected - targets, axis=-1).mean()
        assert metrics.pa_mpjpe(predictions, targets, scale=scaled) == pytest.approx(error)
    spot = np.linalg.norm(targets, axis=-1).mean()
    assert metrics.pa_mpjpe(0 * targets, targets) == pytest.approx(spot), "all joints on one spot"


def test_pcp_by_hand():
    target = np.array([[[0, 0], [10, 0], [10, 20]]], float)
    prediction = target + np.array([[4, 0], [6, 0], [0, 9]])
    bones = [(0, 1), (1, 2)]
    # Bone 0, length 10: ends off by 4 and 6, 5 allowed: strictly wrong, right in the mean (5).
    # Bone 1, length 20: ends off by 6 and 9, 10 allowed: right.
    assert metrics.pcp(prediction, target, bones).tolist() == [0, 1]
    assert metrics.pcp(prediction, target, bones, rule="mean").tolist() == [1, 1]
    assert metrics.pcp(prediction, target, bones, rule="mean", threshold=0.4).tolist() == [0, 1]
    partly = metrics.pcp(prediction, target, bones, np.array([[True, True, False]]))
    assert partly == pytest.approx([0, math.nan], nan_ok=True)
    with pytest.raises(ValueError, match="'strict' or 'mean', got 'loose'"):
        metrics.pcp(prediction, target, bones, rule="loose")


def test_pck_and_pckh_by_hand():
    target = np.zeros((2, 14, 2))
    target[:, LSP_14.index("left_shoulder")] = [30, 40]  # a torso of 50 pixels, so that PCK@0.2 allows 10
    prediction = target.copy()
    prediction[0, 0] += [10, 0]  # at the limit: right
    prediction[0, 1] += [0, 10.1]  # wrong
    prediction[1, :7] += 100  # half of the second person
    assert metrics.pck(prediction, target, LSP_14) == pytest.approx((13 / 14 + 7 / 14) / 2)
    assert metrics.pck(prediction, target, LSP_14, threshold=0.21) == pytest.approx((1 + 7 / 14) / 2)
    assert metrics.pck(prediction, target, LSP_14, joints=[0, 1]) == pytest.approx((1 / 2 + 0) / 2)
    labelled = np.ones((2, 14), bool)
    labelled[0, 4:8] = False
    # Ten labelled joints with one wrong; right hip (2) and left shoulder (9) are among them.
    assert metrics.person_pck(prediction, target, LSP_14, labelled) == pytest.approx([9 / 10, 7 / 14])
    labelled[1, LSP_14.index("right_hip")] = False
    assert metrics.person_pck(prediction, target, LSP_14, labelled) == pytest.approx([9 / 10, math.nan], nan_ok=True)
    assert metrics.pck(prediction, target, LSP_14, labelled) == pytest.approx(9 / 10)
    assert math.isnan(metrics.pck(prediction, target, LSP_14, np.zeros((2, 14), bool)))
    with pytest.raises(ValueError, match="has 14 joints, got 13"):
        metrics.pck(prediction[:, 1:], target[:, 1:], LSP_14)
    target, prediction = np.zeros((2, 2, 3, 2))
    prediction[:, 0] = [6, 8]  # 10 off: allowed for a head of 20, not for one of 19
    assert metrics.pckh(prediction, target, [20, 19]) == pytest.approx(5 / 6)
    assert metrics.pckh(prediction, target, [20, 19], threshold=0.4) == pytest.approx(4 / 6)
    labelled = np.array([[True, True, False], [True, False, False]])
    # All people together: 2 of 3, where the mean of the people would be 1 / 2.
    assert metrics.pckh(prediction, target, [20, 19], labelled) == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match=r"head_sizes must be \(2,\), got \(3,\)"):
        metrics.pckh(prediction, target, [1, 2, 3])


def test_pck3d_auc_and_ordinal_depth_by_hand():
    target, prediction = np.zeros((2, 1, 4, 3))
    prediction[0, 1:, 0] = [150, 151, 7]
    # Of the 31 thresholds 0, 5, .., 150: joint 0 passes all, 150 passes one, 151 none, 7 all but 0 and 5: 29.
    assert metrics.auc(prediction, target) == pytest.approx((31 + 1 + 0 + 29) / (4 * 31))
    assert metrics.pck3d(prediction, target) == pytest.approx(3 / 4)
    assert metrics.pck3d(prediction + 500, target) == pytest.approx(3 / 4)
    assert metrics.pck3d(prediction, target, 7) == pytest.approx(2 / 4)
    assert metrics.pck3d(prediction + 500, target, root=None) == metrics.auc(prediction + 500, target, root=None) == 0
    # Relative to joint 1 they are off by 150, 0, 1 and 143.
    assert metrics.auc(prediction, target, root=1) == pytest.approx((1 + 31 + 30 + 2) / (4 * 31))
    target, prediction = np.zeros((2, 1, 4, 3))
    target[0, :, 2] = [0, 100, 200, 400]
    prediction[0, :, 2] = [0, 5, -1, 5]
    # Apart by more than 150: 0-2 (wrong), 0-3 (right), 1-3 (equal depths: wrong), 2-3 (right); 0-1, 1-2 are not.
    assert metrics.ordinal_depth(prediction, target) == pytest.approx(2 / 4)
    assert metrics.ordinal_depth(prediction, target, joints=[0, 1, 3]) == pytest.approx(1 / 2)
    assert metrics.ordinal_depth(prediction, target, threshold_mm=350) == 1
    assert math.isnan(metrics.ordinal_depth(prediction, target, threshold_mm=400))


def test_calibration_by_hand():
    confidence, correct = np.array([0.0, 0.1, 0.15, 0.95, 1.0]), np.array([False, True, False, True, True])
    table = metrics.reliability_table(confidence, correct)
    # Bin (0, 0.1] with 0 added: confidences 0 and 0.1, half right.
    # (0.1, 0.2]: 0.15, wrong. (0.9, 1]: mean 0.975, right.
    assert [row.count for row in table] == [2, 1, 0, 0, 0, 0, 0, 0, 0, 2]
    assert (table[0].confidence, table[0].accuracy) == (pytest.approx(0.05), 0.5)
    assert math.isnan(table[5].accuracy)
    assert (table[9].low, table[9].high) == (0.9, 1.0)
    # (2 * 0.45 + 1 * 0.15 + 2 * 0.025) / 5
    assert metrics.expected_calibration_error(confidence, correct) == pytest.approx(0.22)
    assert metrics.expected_calibration_error(confidence, correct, bins=1) == pytest.approx(0.6 - 0.44)
    assert math.isnan(metrics.expected_calibration_error(confidence[:0], correct[:0]))
    with pytest.raises(ValueError, match=r"one shape, got \(5,\) and \(4,\)"):
        metrics.reliability_table(confidence, correct[1:])
    for wrong, found in ((2 * confidence, "0.0 to 2.0"), (-confidence, "-1.0 to -0.0")):
        with pytest.raises(ValueError, match=rf"\[0, 1\], got {found}"):
            metrics.reliability_table(wrong, correct)


@pytest.mark.parametrize("measure", [metrics.mpjpe, metrics.n_mpjpe, metrics.pa_mpjpe, metrics.pck3d, metrics.auc])
def test_shapes_are_checked(measure):
    with pytest.raises(ValueError, match=r"\(5, 17, 3\) and \(5, 16, 3\)"):
        measure(TARGET, TARGET[:, 1:])
    with pytest.raises(ValueError, match=r"\(17, 3\)"):
        measure(TARGET[0], TARGET[0])
