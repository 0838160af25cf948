"""The tables of an ablation, from what its runs came to: means and standard deviations over the seeds."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fusion_model.files import write_atomically
from train.analysis.ablation import LIFTER, SHARP
from train.evaluation.paper import TABLE_5
from train.evaluation.tables import Cell, Table

Runs = Sequence[Mapping[str, Any]]
Row = dict[str, Cell]

_PAPER, _NOT_SHARP = "MPJPE of the paper on Human3.6M, another data set", "runs not sharp"
_FIGURES: dict[str, Callable[[Mapping[str, Any]], float | None]] = {
    "MPJPE": lambda run: run["trained_on"]["mpjpe"],
    "PA-MPJPE": lambda run: run["trained_on"]["pa_mpjpe"],
    "photos, MPJPE": lambda run: run["trained_on"].get("photos_mpjpe"),
    "photos, PA-MPJPE": lambda run: run["trained_on"].get("photos_pa_mpjpe"),
    "rendered, MPJPE": lambda run: run["trained_on"].get("synthetic_mpjpe"),
    "rendered, PA-MPJPE": lambda run: run["trained_on"].get("synthetic_pa_mpjpe"),
    "MPJPE soft": lambda run: run["soft"] and run["soft"]["mpjpe"],
    "MPJPE hardened, at once": lambda run: run["hardened"] and run["hardened"]["mpjpe"],
    "MPJPE pruned": lambda run: run["pruned"]["mpjpe"],
    "M parameters": lambda run: run["parameters"]["unpruned"] / 1e6,
    "M parameters pruned": lambda run: run["parameters"]["pruned"] / 1e6,
    "alpha": lambda run: run["alpha"],
    "beta": lambda run: run["beta"],
}
"""What the runs of a row have a mean and a standard deviation of."""
_DIGITS = {
    "runs": 0, _NOT_SHARP: 0, _PAPER: 2, "M parameters": 2, "M parameters pruned": 2, "alpha": 3, "beta": 2,
}  # fmt: skip
_NOTES_5 = (
    "errors in mm, mean ± standard deviation over the seeds, of the finished network, trained on with hardened weights",
    "w, alpha and beta are means at the end of the soft phase",
    "lifter: two residual blocks (Martinez et al., ICCV 2017) on the joints decoded from the maps, no fusion network",
)
_NOTES_6 = (
    "the paper finds the sigmoid more accurate and, pruned, faster; its figures are not known to us",
    "free weights that are not sharp can be pruned only by rounding them",
    "soft: at the end of the soft phase; pruned: after training on with hardened weights",
)


def strategies_table(results: Mapping[str, Runs]) -> Table:
    """Table 5 in kind, of the runs by row: a row a strategy; columns that no strategy has are left out."""
    every = [run for runs in results.values() for run in runs]
    known = {name: figure for name, figure in _FIGURES.items() if any(figure(run) is not None for run in every)}
    rows = {}
    for name, runs in results.items():
        weights = [run["weights"] for run in runs if run["weights"] is not None]
        layers = sorted({run["merging_layer"] for run in runs if run["merging_layer"] is not None})
        rows[name] = {"runs": len(runs), _PAPER: TABLE_5.get(name)}
        for column, figure in known.items():
            rows[name] |= _mean_std(column, map(figure, runs))
        rows[name] |= {
            "w_1..w_L": " ".join(f"{statistics.mean(column):.2f}" for column in zip(*weights, strict=True)) or None,
            "merging layer": ", ".join(map(str, layers)) or None,
            _NOT_SHARP: sum(run["sharp"] is False for run in runs),
        }
    notes = list(_NOTES_5[: 3 if LIFTER in rows else 2])
    if flagged := [f"{name} ({row[_NOT_SHARP]} of {row['runs']})" for name, row in rows.items() if row[_NOT_SHARP]]:
        notes.append(
            f"**Not sharp: {', '.join(flagged)}.** In these runs some w_l lay farther than {SHARP:g} from the "
            "step [l > b] that they were hardened to: the merging layer is then a rounding, not the network's choice."
        )
    return _table("Ways of merging (the paper's Table 5, on other data)", "strategy", rows, *notes)


def free_table(results: Mapping[str, Runs]) -> Table:
    """Table 6 of the appendix in kind: sigmoid with sharpness term against free weights."""
    rows = {}
    for name, title in (("free", "free weights"), ("trainable", "sigmoid with sharpness term")):
        runs = results[name]
        rows[title] = {"runs": len(runs)}
        for column in ("MPJPE soft", "MPJPE hardened, at once", "MPJPE pruned", "M parameters", "M parameters pruned"):
            rows[title] |= _mean_std(column, map(_FIGURES[column], runs))
        rows[title] |= {_NOT_SHARP: sum(not run["sharp"] for run in runs)}
    title = "Sigmoid against free weights (Table 6 of the paper's appendix, on other data)"
    return _table(title, "weights", rows, *_NOTES_6)


def _table(title: str, kind: str, rows: Mapping[str, Row], *notes: str) -> Table:
    columns = tuple(next(iter(rows.values())))
    cells = {name: tuple(row.values()) for name, row in rows.items()}
    return Table(title, columns, cells, notes=notes, digits_of=_DIGITS, kind=kind)


def _mean_std(name: str, figures: Iterable[float | None]) -> Row:
    """Mean and sample standard deviation of those that are known; None where there are too few."""
    values = [one for one in figures if one is not None]
    return {
        name: statistics.mean(values) if values else None,
        f"{name}_std": statistics.stdev(values) if len(values) > 1 else None,
    }


def write_report(out: Path, results: Mapping[str, Runs]) -> str:
    """Write ``table5.csv``, ``tables.json`` and ``tables.md``, and ``table6.csv`` where both of its rows were trained.

    Args:
        out: their folder.
        results: runs by row, as :meth:`train.analysis.ablation.Ablation.results` gives them.

    Returns:
        The Markdown.
    """
    tables = {"table5": strategies_table(results)}
    if {"free", "trainable"} <= results.keys():
        tables["table6"] = free_table(results)
    for name, table in tables.items():
        write_atomically(out / f"{name}.csv", table.to_csv())
    content = {name: table.content() for name, table in tables.items()} | {"runs": results}
    write_atomically(out / "tables.json", json.dumps(content, indent=1))
    run = next(iter(results.values()))[0]
    mean = run["mean_pose"]
    mixed = " Photos, whose 3D is a teacher's, and rendered people count half each." if "photos_mpjpe" in mean else ""
    protocol = (
        f"{run['steps']} steps a run. Measured on {mean['n']} validation people in their true boxes, over 12 limb "
        "joints relative to the pelvis; answering the mean pose of the training people gives an MPJPE of "
        f"{mean['mpjpe']:.1f} mm and a PA-MPJPE of {mean['pa_mpjpe']:.1f} mm.{mixed}\n"
    )
    text = "\n".join([*(table.to_markdown(level=3) for table in tables.values()), protocol])
    write_atomically(out / "tables.md", text)
    return text
