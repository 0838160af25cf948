"""Count exchanged sides among training labels: ``python -m train.audit --data DIR --checkpoint DIR``.

Of each set, the people whose labels of the whole body, of the arms alone or of the legs alone lie on the other side: by
the teacher, where labels are by hand (those of LSP-extended are repaired by then), and by the checkpoint's hourglass,
confidently and in the mirror image too. It errs as well: rendered people, whose sides are exact, show how often.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fusion_model.estimator import PoseEstimator
from train.command import new_parser, run_command
from train.data.sources import find_sources
from train.engine.arguments import at_least, positive
from train.evaluation.label_audit import audit


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = new_parser("audit", __doc__)
    arguments.add_argument("--data", type=Path, required=True, help="folder of data sets")
    arguments.add_argument("--checkpoint", type=Path, default=Path("assets/checkpoints/default"), help="what to ask")
    arguments.add_argument("--people", type=positive(int), default=500, help="at most so many of each set")
    arguments.add_argument("--seed", type=at_least(0, int), default=0, help="of who they are")
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    sources = find_sources(arguments.data)
    print(audit(PoseEstimator.from_pretrained(arguments.checkpoint), sources, arguments.people, arguments.seed))
    return 0


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
