"""Writes an ablation's tables as CSV, JSON and Markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from fusion_model.config import FusionConfig
from fusion_model.files import write_atomically
from train.ablation.tables import Runs, free_table, stages_table, strategies_table


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
