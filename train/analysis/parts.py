"""The parts of an analysis, each with its files."""

from __future__ import annotations

import argparse
from functools import cached_property

import numpy as np
import torch

from train.analysis.features import stream_correlations
from train.analysis.figures import correlation_figure, mixing_figure
from train.analysis.folder import Folder
from train.analysis.held_out import HeldOut
from train.analysis.inputs import inputs_worth
from train.analysis.mixing import Mixing, read_mixing
from train.analysis.run import FusionRun, identity, read_run
from train.analysis.runtime import BATCHES, is_busy, machine, network_times, pruning_errors
from train.analysis.sheets import examples, sheet_figure
from train.analysis.turning import turning_page
from train.engine.run_files import read_json
from train.fusion_stage.training import HARDENING

_DPI, _SHEET_DPI = 120, 110


class Analysis:
    """The parts, and what they share: networks and people are loaded once, by the first that needs them."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.machine = machine(self.device)
        self.folder = Folder(arguments.out or arguments.run / "analysis", identity(arguments.run))

    @cached_property
    def networks(self) -> FusionRun:
        """Of the run."""
        return read_run(self.arguments.run, self.device)

    @cached_property
    def held_out(self) -> HeldOut:
        """Validation people."""
        return HeldOut(self.arguments.data, self.networks, self.arguments.max_people, self.arguments.seed)

    def make(self, name: str) -> None:
        """Make a part, one of :data:`train.analysis.report.PARTS`."""
        getattr(self, name)()

    def figure5(self) -> None:
        """Curves of the fusion weights."""
        mixing = read_mixing(self.arguments.run)
        depth = mixing.weights.shape[1]
        columns = np.column_stack((mixing.steps, mixing.alpha, mixing.beta, mixing.weights))
        self.folder.table("figure5.csv", ("step", "alpha", "beta", *(f"w{n + 1}" for n in range(depth))), columns)
        self.folder.figure("figure5.png", mixing_figure(mixing), _DPI)
        self.folder.part("figure5", _mixing_summary(mixing))

    def figure7(self) -> None:
        """Correlations of the streams."""
        samples, wanted = self.held_out.samples, self.arguments.images
        rows = np.random.default_rng(self.arguments.seed).permutation(len(samples))[:wanted]
        image, maps, _ = samples.inputs(torch.from_numpy(np.sort(rows)).to(self.device))
        found = stream_correlations(self.networks.full, image, maps)
        names = [f"map_{k}" for k in range(found.between.shape[1])]
        table = [(f"image_{k}", *(f"{v:.6g}" for v in row)) for k, row in enumerate(found.between)]
        self.folder.table("figure7.csv", ("channel", *names), table)
        self.folder.figure("figure7.png", correlation_figure(found), _DPI)
        summary = found.summary()
        b = self.networks.released.config.merging_layer
        if b is not None and b < found.layer:
            summary["note"] = f"The released network merges after layer {b}: it does without the layer shown here."
        self.folder.part("figure7", summary)
        print(f"  R^2 between the streams, mean of {found.between.size} pairs: {summary['mean']}")

    def inputs(self) -> None:
        """Errors with changed inputs."""
        rows = inputs_worth(self.held_out)
        self.folder.table("inputs.csv", list(rows[0]), [list(row.values()) for row in rows])
        self.folder.part("inputs", {"rows": rows})
        for row in rows:
            print(f"  {row['people']:9} {row['input']:24} {row['mpjpe']:6.1f}  {row['increase_mm']:+6.1f} mm")

    def sheets(self) -> None:
        """People, their maps and poses."""
        groups, sheets = {}, []
        for kind, rows in self.held_out.kinds.items():
            shown = kind == "rendered" or not self.arguments.without_photos
            people = examples(self.held_out, rows, self.arguments.people, photos=shown)
            title = f"{'Rendered people' if kind == 'rendered' else 'Photos'}, never trained on: from good to bad"
            reference = "true" if kind == "rendered" else "reference"  # most photos have a teacher's pose alone
            self.folder.figure(f"sheet_{kind}.png", sheet_figure(people, title, reference, photos=shown), _SHEET_DPI)
            sheets.append({"file": f"sheet_{kind}.png", "title": title, "shows_photos": shown and kind != "rendered"})
            groups[kind] = people
        self.folder.write("people.html", turning_page(groups))
        self.folder.drop(*({f"sheet_{kind}.png" for kind in ("photos", "rendered")} - {s["file"] for s in sheets}))
        self.folder.part("sheets", {"sheets": sheets})

    def runtime(self) -> None:
        """Times and errors of the networks."""
        times = network_times(self.networks)
        self.folder.table("runtime.csv", list(times[0]), [list(row.values()) for row in times])
        errors = pruning_errors(self.held_out, read_json(self.arguments.run / HARDENING))
        place = {"machine": self.machine, "busy": is_busy(self.machine), "batches": BATCHES}
        self.folder.part("runtime", {**place, "times": times, "errors": errors})
        for row in times:
            print("  " + "  ".join(f"{k} {v:.4g}" if isinstance(v, float) else str(v) for k, v in row.items()))


def _mixing_summary(mixing: Mixing) -> dict[str, object]:
    """Where the weights ended, as plain values."""
    hardened = mixing.hardened_at is not None
    last = int(np.flatnonzero(mixing.steps == mixing.hardened_at)[0]) if hardened else -1
    values = {"alpha": float(mixing.alpha[last]), "beta": float(mixing.beta[last])}
    return {
        "points": len(mixing.steps),
        "hardened_at": mixing.hardened_at,
        "merging_layer": mixing.merging_layer,
        "soft_end": {
            **{name: value if np.isfinite(value) else None for name, value in values.items()},
            "weights": mixing.weights[last].tolist(),
        },
    }
