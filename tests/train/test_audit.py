"""Exchanged labels, found by a network that is played by hand."""

import dataclasses
from types import SimpleNamespace

import numpy as np

from fusion_model.skeletons import MPII_16
from tests.helpers.estimators import sure
from tests.helpers.fake_data import figure, make_source
from train.audit import contradicted, counts
from train.data.readers.people import LIMB_PAIRS


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
