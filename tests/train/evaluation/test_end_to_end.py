"""The figures of ``train.evaluate`` on cases worked by hand, and those of a random estimator."""

from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fusion_model.heatmaps import encode
from fusion_model.hub.checkpoints import read_metrics
from fusion_model.skeletons import MPII_16
from tests.helpers.estimators import sure
from tests.helpers.fake_data import make_source
from train.evaluate import measure, print_figures
from train.evaluation.card import write_card
from train.evaluation.end_to_end import (
    LIMBS_16,
    LIMBS_17,
    Truth,
    estimate_people,
    limb_hits,
    second_peaks,
    shares,
    truth_of,
    with_error,
)

INDEX = {name: number for number, name in enumerate(MPII_16.joints)}


@pytest.mark.parametrize(
    ("name", "least"), [("everyday", 0.8), ("action", 0.8), ("stanford40", 0.9), ("street", 0.9), ("mpii", None)]
)
def test_truth_needs_both_ends_of_the_torso_by_hand_or_by_a_sure_teacher(name, least):
    source = make_source(name)
    if least:
        source.by_hand[:] = False
        source.weight[0], source.weight[1] = least**2, (least - 0.01) ** 2
    else:
        source.by_hand[1, INDEX["left_shoulder"]] = False
    assert truth_of(source).rows.tolist() == [0, 2, 3, 4]


def posed(joints):
    """A pose whose limb joints are these, (16, 2)."""
    points = np.zeros((17, 2))
    points[LIMBS_17] = joints[LIMBS_16]
    return SimpleNamespace(joints_2d=points)


def test_scores_of_people_by_hand():
    source = make_source("mpii", count=3)
    source.joints[:, INDEX["left_shoulder"]], source.joints[:, INDEX["right_hip"]] = (0, 0), (0, 50)  # 10 px are near
    source.by_hand[0, INDEX["left_knee"]] = False
    truth = truth_of(source)
    off = truth.joints[0].copy()
    for name, far in (("left_wrist", 10.1), ("right_wrist", 9.9), ("left_knee", 99)):  # the knee is not labelled
        off[INDEX[name], 0] += far
    hits, _ = limb_hits([posed(off), None, posed(truth.joints[2])], truth)
    assert shares(hits, truth.limbs) == pytest.approx([100 * 10 / 11, 0, 100])
    assert with_error(np.array([0.0, 100, 50])) == {"n": 3, "pck": 50, "se": pytest.approx(50 / 3**0.5)}
    assert with_error(np.array([7.0])) == {"n": 1, "pck": 7}


def test_joints_on_the_other_side_are_told_from_misses():
    joints = np.array([[0, 100]] * 16, float)  # as far from the rest as the torso is long: 10 px are near enough
    torso = {"left_shoulder": (0, 0), "right_shoulder": (40, 0), "left_hip": (0, 90), "right_hip": (30, 40)}
    limbs = {"left_wrist": (200, 0), "right_wrist": (230, 0), "left_knee": (0, 300), "right_knee": (8, 300)}
    for name, place in (torso | limbs).items():
        joints[INDEX[name]] = place
    labelled = np.ones(16, bool)
    labelled[[INDEX["left_elbow"], INDEX["left_ankle"]]] = False  # neither counts on the other side
    truth = Truth(np.arange(4), np.stack([joints] * 4), np.stack([labelled] * 3 + [np.zeros(16, bool)]))
    found = joints.copy()
    found[INDEX["left_wrist"]] = (221, 0)  # the right wrist's, within 9 px; the knees are each within 8 px of both
    found[INDEX["right_wrist"]] = (209, 9)  # 12.7 px from the left wrist: a miss
    found[INDEX["left_knee"]], found[INDEX["right_knee"]] = limbs["right_knee"], limbs["left_knee"]
    _, mirrored = limb_hits([posed(found), posed(joints), None, posed(joints)], truth)
    assert mirrored[0, LIMBS_16.index(INDEX["left_wrist"])], "it is the left wrist that is misplaced"
    assert shares(mirrored, truth.both_sides) == pytest.approx([100 / 8, 0, 0, np.nan], nan_ok=True)


def peaks(*places, sigma=1.25):
    """A map (32, 48) with a peak at each (x, y, height)."""
    drawn = encode(torch.tensor([place[:2] for place in places]), (32, 48), sigma)
    return (drawn * torch.tensor([place[2] for place in places])[:, None, None]).amax(0)


def test_the_second_peak_is_measured_by_the_first():
    maps = torch.stack((peaks((10.0, 12, 0.8), (30, 20, 0.6)), peaks((40.0, 3, 0.2), (5, 30, 0.1), (20, 20, 0.15))))
    assert second_peaks(maps).tolist() == pytest.approx([0.75, 0.75], abs=1e-6)
    assert second_peaks(peaks((20.0, 16, 0.9), sigma=6.0)) == 0, "its flank is high, but no peak"
    assert second_peaks(torch.zeros(3, 8, 8)).tolist() == [0, 0, 0]
    assert second_peaks(peaks((20.0, 16, 1), (23, 16, 0.9))) == 0, "a peak beside the first is part of it"
    assert second_peaks(peaks((20.0, 16, 1), (24, 16, 0.9))) == pytest.approx(0.9, abs=1e-6)
    assert second_peaks(peaks((20.0, 16, 1), (0, 0, 0.5))) == pytest.approx(0.5, abs=1e-6), "at the border, too"


@pytest.fixture(scope="module")
def measured():
    """Figures of a random estimator, and the sources."""
    sources = [make_source("lspet", 4), make_source("mpii", 4), make_source("everyday", 4), make_source("synthetic", 3)]
    for source in sources:
        source.joints[:, INDEX["neck"], 1] = [90, 10, 10, 10][: len(source)]
        source.joints[:, INDEX["pelvis"], 1] = 50
        source.pose_weight[:] = source.name == "synthetic"
        source.pose[:] = np.arange(51).reshape(17, 3) ** 1.5
    sources[1] = dataclasses.replace(sources[1], photos=np.array(["a", "b", "b", "c"]))
    sources[3].groups["viewpoint"] = np.array(["back", "back", "front"])
    mean = dict.fromkeys(("photos", "synthetic"), np.zeros((17, 3)))
    return measure(sure(), sources, mean), sources


def test_every_score_is_kept_by_person(measured):
    figures, _ = measured
    true_box = figures["people"]["true box"]
    assert {name: list(scores) for name, scores in true_box.items()} == {
        "lspet, upright": ["1", "2", "3"],
        "lspet, upside down": ["0"],
        "mpii": ["0 a", "1 b", "2 b", "3 c"],
        "everyday": ["0", "1", "2", "3"],
        "synthetic": ["0", "1", "2"],
    }
    assert figures["true box"].keys() == figures["mirror joints"].keys() == true_box.keys()
    for kind, unit in (("true box", "pck"), ("mirror joints", "mirrored"), ("end to end", "pck")):
        for name, scores in figures["people"][kind].items():
            assert figures[kind][name][unit] == pytest.approx(np.mean(list(scores.values())))
            assert figures[kind][name]["n"] == len(scores)
    assert figures["end to end"].keys() == {"lspet, upright", "lspet, upside down"}, "the others are cut"
    tables = figures["rendered 3D"]
    assert {name: table["model"]["n"] for name, table in tables.items()} == {"all": 3, "back": 2, "front": 1}
    errors = {name: table["model"]["mpjpe"] for name, table in tables.items()}
    assert errors["all"] == pytest.approx((2 * errors["back"] + errors["front"]) / 3)
    assert json.loads(json.dumps(figures)) == figures


def test_the_confidence_is_tested_apart_where_maps_have_two_peaks(measured):
    figures, sources = measured
    poses = [pose for source in sources[:2] for pose in estimate_people(sure(), source, np.arange(4), boxed=True)[1::2]]
    maps = np.stack([pose.heatmaps[LIMBS_16] for pose in poses])
    two = int((second_peaks(torch.from_numpy(maps)) >= 0.5).sum())
    assert figures["calibration"]["n"] == 48, "the odd people of the hand-labelled sets"
    assert 0 < two < 48
    assert figures["calibration, two peaks"]["n"] == two


def test_the_figures_are_printed_and_on_the_card(measured, capsys, tmp_path):
    figures, _ = measured
    print_figures(figures)
    printed, estimator = capsys.readouterr().out, sure()
    assert "everyday from score 0.8" in printed
    estimator.save_pretrained(tmp_path)
    write_card(tmp_path, estimator, figures)
    assert "people" not in read_metrics(tmp_path), "a checkpoint does not carry each person's scores"
    card = (tmp_path / "README.md").read_text()
    pck, row, two = figures["true box"]["mpii"], figures["mirror joints"]["mpii"], figures["calibration, two peaks"]
    cells = f"{pck['pck']:.1f} | {pck['se']:.1f} | {row['mirrored']:.1f} ± {row['se']:.1f} (n 4) |"
    for text in (card, printed):
        assert f"| true box, mpii | 4 | {cells}" in text
        assert f"and more: {two['expected_calibration_error']:.3f} (n = {two['n']})." in text
    assert "against teacher joints of score 0.8 and more" in card
