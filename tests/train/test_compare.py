"""Two measurements paired over people, and exchanged labels, found by a network that is played by hand."""

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest

from fusion_model.skeletons import MPII_16
from tests.helpers.estimators import sure
from tests.helpers.fake_data import figure, make_source
from train.audit import contradicted, counts
from train.compare import paired_table
from train.data.readers.people import LIMB_PAIRS


def test_differences_are_paired_over_the_people_of_both():
    before = {"true box": {"coco": {"0 a": 50.0, "1 b": 80.0, "2 c": 90.0}, "lspet": {"8501": 10.0}, "old": {"0": 1.0}}}
    after = {"true box": {"coco": {"1 b": 90.0, "2 c": 92.0, "3 d": 0.0}, "lspet": {"8501": 40.0}, "new": {"0": 2.0}}}
    assert paired_table(before, after).splitlines()[2:] == [
        "| true box | coco | 2 | 85.0 | 91.0 | +6.00 | 4.00 |",  # differences 10 and 2
        "| true box | lspet | 1 | 10.0 | 40.0 | +30.00 | - |",
    ]
    with pytest.raises(ValueError, match="no person in common: measure both checkpoints on the same data"):
        paired_table({"true box": {"coco": {"0 a": 50.0}}}, {"true box": {"coco": {"0 b": 50.0}}})


def test_the_command_prints_the_table(tmp_path, printed, refused):
    for name, score in (("before", 25.0), ("after", 50.0)):
        (tmp_path / f"{name}.json").write_text(json.dumps({"people": {"true box": {"mpii": {"0 a": score}}}}))
    table = printed("compare", tmp_path / "before.json", tmp_path / "after.json")
    assert table.splitlines()[-1] == "| true box | mpii | 1 | 25.0 | 50.0 | +25.00 | - |"
    (tmp_path / "a.json").write_text("{}")
    for name in ("none.json", "a.json"):
        error = refused("compare", tmp_path / name, tmp_path / "after.json")
        assert f"{name} has no scores of single people: expected what train.evaluate --out wrote" in error


def test_a_sure_network_contradicts_exchanged_labels(monkeypatch):
    truth = np.stack([figure(MPII_16, (60, 75 + row), 45) for row in range(4)])
    labels, confidence = truth.copy(), np.full((4, 16), 0.9)
    for row, pair in ((0, "legs"), (2, "legs"), (3, "legs"), (3, "arms")):
        limbs = LIMB_PAIRS[pair]
        labels[row, limbs] = labels[row, np.array(MPII_16.mirror)[limbs]]
    confidence[2] = 0.5  # not sure
    found = [SimpleNamespace(points=truth[row], confidence=confidence[row]) for row in range(4)]
    asked, parts = [], [found[:3], found[3:]]
    monkeypatch.setattr("train.audit.predictions", lambda _estimator, members: asked.extend(members) or iter(parts))
    labels = np.concatenate((labels[:1], labels))  # the first of the set is not asked for
    source = dataclasses.replace(make_source("mpii", count=5), joints=labels, weight=np.ones((5, 16)))
    exchanged = contradicted(None, source, np.arange(1, 5))
    assert [row for _, row in asked] == [1, 2, 3, 4]
    assert exchanged.tolist() == [[False, True], [False, False], [False, False], [True, True]]
    assert counts(exchanged) == (1, 0, 1)
    assert counts(exchanged[:, ::-1]) == (1, 1, 0)


def test_the_audit_counts_training_people_alone(monkeypatch, printed, refused, tmp_path):
    doubted = np.array([[True, True]] * 2 + [[True, False]] + [[False, False]] * 3)
    source = dataclasses.replace(make_source("mpii", count=6), validation=np.arange(6) == 0, contradicted=doubted)
    sources = [source, make_source("street")]  # where everyone is held out
    monkeypatch.setattr("train.audit.find_sources", lambda _folder: sources)
    monkeypatch.setattr("train.audit.PoseEstimator", SimpleNamespace(from_pretrained=lambda _path: sure()))
    head, _, row = printed("audit", "--data", tmp_path).splitlines()
    assert head.startswith("| set | people | teacher: whole body | teacher: arms | teacher: legs | network: whole body")
    assert row.startswith("| mpii | 5 | 1 | 1 | 0 | ")
    doubted = np.array([[True, False], [True, True], [True, False]])
    monkeypatch.setattr("train.audit.contradicted", lambda _estimator, _source, rows: doubted[: len(rows)])
    row = printed("audit", "--data", tmp_path, "--people", 3).splitlines()[2]
    assert row.startswith("| mpii | 3 |")
    assert row.endswith("| 1 | 2 | 0 |"), "by the network"
    del sources[0]
    assert "no training people to audit" in refused("audit", "--data", tmp_path)
