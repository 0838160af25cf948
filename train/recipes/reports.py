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

_OURS = ("this checkpoint", "a checkpoint for each action")  # begin the rows of a protocol that are not the paper's


def report(recipe: Recipe, out: Path) -> str:
    """Write what the recipe ends with, once all is done, and return it as text."""
    if recipe.report == "card":
        checkpoint = out / "fusion" / "checkpoint"
        rows = read_metrics(checkpoint)["true box"]
        lines = [f"{name:24} n {row['n']:5}  PCK@0.2 {row['pck']:5.1f} %" for name, row in rows.items()]
        lines += [f"all figures: {checkpoint / CARD_FILE}", f"FUSION_POSE_MODEL={checkpoint} python app.py"]
        return "\n".join(lines)
    table = _strategies(recipe, out) if recipe.report == "strategies" else _side_by_side(recipe, out)
    paths = table.write(out / "tables", recipe.path.stem)
    return "\n".join((table.to_markdown(), *(f"written: {path}" for path in paths)))


def _side_by_side(recipe: Recipe, out: Path) -> Table:
    ours, theirs = {}, {}
    for measured, shown in recipe.rows.items():
        table = Table.read(out / "measured" / measured / f"{recipe.protocol}.json")
        for row, values in table.rows.items():
            if row.startswith(_OURS):
                ours[", ".join((shown, *row.split(", ")[1:]))] = values
            else:
                theirs[row] = values
    return dataclasses.replace(table, rows=ours | theirs, notes=(*table.notes, *recipe.notes))


def _strategies(recipe: Recipe, out: Path) -> Table:
    each = next(table["each"] for table in recipe.tables.values() if "each" in table)
    rows = {}
    for strategy in each["strategy"]:
        places = sorted((out / "measured").glob(f"{strategy}-*/human36m.json"))
        tables = [Table.read(place) for place in places]
        figures = [table.rows["this checkpoint"][-1] for table in tables]  # the mean of all actions
        std = math.nan if math.isnan(sum(figures)) else statistics.stdev(figures)
        rows[strategy] = (statistics.mean(figures), std, TABLE_5[strategy])
    counts = dict.fromkeys(("ours", "standard deviation"), tables[0].counts["all"])
    notes = (
        f"ours: the mean over {len(tables)} seeds of networks for all actions, at their last step",
        "the paper's figure of the trainable network is that of a model for each action in its Table 1",
    )
    title = "Ways of merging on Human3.6M, MPJPE in mm, mean of the actions (the paper's Table 5)"
    return Table(title, ("ours", "standard deviation", "paper"), rows, counts, notes, 2)
