"""The evaluation protocols on cases worked by hand."""

from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

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
    mirrored_share,
    person_scores,
    second_peaks,
    truth_of,
    with_error,
)


def test_truth_needs_both_ends_of_the_torso():
    source = make_source()
    source.by_hand[1, MPII_16.index("left_shoulder")] = False
    source.weight[2, MPII_16.index("right_hip")] = 0.5
    assert truth_of(source).rows.tolist() == [0, 1, 3, 4], "street counts teacher joints"
    by_hand = make_source("mpii")
    by_hand.by_hand[1, MPII_16.index("left_shoulder")] = False
    assert truth_of(by_hand).rows.tolist() == [0, 2, 3, 4]


def posed(joints):
    """A pose whose limb joints are these, (16, 2)."""
    points = np.zeros((17, 2))
    points[LIMBS_17] = joints[LIMBS_16]
    return SimpleNamespace(joints_2d=points)


def test_scores_of_people_by_hand():
    source = make_source("mpii", count=3)
    shoulder, hip = (MPII_16.index(name) for name in ("left_shoulder", "right_hip"))
    source.joints[:, shoulder], source.joints[:, hip] = (0, 0), (0, 50)  # 10 px are near enough
    source.by_hand[0, MPII_16.index("left_knee")] = False
    truth = truth_of(source)
    off = truth.joints[0].copy()
    off[MPII_16.index("left_wrist"), 0] += 10.1
    off[MPII_16.index("right_wrist"), 0] += 9.9
    off[MPII_16.index("left_knee"), 0] += 99  # not labelled
    poses = [posed(off), None, posed(truth.joints[2])]
    assert person_scores(poses, truth) == pytest.approx([100 * 10 / 11, 0, 100])
    hits, labelled = limb_hits(poses, truth)
    assert hits.sum(1).tolist() == [10, 0, 12]
    assert labelled.sum(1).tolist() == [11, 12, 12]
    figures = with_error(np.array([0.0, 100, 50]))
    assert figures == {"n": 3, "pck": 50, "se": pytest.approx(50 / 3**0.5)}
    assert with_error(np.array([7.0])) == {"n": 1, "pck": 7}


def test_joints_on_the_other_side_are_told_from_misses():
    joints = np.array([[0, 100]] * 16, float)  # as far from the rest as the torso is long
    left, right = ([MPII_16.index(f"{side}_{name}") for name in ("wrist", "knee")] for side in ("left", "right"))
    for name, place in {
        "left_shoulder": (0, 0),
        "right_shoulder": (40, 0),
        "left_hip": (0, 90),
        "right_hip": (30, 40),
    }.items():
        joints[MPII_16.index(name)] = place  # torso of 50 px: 10 px are near enough
    joints[left], joints[right] = [(200, 0), (0, 300)], [(230, 0), (8, 300)]
    labelled = np.ones(16, bool)
    labelled[[MPII_16.index(f"left_{name}") for name in ("elbow", "ankle")]] = False  # neither counts on the other side
    truth = Truth(np.arange(4), np.stack([joints] * 4), np.stack([labelled] * 3 + [np.zeros(16, bool)]))
    found = joints.copy()
    found[left[0]] = (221, 0)  # the right wrist's, within 9 px; the knees are each within 8 px of both
    found[right[0]] = (209, 9)  # 12.7 px from the left wrist: a miss
    found[left[1]], found[right[1]] = joints[right[1]], joints[left[1]]
    share = mirrored_share([posed(found), posed(joints), None, posed(joints)], truth)
    assert share == pytest.approx([100 / 8, 0, 0, np.nan], nan_ok=True)


def test_agreed_teacher_joints_count_in_the_new_sets():
    for name, least in (("everyday", 0.8), ("action", 0.8), ("stanford40", 0.9), ("street", 0.9)):
        source = make_source(name)
        source.by_hand[:] = False
        source.weight[0], source.weight[1] = least**2, (least - 0.01) ** 2
        assert truth_of(source).rows.tolist() == [0, 2, 3, 4], name


@pytest.fixture(scope="module")
def measured():
    """Figures of a random estimator, and the sources."""
    sources = [make_source("lspet", 4), make_source("mpii", 4), make_source("everyday", 4), make_source("synthetic", 3)]
    for source in sources:
        source.joints[:, MPII_16.index("neck"), 1] = [90, 10, 10, 10][: len(source)]
        source.joints[:, MPII_16.index("pelvis"), 1] = 50
        source.pose_weight[:] = source.name == "synthetic"
        source.pose[:] = np.arange(51).reshape(17, 3) ** 1.5
    named = dataclasses.replace(sources[1], photos=np.array(["a", "b", "b", "c"]))
    sources[1] = named
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
    assert json.loads(json.dumps(figures)) == figures


def test_the_confidence_is_tested_apart_where_maps_have_two_peaks(measured):
    figures, sources = measured
    poses = estimate_people(sure(), sources[0], np.arange(4), boxed=True)
    more = estimate_people(sure(), sources[1], np.arange(4), boxed=True)
    maps = np.stack([pose.heatmaps[LIMBS_16] for pose in (poses[1], poses[3], more[1], more[3])])
    two = int((second_peaks(torch.from_numpy(maps)) >= 0.5).sum())
    assert figures["calibration"]["n"] == 48, "the odd people of the hand-labelled sets"
    assert 0 < two < 48
    assert figures["calibration, two peaks"]["n"] == two


def test_the_new_figures_are_printed_and_on_the_card(measured, capsys, tmp_path):
    figures, _ = measured
    print_figures(figures)
    printed = capsys.readouterr().out
    row, two = figures["mirror joints"]["mpii"], figures["calibration, two peaks"]
    error = f"{two['expected_calibration_error']:.3f}"
    assert "everyday from score 0.8" in printed
    estimator = sure()
    estimator.save_pretrained(tmp_path)
    write_card(tmp_path, estimator, figures)
    assert "people" not in read_metrics(tmp_path), "a checkpoint does not carry each person's scores"
    card = (tmp_path / "README.md").read_text()
    pck = figures["true box"]["mpii"]
    cells = f"{pck['pck']:.1f} | {pck['se']:.1f} | {row['mirrored']:.1f} ± {row['se']:.1f} (n 4) |"
    for text in (card, printed):
        assert f"| true box, mpii | 4 | {cells}" in text
        assert f"and more: {error} (n = {two['n']})." in text
    assert "against teacher joints of score 0.8 and more" in card
