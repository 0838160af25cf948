"""Compare two checkpoints on the same people: ``python -m train.compare BEFORE.json AFTER.json``.

Of figures that ``train.evaluate --out`` wrote, prints a Markdown table of each set before and after, paired over the
people: PCK@0.2 in the true box and end to end, and the limb joints on the mirror joint.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from train.command import new_parser, run_command
from train.evaluation.paired import paired_table, read_figures


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = new_parser("compare", __doc__)
    arguments.add_argument("before", type=Path, help="figures of the one checkpoint")
    arguments.add_argument("after", type=Path, help="figures of the other, measured on the same data")
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    print(paired_table(read_figures(arguments.before), read_figures(arguments.after)))
    return 0


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
