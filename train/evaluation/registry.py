"""The protocols of ``train.evaluate --protocol``, by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fusion_model.estimator import PoseEstimator
from fusion_model.skeletons import LIMB_JOINTS
from train.data.prepared import open_prepared
from train.data.source import SYNTHETIC
from train.evaluation import protocols, three_d
from train.evaluation.protocols import Predictions, predict_people, together
from train.evaluation.tables import Table
from train.fusion_stage.training import action_checkpoints


class Protocol(NamedTuple):
    """How a checkpoint is measured on one data set.

    Attributes:
        data_set: what ``train.prepare`` calls it; empty where any set will do.
        people: what those who count have in the prepared columns: a value, or one of several.
        measure: their table.
        joints: that the checkpoint must have; None for all of the set's.
        positive: name of a column that has to be above zero; empty for none.
    """

    data_set: str
    people: Mapping[str, str | tuple[str, ...]]
    measure: Callable[[Predictions], Table]
    joints: tuple[str, ...] | None = None
    positive: str = ""

    def rows(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """(M,) numbers of the people who count."""
        chosen = [np.isin(columns[name], values) for name, values in self.people.items()]
        chosen += [columns[self.positive] > 0] if self.positive else []
        return np.flatnonzero(np.logical_and.reduce(chosen))


_TEST, _VALIDATION = {"split": "test"}, {"split": "validation"}
_WALKING = {"action": "Walking", "subject": protocols.HUMANEVA_SUBJECTS, "camera": "C1"}
PROTOCOLS = {
    "human36m": Protocol("human36m", _TEST, protocols.human36m),
    "human36m-pa": Protocol("human36m", _TEST, protocols.human36m_aligned),
    "humaneva": Protocol("humaneva", _TEST | _WALKING, protocols.humaneva),
    "kth-pcp": Protocol("kth", _TEST | {"subject": "player 2", "camera": "1"}, protocols.kth),
    "lsp-pck": Protocol("lsp", _TEST, protocols.lsp),
    "mpii-pckh": Protocol("mpii", _VALIDATION, protocols.mpii, positive="head_size"),
    "mpi-inf-3dhp": Protocol("mpi-inf-3dhp", _TEST, protocols.mpi_inf_3dhp),
    "synthetic": Protocol(SYNTHETIC, _VALIDATION, protocols.rendered),
    "limbs": Protocol("", {"split": ("validation", "test")}, protocols.limbs, LIMB_JOINTS),
}
NAMES = (*PROTOCOLS, three_d.NAME)
"""What :func:`measure_protocol` knows: the last is for a folder of data sets, the others for a prepared one."""


def measure_protocol(name: str, folder: Path, checkpoint: Path) -> Table:
    """Measure a checkpoint by a protocol on a folder that ``train.prepare`` made.

    Args:
        name: of the protocol.
        folder: the prepared set; of ``people-3d`` a folder of data sets.
        checkpoint: a checkpoint's folder, or one with a run of ``train.fusion --action`` for each action, in a folder
            of its name: each of these networks then estimates the people of its action.

    Raises:
        FileNotFoundError: if folder or checkpoint are not there or not finished.
        ValueError: if they are damaged, hold another data set, or no person whom the protocol counts.
    """
    if name == three_d.NAME:
        return three_d.table(folder, checkpoint)
    protocol = PROTOCOLS[name]
    prepared = open_prepared(folder)
    if protocol.data_set and (found := prepared.index["data_set"]) != protocol.data_set:
        fitting = [other for other, one in PROTOCOLS.items() if one.data_set == found]
        use = f"use --protocol {' or '.join(fitting or ['limbs'])}"
        raise ValueError(f"{folder} holds {found}, but --protocol {name} is for {protocol.data_set}: {use}")
    rows = protocol.rows(prepared.columns)
    if not len(rows):
        raise ValueError(
            f"none of the {len(prepared)} people in {folder} count for --protocol {name}: prepare the test part "
            "of the data set too (docs/data.md)"
        )
    models = action_checkpoints(checkpoint) or {"": checkpoint}
    actions = np.full(len(rows), "") if "" in models else prepared.columns["action"][rows]
    if missing := [str(action) or "people without an action" for action in np.unique(actions) if action not in models]:
        known = f"the networks are for {', '.join(models)}: evaluate on the set that they were trained on"
        raise ValueError(f"{folder} has {', '.join(missing)}, but {known}")
    parts = []
    for action in np.unique(actions):
        estimator = PoseEstimator.from_pretrained(models[str(action)])
        parts.append(predict_people(estimator, prepared, rows[actions == action], protocol.joints))
    table = protocol.measure(together(parts))
    if "" in models:
        return table
    ours = {name.replace(protocols.OURS, "a checkpoint for each action"): row for name, row in table.rows.items()}
    return dataclasses.replace(table, rows=ours)
