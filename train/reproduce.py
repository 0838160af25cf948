"""The whole recipe of a table of the paper: ``python -m train.reproduce table1 --data DIR --out DIR``.

Trains the networks over prepared data, measures them and prints the table with the paper's rows beside ours; "released"
makes the bundled checkpoint from labelled photos, and renders people into the folder that they lie in. A recipe is a
file in configs/, or one of your own; every stage is a command of its own, which --dry-run prints. Run the same command
again to continue where it was cut; recipes of one --out share the networks that they have in common.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import shlex
import statistics
import sys
from pathlib import Path

from fusion_model.hub.checkpoints import CARD_FILE, read_metrics
from fusion_model.presets import PRESETS
from train.command import new_parser, run_command
from train.data.source import SYNTHETIC
from train.data.sources import find_sources
from train.detector import read_detector
from train.engine.arguments import at_least, positive
from train.engine.run_files import check_settings
from train.evaluation.paper import TABLE_5
from train.evaluation.tables import Table
from train.fusion_stage.training import load_hourglass
from train.recipes import Choices, Recipe, bundled_recipes, run_stages, shown

_BASES = ("mpii", "lsp", "lspet", "coco")  # sets of photos that every hourglass can start on
_OURS = ("this checkpoint", "a checkpoint for each action")  # begin the rows of a protocol that are not the paper's


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = new_parser("reproduce", __doc__)
    offered = "; ".join(f"{name}: {recipe.about}" for name, recipe in bundled_recipes().items())
    arguments.add_argument("recipe", type=recipe_file, help=f"{offered}; or your own file, FILE.toml")
    arguments.add_argument(
        "--data", type=Path, required=True, help="folder with a folder for each set, of its name: human36m, kth, ..."
    )
    arguments.add_argument("--out", type=Path, required=True, help="folder of everything; an unfinished one goes on")
    arguments.add_argument(
        "--preset", choices=sorted(PRESETS), help="sizes of the networks (default: paper; of released: released)"
    )
    arguments.add_argument("--base", choices=_BASES, default="mpii", help="set that the hourglass is trained on first")
    arguments.add_argument(
        "--init-from", type=Path, help="of released: checkpoint whose hourglass and detector to take"
    )
    arguments.add_argument("--scale", type=positive(float), default=1.0, help="factor on all numbers of steps")
    arguments.add_argument(
        "--accumulate", type=positive(int), help="parts of a batch that follow each other, to save memory"
    )
    arguments.add_argument("--seed", type=at_least(0, int), default=0, help="of weights, crops and batches")
    arguments.add_argument("--dry-run", action="store_true", help="print the commands and do nothing")
    return arguments


def recipe_file(text: str) -> Path:
    """Reader of a recipe: the path of a file, or the name of one in ``configs/``."""
    bundled = bundled_recipes()
    if text not in bundled and not text.endswith(".toml"):
        raise argparse.ArgumentTypeError(f"must be {', '.join(bundled)} or a file FILE.toml, got {text!r}")
    return bundled[text].path if text in bundled else Path(text)


def check_data(recipe: Recipe, choices: Choices) -> None:
    """Refuse data and a checkpoint that a recipe cannot start from, before anything is made.

    Raises:
        FileNotFoundError: if a set or the checkpoint is not there.
        ValueError: if a folder has nobody of a set to train or to validate on, or the checkpoint's networks do not fit.
    """
    for named in recipe.sets or ("",):  # none: photos of any
        name = named.format(base=choices.base)
        sources = find_sources(choices.data / name)
        found = [one for one in sources if (one.name == name if name else one.name != SYNTHETIC)]
        for part, held_out in (("train", False), ("validate", True)):
            if not any((source.validation == held_out).any() for source in found):
                wanted = f"people of {name}" if name else "photos"
                raise ValueError(f"{choices.data / name} has no {wanted} to {part} on: see docs/data.md")
    if choices.init_from:
        load_hourglass(PRESETS[choices.preset or recipe.preset], choices.init_from)
        read_detector(choices.init_from)


def report(recipe: Recipe, out: Path) -> str:
    """Write what the recipe ends with, once all is done, and return it as text."""
    if recipe.report == "card":
        checkpoint = out / "fusion" / "checkpoint"
        rows = read_metrics(checkpoint)["true box"]
        lines = [f"{name:24} n {row['n']:5}  PCK@0.2 {row['pck']:5.1f} %" for name, row in rows.items()]
        lines += [
            f"all figures: {checkpoint / CARD_FILE}",
            f"FUSION_POSE_MODEL={shlex.quote(str(checkpoint))} python app.py",
        ]
        return "\n".join(lines)
    if recipe.report == "rows" and not recipe.rows:
        return f"done: {out}"
    table = _strategies(recipe, out) if recipe.report == "strategies" else _side_by_side(recipe, out)
    paths = table.write(out / "tables", recipe.path.stem)
    return "\n".join((table.to_markdown(), *(f"written: {path}" for path in paths)))


def _side_by_side(recipe: Recipe, out: Path) -> Table:
    """Our rows of a protocol over the paper's."""
    ours, theirs = {}, {}
    for measured, title in recipe.rows.items():
        table = Table.read(out / "measured" / measured / f"{recipe.protocol}.json")
        for row, values in table.rows.items():
            if row.startswith(_OURS):
                ours[", ".join((title, *row.split(", ")[1:]))] = values
            else:
                theirs[row] = values
    return dataclasses.replace(table, rows=ours | theirs, notes=(*table.notes, *recipe.notes))


def _strategies(recipe: Recipe, out: Path) -> Table:
    """Every way of merging over its seeds, beside the paper's Table 5."""
    each, rows = next(table["each"] for table in recipe.tables.values() if "each" in table), {}
    for strategy in each["strategy"]:
        tables = [Table.read(place) for place in sorted((out / "measured").glob(f"{strategy}-*/human36m.json"))]
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


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    recipe = Recipe.read(arguments.recipe)
    if arguments.init_from and not recipe.goes_on:
        raise ValueError(f"{recipe.path.stem} starts from nothing: leave out --init-from")
    choices = Choices(**{one.name: getattr(arguments, one.name) for one in dataclasses.fields(Choices)})
    plan = recipe.stages(choices)
    if arguments.dry_run:
        for name, commands in plan.items():
            print(f"# {name}", *map(shown, commands), sep="\n")
        return 0
    check_data(recipe, choices)
    begun = {name: getattr(choices, name) for name in ("base", "scale", "seed")}
    begun |= {"preset": choices.preset or recipe.preset, "data": str(choices.data.resolve())}
    begun["init_from"] = choices.init_from and str(choices.init_from.resolve())
    check_settings(choices.out, "reproduce.json", begun)
    if run_stages(plan, choices.out) is None:
        return 1
    print(report(recipe, choices.out))
    return 0


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
