"""The paper's tables: metrics against independent computations, averages against the paper's own, cases by hand."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from fusion_model.skeletons import HUMAN36M_17, HUMANEVA_15, LSP_14, MPII_16
from train.evaluation import paper, protocols
from train.evaluation.protocols import Predictions


def poses(count, joints, seed=0):
    return np.random.default_rng(seed).normal(0, 300, (count, joints, 3))


def human36m_people(actions, found, true):
    count = len(actions)
    columns = {"action": np.array(actions), "joints_3d": true, "subject": np.full(count, "S9")}
    return Predictions(HUMAN36M_17, columns | {"camera": np.full(count, "54138969")}, found[..., :2], found)


def test_averages_are_those_that_the_paper_prints():
    for name, row in paper.TABLE_1.items():
        again = protocols.with_averages(dict(zip(paper.ACTIONS, row[:15], strict=True)))
        if "Pavlakos" not in name:
            assert again == pytest.approx(row, abs=0.01)  # 0.005 for the actions' rounding, and for its own
    for row in paper.TABLE_3.values():
        assert np.mean(row[:3]) == pytest.approx(row[3], abs=0.35)  # of Zhou et al. by 0.34
    totals = [np.average(row[:6], weights=(1, 1, 2, 2, 2, 2)) for row in paper.TABLE_4.values()]
    assert totals == pytest.approx([86.8, 95.2, np.nan, 79.5, np.nan, 43.2, 68.9], nan_ok=True)


def test_actions_weigh_alike_and_a_missing_one_leaves_no_average():
    # Sitting twice (10 and 30 mm), SittingDown once (100 mm), by moving 16 joints of 17.
    true, found = np.zeros((3, 17, 3)), np.zeros((3, 17, 3))
    found[:, 1:, 2] = np.array([10, 30, 100])[:, None] * 17 / 16
    table = protocols.human36m(human36m_people(["Sitting", "Sitting", "SittingDown"], found + 70, true))
    row = dict(zip(table.columns, table.rows["this checkpoint"], strict=True))
    assert (row["Sitting"], row["Sitting Down"]) == pytest.approx((20, 100))
    assert np.isnan([row["Walking"], row["6 actions"], row["all"]]).all()
    assert {name: count for name, count in table.counts.items() if count} == {"Sitting": 2, "Sitting Down": 1, "all": 3}
    assert "Walking" in table.notes[1]
    true = poses(1, 17)
    moved = 2 * true[..., [1, 0, 2]] * (1, -1, 1) + 50  # turned, scaled and shifted
    aligned, *printed = protocols.human36m_aligned(human36m_people(["Posing"], moved, true)).rows.values()
    assert aligned[5] == pytest.approx(0, abs=1e-6)
    assert [row[-1] for row in printed] == [50.12, 82.3, 93.15]


def test_table_3_by_hand():
    """People who are turned, shifted and too large; the head of one frame is without motion capture."""
    true, known, sizes = poses(6, 15), np.ones((6, 15), bool), np.array([1.1, 1, 1.2, 1.2, 1.2, 1.3])
    turned = true * sizes[:, None, None] @ Rotation.from_euler("xyz", (20, 30, 40), degrees=True).as_matrix() + 70
    known[2, 14], true[2, 14] = False, np.nan
    columns = {"subject": np.array(["S1", "S2", "S2", "S3", "S3", "S3"]), "joints_3d": true, "has_3d": known}
    table = protocols.humaneva(Predictions(HUMANEVA_15, columns, turned[..., :2], turned))
    (name, rigid), (_, scaled), *_ = table.rows.items()
    far = np.nanmean(np.linalg.norm(true - np.nanmean(true, 1, keepdims=True), axis=-1), 1) * (sizes - 1)
    means = far[0], far[1:3].mean(), far[3:].mean()
    assert (name, rigid) == ("this checkpoint, rigid", pytest.approx((*means, sum(means) / 3), abs=1e-6))
    assert scaled == pytest.approx([0] * 4, abs=1e-6)
    assert list(table.counts.values()) == [1, 2, 3, 6]
    with pytest.raises(ValueError, match="a frame has 2 joints in 3D"):
        protocols.aligned_errors(turned, true, known & (np.arange(15) < 2), scale=False)


def test_parts_of_table_4_by_hand():
    # A person of LSP's joints and the middle of the hips; every part is checked through one joint that moves.
    true = np.zeros((1, 15, 3))
    for side, x in (("right", -1), ("left", 1)):
        at = {"hip": (100, 0), "knee": (100, 400), "ankle": (100, 800), "shoulder": (150, -500), "elbow": (150, -200),
              "wrist": (150, 50)}  # fmt: skip
        for name, place in at.items():
            true[0, LSP_14.index(f"{side}_{name}"), :2] = np.multiply(place, (x, 1))
    true[0, LSP_14.index("neck"), 1] = -500
    found = true.copy()
    # The left wrist is 200 mm off, its lower arm 250 long: the mean of its ends is 100 <= 125, the wrist is 200 > 125.
    found[0, LSP_14.index("left_wrist"), 2] = 200
    assert protocols.part_percents(found, true, "mean") == pytest.approx((100,) * 7)
    assert protocols.part_percents(found, true, "strict") == pytest.approx((100, 100, 100, 50, 100, 100, 90))
    # A right hip 60 mm aside moves all others by 30: the right lower arm, 230 and 0 off, is (260 + 30) / 2 > 125 off.
    other = found[:, :14] + 300
    other[0, [LSP_14.index("right_hip"), LSP_14.index("right_wrist")], 0] += 60, -230
    other[0, LSP_14.index("neck"), 2] += 600  # more than the torso, to the middle of the hips, is long
    columns = {"joints_3d": true[:, :14], "sequence": np.array(["1"])}
    mean, strict, *_ = protocols.kth(Predictions(LSP_14, columns, other[..., :2], other)).rows.items()
    assert (mean[0], mean[1]) == ("this checkpoint, mean of the ends", pytest.approx((100, 0, 100, 50, 100, 100, 80)))
    assert strict[1] == pytest.approx((100, 0, 100, 0, 100, 100, 70))
    # At 260 mm the mean is 130 > 125: wrong by both.
    found[0, LSP_14.index("left_wrist"), 2] = 260
    assert protocols.part_percents(found, true, "mean") == pytest.approx((100, 100, 100, 50, 100, 100, 90))


def flat_people(skeleton, true, found, **columns):
    shown = np.full(true.shape[:2], 2)
    return Predictions(
        skeleton, {"joints_2d": true, "visible": shown, **columns}, found, np.zeros((*true.shape[:2], 3))
    )


def test_pck_and_pckh_by_hand():
    # Torso 100 px: 20 are allowed. The left wrist is off by 20 (right), the right by 21 (wrong), the neck by 30
    # (wrong). Wrists: 1 of 2; head: 1 of 2; of 14 joints 12 are right.
    true = np.zeros((1, 14, 2))
    true[0, LSP_14.index("left_shoulder"), 1] = 100
    found = true.copy()
    for name, off in (("left_wrist", 20), ("right_wrist", 21), ("neck", 30)):
        found[0, LSP_14.index(name), 0] = off
    row = protocols.lsp(flat_people(LSP_14, true, found)).rows["this checkpoint"]
    assert row == pytest.approx((50, 100, 100, 50, 100, 100, 100, 100 * 12 / 14))
    # Heads of 40 and 60 px: 20 and 30 are allowed. Both people's left knees are off by 25: right for the second alone,
    # so of four knees three are right. The first one's pelvis is wrong and not counted; the second one's head top is
    # wrong but not labelled. Labelled and counted: 14 + 13 joints, 26 of them right.
    true, found = np.zeros((2, 16, 2)), np.zeros((2, 16, 2))
    found[:, MPII_16.index("left_knee"), 0] = 25
    found[0, MPII_16.index("pelvis"), 0] = found[1, MPII_16.index("head_top"), 0] = 99
    people = flat_people(MPII_16, true, found, head_size=np.array([40.0, 60]))
    people.columns["visible"][1, MPII_16.index("head_top")] = 0
    row = protocols.mpii(people).rows["this checkpoint"]
    assert row == pytest.approx((100, 100, 100, 100, 100, 75, 100, 100 * 26 / 27))


def test_3dhp_by_hand():
    # One frame of TS1: of 14 joints the left wrist is off by 140 mm (within 150), the right by 160; spine and neck,
    # which are not counted, by 999. PCK 13/14; MPJPE 300/14. AUC of thresholds 0, 5, .., 150: 12 joints count at all
    # 31, the left wrist at 140, 145 and 150: (12 * 31 + 3) / (14 * 31).
    true = np.zeros((1, 17, 3))
    found = true.copy()
    for name, off in (("left_wrist", 140), ("right_wrist", 160), ("spine", 999), ("neck", 999)):
        found[0, HUMAN36M_17.index(name), 0] = off
    people = Predictions(HUMAN36M_17, {"joints_3d": true, "subject": np.array(["TS1"])}, found[..., :2], found + 70)
    table = protocols.mpi_inf_3dhp(people)
    first = [row[0] for row in table.rows.values()]
    assert first == pytest.approx([100 * 13 / 14, 100 * (12 * 31 + 3) / (14 * 31), 300 / 14])
    assert np.isnan([row[1] for row in table.rows.values()]).all()


def test_each_protocol_counts_its_own_people():
    usual = {"split": "test", "action": "Walking", "subject": "S2", "camera": "C1", "head_size": 9.0}
    others = [{}, {"split": "train"}, {"split": "validation"}, {"split": "validation", "head_size": 0.0}]
    others += [{"action": "Jog"}, {"subject": "S4"}, {"camera": "C2"}, {"camera": "1"}, {"subject": "player 2"}]
    others += [{"subject": "player 2", "camera": "1"}]
    columns = {name: np.array([(usual | other)[name] for other in others]) for name in usual}
    counted = {name: np.flatnonzero(one.people(columns)).tolist() for name, one in protocols.PROTOCOLS.items()}
    own = {"humaneva": [0], "kth-pcp": [9], "mpii-pckh": [2], "limbs": [0, *range(2, 10)]}
    assert counted == {name: [0, *range(4, 10)] for name in counted} | own


@pytest.mark.parametrize("skeleton", [HUMAN36M_17, LSP_14])
def test_limbs_by_hand(skeleton):
    # Torso 100 px, 20 allowed: of 12 limb joints the right wrist is off by 21 and wrong, the neck is not counted. In 3D
    # the left wrist is off by 120 mm: a mean of 120 / 12. The second person has no torso labelled in 2D and no right
    # ankle in 3D, and counts in neither.
    flat = np.zeros((2, len(skeleton), 2))
    flat[:, skeleton.index("left_shoulder"), 1] = 100
    found = flat.copy()
    found[:, skeleton.index("right_wrist"), 0] = 21
    found[:, skeleton.index("neck"), 0] = 99
    true = np.random.default_rng(0).normal(0, 300, (2, len(skeleton), 3))
    moved = true + np.array([5.0, 6, 7])  # relative to pelvis or hips
    moved[:, skeleton.index("left_wrist"), 2] += 120
    shown, known = np.full(flat.shape[:2], 2), np.ones(flat.shape[:2], bool)
    shown[1, skeleton.index("right_hip")] = 0
    known[1, skeleton.index("right_ankle")] = False
    columns = {"joints_2d": flat, "visible": shown, "joints_3d": true, "has_3d": known}
    table = protocols.limbs(Predictions(skeleton, columns | {"split": np.array(["test", "test"])}, found, moved))
    pck, error, fitted = table.rows["this checkpoint"]
    assert (pck, error) == pytest.approx((100 * 11 / 12, 10))
    assert 0 < fitted < 120  # fitting spreads what one joint is off
    assert list(table.counts.values()) == [1, 1, 1]
