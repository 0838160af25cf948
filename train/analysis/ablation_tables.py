"""The tables of an ablation, from what its runs came to: means and standard deviations over the seeds."""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from fusion_model.config import FusionConfig
from fusion_model.files import write_atomically
from fusion_model.fusion import FusionNetwork
from train.analysis.ablation import LIFTER, SHARP
from train.evaluation.paper import TABLE_5
from train.evaluation.tables import Cell, Table
from train.fusion_stage.timing import time_networks

_HEADINGS = {
    "paper": "MPJPE of the paper on Human3.6M, another data set",
    "mpjpe": "MPJPE",
    "pa_mpjpe": "PA-MPJPE",
    "photos_mpjpe": "photos, MPJPE",
    "photos_pa_mpjpe": "photos, PA-MPJPE",
    "synthetic_mpjpe": "rendered, MPJPE",
    "synthetic_pa_mpjpe": "rendered, PA-MPJPE",
    "soft_mpjpe": "MPJPE soft",
    "hardened_mpjpe": "MPJPE hardened, at once",
    "pruned_mpjpe": "MPJPE pruned",
    "parameters": "M parameters",
    "pruned_parameters": "M parameters pruned",
    "ms": "ms a crop, all layers",
    "pruned_ms": "ms a crop pruned",
    "weights": "w_1..w_L",
    "merging_layers": "merging layer",
    "not_sharp": "runs not sharp",
}
_ERRORS = [f"{kind}{name}" for kind in ("", "photos_", "synthetic_") for name in ("mpjpe", "pa_mpjpe")]
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

Runs = Sequence[Mapping[str, Any]]
Row = dict[str, Cell]


def strategies_table(results: Mapping[str, Runs]) -> Table:
    """Table 5 in kind: a row a strategy.

    Args:
        results: runs by row, as :meth:`train.analysis.ablation.Ablation.results` gives them.
    """
    rows = {name: _strategy_row(name, runs) for name, runs in results.items()}
    notes = [_COLUMNS_NOTE, *([_LIFTER_NOTE] if LIFTER in rows else [])]
    flagged = [f"{name} ({row['not_sharp']} of {row['runs']})" for name, row in rows.items() if row["not_sharp"]]
    if flagged:
        notes.append(
            f"**Not sharp: {', '.join(flagged)}.** In these runs some w_l lay farther than {SHARP:g} from the "
            "step [l > b] that they were hardened to: the merging layer is then a rounding, not the network's choice."
        )
    return _table("Ways of merging (the paper's Table 5, on other data)", "strategy", rows, *notes)


def _strategy_row(name: str, runs: Runs) -> Row:
    """A row of Table 5; what the strategy does not have stays empty."""
    weights = [run["weights"] for run in runs if run["weights"] is not None]
    layers = sorted({run["merging_layer"] for run in runs if run["merging_layer"] is not None})
    return {
        "runs": len(runs),
        "paper": TABLE_5.get(name),
        **_errors(runs, "trained_on"),
        **_mean_std("soft_mpjpe", runs, lambda run: run["soft"] and run["soft"]["mpjpe"]),
        **_mean_std("hardened_mpjpe", runs, lambda run: run["hardened"] and run["hardened"]["mpjpe"]),
        **_mean_std("pruned_mpjpe", runs, lambda run: run["pruned"]["mpjpe"]),
        **_mean_std("parameters", runs, lambda run: run["parameters"]["unpruned"] / 1e6),
        **_mean_std("pruned_parameters", runs, lambda run: run["parameters"]["pruned"] / 1e6),
        "weights": " ".join(f"{statistics.mean(column):.2f}" for column in zip(*weights, strict=True)) or None,
        **_mean_std("alpha", runs, lambda run: run["alpha"]),
        **_mean_std("beta", runs, lambda run: run["beta"]),
        "merging_layers": ", ".join(map(str, layers)) or None,
        "not_sharp": sum(run["sharp"] is False for run in runs),
    }


def free_table(results: Mapping[str, Runs], config: FusionConfig) -> Table | None:
    """Table 6 of the appendix in kind: sigmoid with sharpness term against free weights; None without both.

    Args:
        results: runs by row.
        config: of the fusion network, to time it as each run left it.
    """
    if not {"free", "trainable"} <= results.keys():
        return None
    times = _times(results, config)
    rows = {
        title: {
            "runs": len(results[name]),
            **_mean_std("soft_mpjpe", results[name], lambda run: run["soft"]["mpjpe"]),
            **_mean_std("pruned_mpjpe", results[name], lambda run: run["pruned"]["mpjpe"]),
            "ms": times[name, None],
            **_mean_std("pruned_ms", results[name], lambda run: times[run["name"], run["merging_layer"]]),
            "not_sharp": sum(not run["sharp"] for run in results[name]),
        }
        for name, title in (("free", "free weights"), ("trainable", "sigmoid with sharpness term"))
    }
    threads = f" Processor threads: {torch.get_num_threads()}."
    title = "Sigmoid against free weights (Table 6 of the paper's appendix, on other data)"
    return _table(title, "weights", rows, _FREE_NOTE, _TIMES_NOTE + threads)


def _table(title: str, kind: str, rows: Mapping[str, Row], *notes: str) -> Table:
    columns = tuple(next(iter(rows.values())))
    cells = {name: tuple(row.values()) for name, row in rows.items()}
    return Table(title, columns, cells, notes=notes, headings=_HEADINGS, digits_of=_DIGITS, kind=kind)


def _errors(runs: Runs, when: str) -> Row:
    """Errors of all people and, where both were measured, of photos and of rendered people."""
    row: Row = {}
    for name in _ERRORS:
        if name in runs[0][when]:
            row |= _mean_std(name, runs, lambda run, name=name: run[when][name])
    return row


def _mean_std(name: str, runs: Runs, value: Callable[[Mapping[str, Any]], float | None]) -> Row:
    """Mean and sample standard deviation of what the runs have; None where there are too few."""
    values = [one for run in runs if (one := value(run)) is not None]
    return {
        name: statistics.mean(values) if values else None,
        f"{name}_std": statistics.stdev(values) if len(values) > 1 else None,
    }


def _times(results: Mapping[str, Runs], config: FusionConfig) -> dict[tuple[str, int | None], float]:
    """Milliseconds a crop of the free and trainable networks, unpruned (None) and pruned at each merging layer."""
    networks = {}
    for name in ("free", "trainable"):
        for layer in (None, *sorted({run["merging_layer"] for run in results[name]})):
            networks[name, layer] = FusionNetwork(dataclasses.replace(config, strategy=name, merge_after=layer))
    return time_networks(networks)


def write_report(out: Path, results: Mapping[str, Runs], config: FusionConfig) -> str:
    """Write ``table5.csv``, ``table6.csv``, ``tables.json`` and ``tables.md``.

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
    run = next(iter(results.values()))[0]
    mean = run["mean_pose"]
    mixed = " Photos, whose 3D is a teacher's, and rendered people count half each." if "photos_mpjpe" in mean else ""
    return (
        f"{run['steps']} steps a run. Measured on {mean['n']} validation people in their true boxes, over 12 limb "
        "joints relative to the pelvis; answering the mean pose of the training people gives an MPJPE of "
        f"{mean['mpjpe']:.1f} mm and a PA-MPJPE of {mean['pa_mpjpe']:.1f} mm.{mixed}\n"
    )
