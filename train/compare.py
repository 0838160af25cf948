"""Compare two checkpoints on the same people: ``python -m train.compare BEFORE.json AFTER.json``.

Of figures that ``train.evaluate --out`` wrote, prints a Markdown table of each set before and after, paired over the
people: PCK@0.2 in the true box and end to end, and the limb joints on the mirror joint.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from train.command import new_parser, run_command
from train.evaluation.end_to_end import PEOPLE
from train.evaluation.tables import markdown_table

Scores = dict[str, dict[str, dict[str, float]]]  # of people, by kind, by set, by person


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = new_parser("compare", __doc__)
    arguments.add_argument("before", type=Path, help="figures of the one checkpoint")
    arguments.add_argument("after", type=Path, help="figures of the other, measured on the same data")
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    print(paired_table(read_scores(arguments.before), read_scores(arguments.after)))
    return 0


def read_scores(path: Path) -> Scores:
    """Each person's scores in what ``train.evaluate --out`` wrote; ValueError for any other file."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))[PEOPLE])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ValueError(f"{path} has no scores of single people: expected what train.evaluate --out wrote") from error


def paired_table(before: Scores, after: Scores) -> str:
    """Markdown, a row a kind and a set, of the people whom both have; ValueError if there are none."""
    head, rows = ("measured, %", "set", "n", "before", "after", "difference", "standard error"), []
    for kind, sets in after.items():
        for name, scores in sets.items():
            earlier = before.get(kind, {}).get(name, {})
            if shared := [person for person in scores if person in earlier]:
                pairs = np.array([(earlier[person], scores[person]) for person in shared])
                off = pairs[:, 1] - pairs[:, 0]
                error = f"{off.std(ddof=1) / len(off) ** 0.5:.2f}" if len(off) > 1 else "-"
                means = (f"{mean:.1f}" for mean in pairs.mean(0))
                rows.append((kind, name, len(off), *means, f"{off.mean():+.2f}", error))
    if not rows:
        raise ValueError("the two have no person in common: measure both checkpoints on the same data")
    return markdown_table(head, rows)


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
