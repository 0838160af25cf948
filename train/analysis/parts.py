"""The parts of an analysis, each with its files; every file is written whole or not at all."""

from __future__ import annotations

import argparse
import io
import json
from functools import cached_property
from typing import Any

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fusion_model.files import write_atomically
from train.analysis.features import stream_correlations
from train.analysis.figures import correlation_figure, mixing_figure
from train.analysis.held_out import HeldOut
from train.analysis.inputs import inputs_worth
from train.analysis.mixing import read_mixing
from train.analysis.report import PARTS, report
from train.analysis.run import FusionRun, NothingToShowError, identity, read_run
from train.analysis.runtime import BATCHES, is_busy, machine, network_times, pruning_errors
from train.analysis.sheets import examples, sheet_figure
from train.analysis.turning import turning_page
from train.engine.logs import write_rows
from train.engine.run_files import read_json
from train.fusion_stage.training import HARDENING

_DPI, _SHEET_DPI = 120, 110


class Analysis:
    """The parts, and what they share: networks and people are loaded once, by the first that needs them."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.machine = machine(self.device)
        self.out, self._weights = arguments.out or arguments.run / "analysis", identity(arguments.run)
        self.out.mkdir(parents=True, exist_ok=True)

    @cached_property
    def networks(self) -> FusionRun:
        """Of the run."""
        return read_run(self.arguments.run, self.device)

    @cached_property
    def held_out(self) -> HeldOut:
        """Validation people."""
        return HeldOut(self.arguments.data, self.networks)

    def make(self, name: str) -> bool:
        """Make a part, one of :data:`train.analysis.report.PARTS`, and the report anew; False if it is left out.

        ``<part>.json`` has its figures, and the report those that were made for the same weights, now or earlier.
        """
        try:
            content = getattr(self, name)()
        except NothingToShowError as error:
            content = {"left_out": str(error)}
        write_atomically(self.out / f"{name}.json", json.dumps({"weights": self._weights, **content}, indent=1))
        parts = {part: read_json(self.out / f"{part}.json") for part in PARTS}
        same = {part: content for part, content in parts.items() if content.get("weights") == self._weights}
        title = f"Analysis of {self.arguments.run.resolve().name}"
        write_atomically(self.out / "report.md", report(title, same))
        print(f"{name} left out: {content['left_out']}" if "left_out" in content else f"{name} done", flush=True)
        return "left_out" not in content

    def figure5(self) -> dict[str, Any]:
        """Curves of the fusion weights."""
        mixing = read_mixing(self.arguments.run)
        columns = {"step": mixing.steps, "alpha": mixing.alpha, "beta": mixing.beta}
        columns |= {f"w{layer}": values for layer, values in enumerate(mixing.weights.T, 1)}
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        write_rows(self.out / "figure5.csv", rows)
        self._figure("figure5.png", mixing_figure(mixing), _DPI)
        return mixing.summary()

    def figure7(self) -> dict[str, Any]:
        """Correlations of the streams."""
        samples, wanted = self.held_out.samples, self.arguments.images
        rows = np.random.default_rng(self.arguments.seed).permutation(len(samples))[:wanted]
        image, maps, _ = samples.inputs(torch.from_numpy(np.sort(rows)).to(self.device))
        found = stream_correlations(self.networks.full, image, maps)
        table = [
            {"channel": f"image_{k}", **{f"map_{other}": f"{value:.6g}" for other, value in enumerate(row)}}
            for k, row in enumerate(found.between)
        ]
        write_rows(self.out / "figure7.csv", table)
        self._figure("figure7.png", correlation_figure(found), _DPI)
        summary = found.summary()
        b = self.networks.released.config.merging_layer
        if b is not None and b < found.layer:
            summary["note"] = f"The released network merges after layer {b}: it does without the layer shown here."
        print(f"  R^2 between the streams, mean of {found.between.size} pairs: {summary['mean']}")
        return summary

    def inputs(self) -> dict[str, Any]:
        """Errors with changed inputs."""
        rows = inputs_worth(self.held_out)
        write_rows(self.out / "inputs.csv", rows)
        for row in rows:
            print(f"  {row['people']:9} {row['input']:24} {row['mpjpe']:6.1f}  {row['increase_mm']:+6.1f} mm")
        return {"rows": rows}

    def sheets(self) -> dict[str, Any]:
        """People, their maps and poses."""
        groups, sheets = {}, []
        for kind, rows in self.held_out.kinds.items():
            shown = kind == "rendered" or not self.arguments.without_photos
            people = examples(self.held_out, rows, self.arguments.people, photos=shown)
            title = f"{'Rendered people' if kind == 'rendered' else 'Photos'}, never trained on: from good to bad"
            reference = "true" if kind == "rendered" else "reference"  # most photos have a teacher's pose alone
            self._figure(f"sheet_{kind}.png", sheet_figure(people, title, reference, photos=shown), _SHEET_DPI)
            sheets.append({"file": f"sheet_{kind}.png", "title": title, "shows_photos": shown and kind != "rendered"})
            groups[kind] = people
        write_atomically(self.out / "people.html", turning_page(groups))
        for kind in {"photos", "rendered"} - set(groups):  # of an earlier analysis
            (self.out / f"sheet_{kind}.png").unlink(missing_ok=True)
        return {"sheets": sheets}

    def runtime(self) -> dict[str, Any]:
        """Times and errors of the networks."""
        times = network_times(self.networks)
        write_rows(self.out / "runtime.csv", times)
        errors = pruning_errors(self.held_out, read_json(self.arguments.run / HARDENING))
        for row in times:
            print("  " + "  ".join(f"{k} {v:.4g}" if isinstance(v, float) else str(v) for k, v in row.items()))
        place = {"machine": self.machine, "busy": is_busy(self.machine), "batches": BATCHES}
        return {**place, "times": times, "errors": errors}

    def _figure(self, name: str, figure: Figure, dpi: int) -> None:
        """Write a PNG."""
        buffer = io.BytesIO()
        FigureCanvasAgg(figure)
        figure.savefig(buffer, format="png", dpi=dpi, facecolor="white", metadata={"Software": None})
        write_atomically(self.out / name, buffer.getvalue())
