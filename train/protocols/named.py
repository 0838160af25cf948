"""The protocols of ``train.evaluate --protocol``, by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fusion_model.estimator import PoseEstimator
from train.data.prepared import open_prepared
from train.protocols import human36m, humaneva, kth, mpi_inf_3dhp, rendered, stills
from train.protocols.judged import Judged, judge
from train.protocols.tables import Table


class Protocol(NamedTuple):
    """How a checkpoint is measured on one data set.

    Attributes:
        data_set: what ``train.prepare`` calls it.
        rows: (N,) bool of the people that count, from the prepared columns.
        measure: their table.
    """

    data_set: str
    rows: Callable[[dict[str, np.ndarray]], np.ndarray]
    measure: Callable[[Judged], Table]


PROTOCOLS = {
    "human36m": Protocol(human36m.DATA_SET, human36m.rows, human36m.table_1),
    "human36m-pa": Protocol(human36m.DATA_SET, human36m.rows, human36m.table_2),
    "humaneva": Protocol(humaneva.DATA_SET, humaneva.rows, humaneva.table_3),
    "kth-pcp": Protocol(kth.DATA_SET, kth.rows, kth.table_4),
    "lsp-pck": Protocol("lsp", stills.lsp_rows, stills.lsp_table),
    "mpii-pckh": Protocol("mpii", stills.mpii_rows, stills.mpii_table),
    "mpi-inf-3dhp": Protocol(mpi_inf_3dhp.DATA_SET, mpi_inf_3dhp.rows, mpi_inf_3dhp.table),
    "synthetic": Protocol(rendered.DATA_SET, rendered.rows, rendered.table),
}


def measure_protocol(name: str, folder: Path, checkpoint: Path) -> Table:
    """Measure a checkpoint by a protocol on a folder that ``train.prepare`` made.

    Raises:
        FileNotFoundError: if folder or checkpoint are not there or not finished.
        ValueError: if they are damaged, hold another data set, or nobody whom the protocol counts.
    """
    protocol = PROTOCOLS[name]
    prepared = open_prepared(folder)
    if (found := prepared.index["data_set"]) != protocol.data_set:
        fitting = [other for other, one in PROTOCOLS.items() if one.data_set == found]
        use = f"use --protocol {' or '.join(fitting)}" if fitting else "no protocol is for that"
        raise ValueError(f"{folder} holds {found}, but --protocol {name} is for {protocol.data_set}: {use}")
    rows = np.flatnonzero(protocol.rows(prepared.columns))
    if not len(rows):
        raise ValueError(
            f"none of the {len(prepared)} people in {folder} count for --protocol {name}: prepare the test part "
            "of the data set too (DATASETS.md)"
        )
    return protocol.measure(judge(PoseEstimator.from_pretrained(checkpoint), prepared, rows))
