"""Exchanged labels, found by a network that is played by hand."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from fusion_model.skeletons import MPII_16
from tests.helpers.estimators import sure
from tests.helpers.fake_data import figure, make_source
from train.audit import audit, contradicted, counts
from train.data.readers.people import LIMB_PAIRS

MIRROR = np.array(MPII_16.mirror)


def people(count=4):
    """(N, 16, 2) joints of standing people."""
    return np.stack([figure(MPII_16, (60, 75 + row), 45) for row in range(count)])


def exchange(joints, row, *pairs):
    for pair in pairs:
        limbs = LIMB_PAIRS[pair]
        joints[row, limbs] = joints[row, MIRROR[limbs]]


def test_a_sure_network_contradicts_exchanged_labels(monkeypatch):
    truth, labels, confidence = people(), people(), np.full((4, 16), 0.9)
    for row in (0, 2, 3):
        exchange(labels, row, "legs")
    confidence[2] = 0.5  # not sure
    exchange(labels, 3, "arms")
    found = [SimpleNamespace(points=truth[row], confidence=confidence[row]) for row in range(4)]
    monkeypatch.setattr("train.audit.predictions", lambda _estimator, _members: iter([found[:3], found[3:]]))
    source = dataclasses.replace(make_source("mpii", count=4), joints=labels, weight=np.ones((4, 16)))
    exchanged = contradicted(None, source, np.arange(4))
    assert exchanged.tolist() == [[False, True], [False, False], [False, False], [True, True]]
    assert counts(exchanged) == (1, 0, 1)
    assert counts(exchanged[:, ::-1]) == (1, 1, 0)


def test_the_audit_counts_training_people_alone():
    source = make_source("mpii", count=6)
    validation = np.arange(6) == 0
    doubted = np.array([[True, True]] * 2 + [[True, False]] + [[False, False]] * 3)
    source = dataclasses.replace(source, validation=validation, contradicted=doubted)
    held_out = dataclasses.replace(make_source("street"), name="street")
    head, _, *rows = audit(sure(), [source, held_out], people=99).splitlines()
    assert head.startswith(
        "| set | people | teacher: whole body | teacher: arms | teacher: legs | network: whole body |"
    )
    assert len(rows) == 1, "of the other set everybody is held out"
    assert rows[0].startswith("| mpii | 5 | 1 | 1 | 0 | ")
    with pytest.raises(ValueError, match="no training people"):
        audit(sure(), [held_out], people=9)
