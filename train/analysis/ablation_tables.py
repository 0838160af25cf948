"""The tables of an ablation, from what its runs came to: means and standard deviations over the seeds."""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from fusion_model.config import FusionConfig
from fusion_model.files import write_atomically
from fusion_model.fusion import FusionNetwork
from train.analysis.ablation import FIRST_STACK, LIFTER, SHARP
from train.evaluation.paper import TABLE_5
from train.evaluation.tables import Cell, Table
from train.fusion_stage.timing import time_networks

_APART = {
    "photos_mpjpe": "photos, MPJPE",
    "photos_pa_mpjpe": "photos, PA-MPJPE",
    "synthetic_mpjpe": "rendered, MPJPE",
    "synthetic_pa_mpjpe": "rendered, PA-MPJPE",
}  # columns of data that mix both
_DIGITS = {
    "runs": 0, "not_sharp": 0, "paper": 2, "parameters": 2, "pruned_parameters": 2, "alpha": 3, "beta": 2, "ms": 2,
    "pruned_ms": 2,
}  # fmt: skip
_COLUMNS_NOTE = (
    "Errors in mm, mean ± standard deviation over the seeds; w, alpha and beta are means at the end of the soft phase. "
    "MPJPE and PA-MPJPE are those of the finished network, trained on with hardened weights."
)
_LIFTER_NOTE = (
    "Lifter: two residual blocks (Martinez et al., ICCV 2017) on the joints decoded from the maps, no fusion network."
)
_FREE_NOTE = (
    "The paper finds the sigmoid more accurate and, pruned, faster; its figures are not known to us. Free weights that "
    "are not sharp can be pruned only by rounding them."
)
_TIMES_NOTE = (
    "Soft: at the end of the soft phase. Pruned: after training on with hardened weights. Times: batches of 16, the "
    "median of rounds in which all networks take turns."
)
_STAGES_NOTE = (
    "The trainable network on the maps of the first and of the last stack of one trained hourglass: the first was "
    "trained as part of the stack, not by itself."
)

Runs = Sequence[Mapping[str, Any]]


def strategies_table(results: Mapping[str, Runs]) -> Table:
    """Table 5 in kind: a row a strategy.

    Args:
        results: runs by row, as :meth:`train.analysis.ablation.Ablation.results` gives them.
    """
    rows = {name: _strategy_row(name, runs) for name, runs in results.items() if name != FIRST_STACK}
    headings = {
        "paper": "MPJPE of the paper on Human3.6M, another data set",
        "mpjpe": "MPJPE",
        "pa_mpjpe": "PA-MPJPE",
        **_APART,
        "soft_mpjpe": "MPJPE soft",
        "hardened_mpjpe": "MPJPE hardened, at once",
        "pruned_mpjpe": "MPJPE pruned",
        "parameters": "M parameters",
        "pruned_parameters": "M parameters pruned",
        "weights": "w_1..w_L",
        "alpha": "alpha",
        "beta": "beta",
        "merging_layers": "merging layer",
        "not_sharp": "runs not sharp",
    }
    notes = [_COLUMNS_NOTE, *([_LIFTER_NOTE] if LIFTER in rows else [])]
    flagged = [f"{name} ({row['not_sharp']} of {row['runs']})" for name, row in rows.items() if row["not_sharp"]]
    if flagged:
        notes.append(
            f"**Not sharp: {', '.join(flagged)}.** In these runs some w_l lay farther than {SHARP:g} from the "
            "step [l > b] that they were hardened to: the merging layer is then a rounding, not the network's choice."
        )
    return _table("Ways of merging (the paper's Table 5, on other data)", "strategy", rows, headings, notes)


def free_table(results: Mapping[str, Runs], config: FusionConfig) -> Table | None:
    """Table 6 of the appendix in kind: sigmoid with sharpness term against free weights; None without both.

    Args:
        results: runs by row.
        config: of the fusion network, to time it as each run left it.
    """
    if not {"free", "trainable"} <= results.keys():
        return None
    rows, times = {}, _times(results, config)
    for name, title in (("free", "free weights"), ("trainable", "sigmoid with sharpness term")):
        runs = results[name]
        pruned = [times[_structure(name, run["merging_layer"])] for run in runs]
        rows[title] = {
            "runs": len(runs),
            **_mean_std("soft_mpjpe", [run["soft"]["mpjpe"] for run in runs]),
            **_mean_std("mpjpe", [run["pruned"]["mpjpe"] for run in runs]),
            "ms": times[_structure(name, None)],
            **_mean_std("pruned_ms", pruned),
            "not_sharp": sum(not run["sharp"] for run in runs),
        }
    headings = {
        "soft_mpjpe": "MPJPE soft, all layers",
        "mpjpe": "MPJPE pruned",
        "ms": "ms a crop, all layers",
        "pruned_ms": "ms a crop pruned",
        "not_sharp": "runs not sharp",
    }
    threads = f" Processor threads: {torch.get_num_threads()}."
    notes = (_FREE_NOTE, _TIMES_NOTE + threads)
    title = "Sigmoid against free weights (Table 6 of the paper's appendix, on other data)"
    return _table(title, "weights", rows, headings, notes)


def stages_table(results: Mapping[str, Runs]) -> Table | None:
    """The remark of section 3.2 in kind: maps of the last stack against those of the first; None without both."""
    if not {FIRST_STACK, "trainable"} <= results.keys():
        return None
    rows: dict[str, dict[str, Cell]] = {}
    for name, title in ((FIRST_STACK, "first stack"), ("trainable", "last stack")):
        figures = [run["pruned"] for run in results[name]]
        errors = _mean_std("mpjpe", _each(figures, "mpjpe")) | _mean_std("pa_mpjpe", _each(figures, "pa_mpjpe"))
        rows[title] = {"runs": len(figures), **errors, **_apart(figures)}
    headings = {"mpjpe": "MPJPE", "pa_mpjpe": "PA-MPJPE", **_APART}
    title = "Stacked against single-stage hourglass (section 3.2, on other data)"
    return _table(title, "maps", rows, headings, (_STAGES_NOTE,))


def _table(
    title: str, kind: str, rows: Mapping[str, Mapping[str, Cell]], headings: Mapping[str, str], notes: Sequence[str]
) -> Table:
    """The table of rows that all have the same columns."""
    columns = tuple(next(iter(rows.values())))
    cells = {name: tuple(row.values()) for name, row in rows.items()}
    return Table(title, columns, cells, notes=tuple(notes), headings=headings, digits_of=_DIGITS, kind=kind)


def _strategy_row(name: str, runs: Runs) -> dict[str, Cell]:
    """A row of Table 5; columns that the strategy does not have stay empty."""
    last, soft, hardened = ([run[key] for run in runs] for key in ("trained_on", "soft", "hardened"))
    parameters = [run["parameters"] for run in runs]
    layers = sorted({run["merging_layer"] for run in runs if run["merging_layer"] is not None})
    return {
        "runs": len(runs),
        "paper": TABLE_5.get(name),
        **_mean_std("mpjpe", _each(last, "mpjpe")),
        **_mean_std("pa_mpjpe", _each(last, "pa_mpjpe")),
        **_apart(last),
        **_mean_std("soft_mpjpe", _each(soft, "mpjpe")),
        **_mean_std("hardened_mpjpe", _each(hardened, "mpjpe")),
        **_mean_std("pruned_mpjpe", _each([run["pruned"] for run in runs], "mpjpe")),
        "parameters": statistics.mean(_each(parameters, "unpruned")) / 1e6,
        **_mean_std("pruned_parameters", [count / 1e6 for count in _each(parameters, "pruned")]),
        "weights": _mean_weights(runs),
        **_mean_std("alpha", [run["alpha"] for run in runs if run["alpha"] is not None]),
        **_mean_std("beta", [run["beta"] for run in runs if run["beta"] is not None]),
        "merging_layers": ", ".join(map(str, layers)) or None,
        "not_sharp": sum(run["sharp"] is False for run in runs),
    }


def _apart(figures: Sequence[Mapping[str, float]]) -> dict[str, Cell]:
    """Errors on photos and on rendered people, where both were measured."""
    cells: dict[str, Cell] = {}
    for name in _APART:
        if name in figures[0]:
            cells |= _mean_std(name, _each(figures, name))
    return cells


def _each(figures: Sequence[Mapping[str, float] | None], name: str) -> list[float]:
    """One figure of every run that has it."""
    return [each[name] for each in figures if each is not None]


def _mean_std(name: str, values: Sequence[float]) -> dict[str, Cell]:
    """Mean and sample standard deviation; None where there are too few values."""
    return {
        name: statistics.mean(values) if values else None,
        f"{name}_std": statistics.stdev(values) if len(values) > 1 else None,
    }


def _mean_weights(runs: Runs) -> str | None:
    """w_1..w_L, means over the runs."""
    weights = [run["weights"] for run in runs if run["weights"] is not None]
    return " ".join(f"{statistics.mean(column):.2f}" for column in zip(*weights, strict=True)) or None


def _structure(strategy: str, merging_layer: int | None) -> str:
    """Name of a network as far as its speed goes."""
    return f"{strategy} {merging_layer}"


def _times(results: Mapping[str, Runs], config: FusionConfig) -> dict[str, float]:
    """Milliseconds a crop of the free and trainable networks, unpruned and pruned at each merging layer found."""
    networks = {}
    for name in ("free", "trainable"):
        for layer in (None, *sorted({run["merging_layer"] for run in results[name]})):
            structure = dataclasses.replace(config, strategy=name, merge_after=layer)
            networks[_structure(name, layer)] = FusionNetwork(structure)
    return time_networks(networks)


def write_report(out: Path, results: Mapping[str, Runs], config: FusionConfig) -> str:
    """Write ``table5.csv``, ``table6.csv``, ``stages.csv``, ``tables.json`` and ``tables.md``.

    Args:
        out: their folder.
        results: runs by row.
        config: of the fusion network.

    Returns:
        The Markdown.
    """
    found = {
        "table5": strategies_table(results),
        "table6": free_table(results, config),
        "stages": stages_table(results),
    }
    tables = {name: table for name, table in found.items() if table is not None}
    for name, table in tables.items():
        write_atomically(out / f"{name}.csv", table.to_csv())
    content = {name: table.content() for name, table in tables.items()} | {"runs": results}
    write_atomically(out / "tables.json", json.dumps(content, indent=1))
    text = "\n".join([*(table.to_markdown(level=3) for table in tables.values()), _protocol(results)])
    write_atomically(out / "tables.md", text)
    return text


def _protocol(results: Mapping[str, Runs]) -> str:
    """What was measured, in a sentence."""
    run = next(iter(results.values()))[0]
    mean = run["mean_pose"]
    mixed = " Photos, whose 3D is a teacher's, and rendered people count half each." if "photos_mpjpe" in mean else ""
    return (
        f"{run['steps']} steps a run. Measured on {mean['n']} validation people in their true boxes, over 12 limb "
        "joints relative to the pelvis; answering the mean pose of the training people gives an MPJPE of "
        f"{mean['mpjpe']:.1f} mm and a PA-MPJPE of {mean['pa_mpjpe']:.1f} mm.{mixed}\n"
    )
