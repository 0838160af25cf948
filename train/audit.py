"""Count exchanged sides among training labels: ``python -m train.audit --data DIR --checkpoint DIR``.

Of each set, the people whose labels of the whole body, of the arms alone or of the legs alone lie on the other side: by
the teacher, where labels are by hand (those of LSP-extended are repaired by then), and by the checkpoint's hourglass,
where crop and mirror image together are sure of it. A network that saw the labels may repeat their mistakes, and one
that mistakes left for right accuses right labels: rendered people, whose sides are exact, show how often it errs.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from fusion_model.estimator import PoseEstimator
from train.command import new_parser, run_command
from train.data.readers.people import exchanged_sides
from train.data.source import Source
from train.data.sources import find_sources
from train.engine.arguments import positive
from train.evaluation.tables import markdown_table
from train.evaluation.three_d import predictions

_CONFIDENT = 0.6  # of a joint whose place counts


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = new_parser("audit", __doc__)
    arguments.add_argument("--data", type=Path, required=True, help="folder of data sets")
    arguments.add_argument("--checkpoint", type=Path, default=Path("assets/checkpoints/default"), help="what to ask")
    arguments.add_argument("--people", type=positive(int), default=500, help="at most so many of each set")
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    estimator, rows = PoseEstimator.from_pretrained(arguments.checkpoint), []
    for source in find_sources(arguments.data):
        drawn = np.random.default_rng(0).permutation(np.flatnonzero(~source.validation))
        chosen = np.sort(drawn[: arguments.people])
        if len(chosen):
            teacher = ("-",) * 3 if source.contradicted is None else counts(source.contradicted[chosen])
            rows.append((source.name, len(chosen), *teacher, *counts(contradicted(estimator, source, chosen))))
    if not rows:
        raise ValueError(f"{arguments.data} has no training people to audit")
    columns = [f"{judge}: {part}" for judge in ("teacher", "network") for part in ("whole body", "arms", "legs")]
    print(markdown_table(("set", "people", *columns), rows))
    return 0


def contradicted(estimator: PoseEstimator, source: Source, rows: np.ndarray) -> np.ndarray:
    """(N, 2) bool: people of these rows whose labels the network contradicts, of the arms and of the legs."""
    found = [one for part in predictions(estimator, [(source, row) for row in rows]) for one in part]
    points, confidence = np.stack([one.points for one in found]), np.stack([one.confidence for one in found])
    return exchanged_sides(source.joints[rows], source.weight[rows], points, confidence >= _CONFIDENT)


def counts(exchanged: np.ndarray) -> tuple[int, int, int]:
    """People (N, 2) whose whole body is exchanged, the arms alone and the legs alone."""
    arms, legs = exchanged.T
    return int((arms & legs).sum()), int((arms & ~legs).sum()), int((legs & ~arms).sum())


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
