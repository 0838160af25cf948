"""The figures of ``train.evaluate`` on cases worked by hand, and of an estimator of known mistakes."""

from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fusion_model.heatmaps import encode
from fusion_model.hub.checkpoints import read_metrics
from fusion_model.skeletons import HUMAN36M_17, MPII_16
from tests.helpers.earlier import assert_as_before
from tests.helpers.estimators import sure
from tests.helpers.fake_data import make_source
from train.evaluate import _training_mean, measure, print_figures
from train.evaluation import end_to_end
from train.evaluation.card import write_card
from train.evaluation.end_to_end import second_peaks, truth_of

KINDS = ("true box", "mirror joints", "end to end")
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


POSE = np.arange(51).reshape(17, 3) ** 1.5
PLACES = {  # of joints; the others are at (0, 100), as far from these as the torso is long: 10 px are near enough
    "left_shoulder": (0, 0), "right_shoulder": (40, 0), "left_hip": (0, 90), "right_hip": (30, 40),
    "left_wrist": (200, 0), "right_wrist": (230, 0), "left_knee": (0, 300), "right_knee": (8, 300),
}  # fmt: skip
FOUND = {  # a left wrist on the right one, knees near both
    "left_wrist": (221, 0), "left_knee": (8, 300), "right_knee": (0, 300), "left_ankle": (9.9, 100)
}  # fmt: skip


def estimated(row, box):
    """The pose of a row: ankles are missed in rows 1 and 4, wrists but in row 3, elbows without box; none of row 6."""
    places = {"right_ankle": (10.1 * (row in {1, 4}), 100), "right_elbow": (1000 * (box is None), 100)} | PLACES | FOUND
    places |= {"right_wrist": (230, 0) if row == 3 else (209, 9)}  # 12.7 px from the left one
    points = np.array([places.get(name, (0, 100)) for name in HUMAN36M_17.joints])
    pose, left = POSE * (1 + row), np.array([name.startswith("left") for name in HUMAN36M_17.joints])
    pose[HUMAN36M_17.index("left_wrist"), 2] += 120 * row  # mm
    maps = [peaks((10, 10, 1), (20, 20, 0.48 if name.startswith("left") else 0.5)) for name in MPII_16.joints]
    about = {"confidence": np.where(left, 0.3, 0.9), "heatmaps": torch.stack(maps).numpy()}
    return SimpleNamespace(joints_2d=points, joints_3d=pose, **about)


@pytest.fixture(scope="module")
def measured():
    """Figures of an estimator of known mistakes."""
    sources = _, mpii, _, rendered = [*map(make_source, ("lspet", "mpii", "everyday", "synthetic"), (4, 7, 4, 4))]
    rows = {mpii.photo(row).tobytes(): row for row in range(7)}
    for source in sources:
        source.joints[:] = [PLACES.get(name, (0, 100)) for name in MPII_16.joints]
        source.joints[:, INDEX["neck"], 1] = [190, *[10] * (len(source) - 1)]
        source.pose_weight[:] = source in (mpii, rendered)
        source.pose[:] = POSE * np.arange(1, len(source) + 1)[:, None, None]
    mpii.validation[0] = rendered.validation[0] = rendered.pose_weight[3, -1] = False
    mpii.by_hand[2, INDEX["left_elbow"]] = False
    mpii.by_hand[5] = np.isin(MPII_16.joints, ("left_shoulder", "right_hip"))
    sources[1] = dataclasses.replace(mpii, photos=np.array(list("abbcdef")))
    rendered.groups["viewpoint"] = np.array(["back", "back", "front", "front"])

    def batch(photos, boxes):
        people = [(rows[photo.tobytes()], box) for photo, box in zip(photos, boxes, strict=True)]
        return [None if row == 6 else estimated(row, box) for row, box in people]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(end_to_end, "_BATCH", 3)
        return measure(SimpleNamespace(batch=batch), sources, {"photos": POSE, "synthetic": 3 * POSE})


def test_every_score_is_kept_by_person(measured):
    true = {"1 b": 75, "2 b": 900 / 11, "3 c": 1100 / 12, "4 d": 75, "5 e": 100, "6 f": 0}
    mirrored = {"1 b": 100 / 12, "2 b": 10, "3 c": 100 / 12, "4 d": 100 / 12, "6 f": 0}
    for kind, name, people in ((KINDS[0], "pck", true), (KINDS[1], "mirrored", mirrored)):
        assert measured["people"][kind]["mpii"] == pytest.approx(people)
        values = np.array(list(people.values()))
        figures = {"n": len(values), name: values.mean(), "se": values.std(ddof=1) / len(values) ** 0.5}
        assert measured[kind]["mpii"] == pytest.approx(figures)
    assert_as_before("measured", measured, file="data.json")
    assert json.loads(json.dumps(measured)) == measured


def test_sets_without_a_pose_and_of_one_name():
    source = make_source("mpii", 1)
    source.pose_weight[:] = 1
    with pytest.raises(ValueError, match="mpii: no pose was estimated in 1 true boxes: train for longer"):
        end_to_end.pose_tables([None], source, np.arange(1), POSE)
    with pytest.raises(ValueError, match="several sets called mpii have people held out"):
        measure(None, [source, make_source("street"), source], {})


def test_the_confidence_is_tested_apart_where_maps_have_two_peaks(measured):
    """Of the odd people of hand-labelled sets who were found, four: wrists but one and two right ankles are wrong."""
    every, two = measured["calibration"], measured["calibration, two peaks"]
    rows = [[row[key] for key in ("confidence", "correct", "n")] for row in every["reliability"]]
    assert rows == [pytest.approx([0.3, 19 / 23, 23]), pytest.approx([0.9, 19 / 24, 24])]
    assert (every["n"], two["n"]) == (47, 24), "an elbow is not labelled"
    errors = [(19 - 0.3 * 23 + 0.9 * 24 - 19) / 47, 0.9 - 19 / 24]
    assert [one["expected_calibration_error"] for one in (every, two)] == pytest.approx(errors)


def test_the_figures_are_printed_and_on_the_card(measured, capsys, tmp_path):
    print_figures(measured)
    printed, estimator = capsys.readouterr().out, sure()
    assert "everyday from score 0.8" in printed
    estimator.save_pretrained(tmp_path)
    write_card(tmp_path, estimator, measured)
    assert "people" not in read_metrics(tmp_path), "a checkpoint does not carry each person's scores"
    card = (tmp_path / "README.md").read_text()
    (pck, row), two = (measured[kind]["mpii"] for kind in KINDS[:2]), measured["calibration, two peaks"]
    cells = f"{pck['pck']:.1f} | {pck['se']:.1f} | {row['mirrored']:.1f} ± {row['se']:.1f} (n 5) |"
    for text in (card, printed):
        assert f"| true box, mpii | 6 | {cells}" in text
        assert "| 0.30 | 0.83 | 23 |" in text
        assert f"and more: {two['expected_calibration_error']:.3f} (n = {two['n']})." in text
    assert "against teacher joints of score 0.8 and more" in card
    assert "Of rendered people (`synthetic`)" in card


def test_the_mean_pose_is_that_of_the_training_people_of_a_kind():
    photos, rendered, held = make_source("mpii", 3), make_source("synthetic", 2), make_source("street", 2)
    photos.pose[:], rendered.pose[:] = np.array([1, 2, 4])[:, None, None], np.array([10, 20])[:, None, None]
    photos.validation[:2] = rendered.validation[0] = False
    photos.pose_weight[:], rendered.pose_weight[:] = np.array([[1], [3], [1]]), 1
    for sources, kind, mean in (([photos, rendered, held], "photos", 1.75), ([photos, rendered, held], "synthetic", 10),
                                ([photos, held], "synthetic", 1.75)):  # fmt: skip
        np.testing.assert_allclose(_training_mean(sources, kind), mean)
