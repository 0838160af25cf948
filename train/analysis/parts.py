"""The parts of an analysis, each with its files; every file is written whole or not at all."""

from __future__ import annotations

import argparse
import io
import json
from functools import cached_property
from typing import Any

import cv2
import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fusion_model.files import write_atomically
from train.analysis.figure5 import mixing_figure, mixing_text, read_mixing
from train.analysis.figure7 import correlation_figure, stream_correlations
from train.analysis.held_out import HeldOut
from train.analysis.run import FusionRun, NothingToShowError, identity, read_run, released_checkpoint
from train.analysis.sheets import sheet
from train.engine.logs import write_rows
from train.engine.run_files import read_json
from train.evaluation import three_d

PARTS = {
    "figure5": "Fusion weights over the iterations (Figure 5)",
    "figure7": "Correlation of the two streams (Figure 7)",
    "inputs": "What each input is worth",
    "sheets": "People (Figures 4 and 6)",
}
"""What can be made, with its heading in the report."""


class Analysis:
    """The parts, and what they share: networks and people are loaded once, by the first that needs them."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
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
        """Make a part, one of :data:`PARTS`, and the report anew; False if it is left out.

        ``<part>.json`` has its figures, and ``report.md`` the parts that were made for the same weights, now or before.
        """
        try:
            content = getattr(self, name)()
        except NothingToShowError as error:
            content = {"text": f"Left out: {error}.", "left_out": str(error)}
        write_atomically(self.out / f"{name}.json", json.dumps({"weights": self._weights, **content}, indent=1))
        parts = {part: read_json(self.out / f"{part}.json") for part in PARTS}
        sections = [f"# Analysis of {self.arguments.run.resolve().name}"]
        for part, made in parts.items():
            if made.get("weights") == self._weights:
                sections.append(f"## {PARTS[part]}\n\n{made['text']}")
        write_atomically(self.out / "report.md", "\n\n".join(sections) + "\n")
        print(f"{name} left out: {content['left_out']}" if "left_out" in content else f"{name} done", flush=True)
        return "left_out" not in content

    def figure5(self) -> dict[str, Any]:
        """Curves of the fusion weights."""
        mixing = read_mixing(self.arguments.run)
        write_rows(self.out / "figure5.csv", mixing.rows)
        picture = self._figure("figure5.png", mixing_figure(mixing))
        return {"text": f"{picture}\n\n{mixing_text(mixing)}\n\nValues: [figure5.csv](figure5.csv)."}

    def figure7(self) -> dict[str, Any]:
        """Correlations of the streams."""
        samples, wanted = self.held_out.samples, self.arguments.images
        rows = np.random.default_rng(self.arguments.seed).permutation(len(samples))[:wanted]
        image, maps, _ = samples.inputs(torch.from_numpy(np.sort(rows)).to(self.device))
        found = stream_correlations(self.networks.full, image, maps)
        write_rows(self.out / "figure7.csv", found.rows)
        texts = [self._figure("figure7.png", correlation_figure(found)), found.text]
        b = self.networks.released.config.merging_layer
        if b is not None and b < found.layer:
            texts.append(f"The released network merges after layer {b}: it does without the layer shown here.")
        print(f"  R^2 between the streams, mean of {found.between.size} pairs: {np.nanmean(found.between):.4f}")
        return {"text": "\n\n".join([*texts, "Values: [figure7.csv](figure7.csv)."]), **found.summary}

    def inputs(self) -> dict[str, Any]:
        """Errors with changed inputs, of the released network."""
        table = three_d.table(self.arguments.data, released_checkpoint(self.arguments.run))
        write_atomically(self.out / "inputs.csv", table.to_csv())
        print(table.to_markdown())
        return {"text": f"{table.to_markdown(level=3)}\nValues: [inputs.csv](inputs.csv).", **table.content()}

    def sheets(self) -> dict[str, Any]:
        """People, their maps and poses."""
        text = (
            "From good to bad, at even steps of the error: maps and joints of people, and the found pose over the "
            "reference, pelvis on pelvis, from ahead, the side and above. The reference is exact for rendered "
            "people; for photos it is what the data set has, often a teacher's pose."
        )
        texts = [text]
        for kind, rows in self.held_out.kinds.items():
            shown = kind == "rendered" or not self.arguments.without_photos
            picture = sheet(self.held_out, rows, self.arguments.people, photos=shown)
            _, encoded = cv2.imencode(".png", picture[..., ::-1])
            write_atomically(self.out / f"sheet_{kind}.png", encoded.tobytes())
            texts.append(f"![{kind}](sheet_{kind}.png)")
            if shown and kind == "photos":
                texts.append("This sheet shows photos of people: it is for this folder alone (or: --without-photos).")
        for kind in {"photos", "rendered"} - set(self.held_out.kinds):  # of an earlier analysis
            (self.out / f"sheet_{kind}.png").unlink(missing_ok=True)
        return {"text": "\n\n".join(texts)}

    def _figure(self, name: str, figure: Figure) -> str:
        buffer = io.BytesIO()
        FigureCanvasAgg(figure)
        figure.savefig(buffer, format="png", dpi=120, facecolor="white", metadata={"Software": None})
        write_atomically(self.out / name, buffer.getvalue())
        return f"![{name}]({name})"
