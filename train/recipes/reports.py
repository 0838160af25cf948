"""What a recipe ends with: the table with the paper's rows beside ours, or the figures of a checkpoint."""

from __future__ import annotations

import dataclasses
import math
import statistics
from pathlib import Path

from fusion_model.hub.checkpoints import CARD_FILE, read_metrics
from train.evaluation.paper import TABLE_5
from train.evaluation.tables import Table
from train.recipes.plan import Recipe


def report(recipe: Recipe, out: Path) -> str:
    """Write what the recipe ends with, once all is done, and return it as text."""
    if recipe.report == "card":
        return _card(out / "fusion" / "checkpoint")
    table = _strategies(recipe, out) if recipe.report == "strategies" else _side_by_side(recipe, out)
    paths = table.write(out / "tables", recipe.path.stem)
    return "\n".join((table.to_markdown(), *(f"written: {path}" for path in paths)))


def _card(checkpoint: Path) -> str:
    """Where the checkpoint lies, and its figures in the true box."""
    rows = read_metrics(checkpoint)["true box"]
    lines = [f"{name:24} n {row['n']:5}  PCK@0.2 {row['pck']:5.1f} %" for name, row in rows.items()]
    return "\n".join(
        (*lines, f"all figures: {checkpoint / CARD_FILE}", f"FUSION_POSE_MODEL={checkpoint} python app.py")
    )


def _measured(out: Path, name: str, protocol: str) -> Table:
    """What ``train.evaluate`` wrote."""
    return Table.read(out / "measured" / name / f"{protocol}.json")


def _side_by_side(recipe: Recipe, out: Path) -> Table:
    """One table of several measurements by one protocol, ours first and the paper's rows below."""
    tables = {shown: _measured(out, name, recipe.protocol) for name, shown in recipe.rows.items()}
    first, ours = next(iter(tables.values())), {}
    for shown, table in tables.items():
        own = {row: values for row, values in table.rows.items() if _is_ours(row)}
        ours |= {", ".join((shown, *row.split(", ")[1:])): values for row, values in own.items()}
    theirs = {row: values for row, values in first.rows.items() if not _is_ours(row)}
    return dataclasses.replace(first, rows=ours | theirs, notes=(*first.notes, *recipe.notes))


def _is_ours(row: str) -> bool:
    """Whether a row of a protocol's table is of a checkpoint, not of the paper."""
    return row.startswith(("this checkpoint", "a checkpoint for each action"))


def _strategies(recipe: Recipe, out: Path) -> Table:
    """Mean and standard deviation of every way of merging over its seeds."""
    each = next(table["each"] for table in recipe.tables.values() if "each" in table)
    rows, counts, seeds = {}, {}, 0
    for strategy in each["strategy"]:
        folders = sorted(path.name for path in (out / "measured").glob(f"{strategy}-*"))
        tables = [_measured(out, folder, "human36m") for folder in folders]
        figures = [table.rows["this checkpoint"][-1] for table in tables]  # the mean of all actions
        std = math.nan if math.isnan(sum(figures)) else statistics.stdev(figures)
        rows[strategy] = (statistics.mean(figures), std, TABLE_5[strategy])
        counts, seeds = dict.fromkeys(("ours", "standard deviation"), tables[0].counts["all"]), len(tables)
    notes = (
        f"ours: the mean over {seeds} seeds of networks for all actions, at their last step",
        "the paper's figure of the trainable network is that of a model for each action in its Table 1",
    )
    title = "Ways of merging on Human3.6M, MPJPE in mm, mean of the actions (the paper's Table 5)"
    return Table(title, ("ours", "standard deviation", "paper"), rows, counts, notes, 2)
