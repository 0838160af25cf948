"""Two checkpoints on the same people: before, after, and the mean of the differences with its standard error."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from train.evaluation.tables import markdown_table

PEOPLE = "people"
"""Where the figures of ``train.evaluate`` have each person's scores: by kind, by set, by person."""

_HEAD = ("measured, %", "set", "n", "before", "after", "difference", "standard error")


def read_figures(path: Path) -> dict[str, dict]:
    """What ``train.evaluate --out`` wrote.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is something else, or has no scores of single people.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} not found: expected a file that train.evaluate --out wrote")
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no JSON file: expected one that train.evaluate --out wrote") from error
    if not isinstance(figures, dict) or not figures.get(PEOPLE):
        raise ValueError(f"{path} has no scores of single people: write it again by train.evaluate --out")
    return figures


def paired_table(before: dict[str, dict], after: dict[str, dict]) -> str:
    """Markdown, a row a kind and a set that both have; only people whom both have count.

    Args:
        before: figures, see :func:`read_figures`.
        after: of another checkpoint on the same data.

    Raises:
        ValueError: if they have nobody in common.
    """
    rows = []
    for kind, sets in after[PEOPLE].items():
        for name, scores in sets.items():
            earlier = before[PEOPLE].get(kind, {}).get(name, {})
            if shared := [person for person in scores if person in earlier]:
                pairs = np.array([(earlier[person], scores[person]) for person in shared])
                rows.append((kind, name, len(pairs), *_compared(pairs)))
    if not rows:
        raise ValueError("the two have no person in common: measure both checkpoints on the same data")
    return markdown_table(_HEAD, rows)


def _compared(pairs: np.ndarray) -> tuple[str, ...]:
    """Cells of pairs (N, 2) of scores."""
    difference = pairs[:, 1] - pairs[:, 0]
    error = f"{difference.std(ddof=1) / len(pairs) ** 0.5:.2f}" if len(pairs) > 1 else "-"
    return (*(f"{mean:.1f}" for mean in pairs.mean(0)), f"{difference.mean():+.2f}", error)
