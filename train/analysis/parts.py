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

from fusion_model.drawing import draw_bones
from fusion_model.files import write_atomically
from fusion_model.metrics import joint_errors
from fusion_model.skeletons import HUMAN36M_17, MPII_16
from train.analysis.figure5 import mixing_figure, mixing_text, read_mixing
from train.analysis.figure7 import correlation_figure, stream_correlations
from train.analysis.held_out import FusionRun, HeldOut, NothingToShowError, identity, read_run, released_checkpoint
from train.engine.logs import write_rows
from train.engine.run_files import read_json
from train.evaluation import three_d
from train.fusion_stage.pose_figures import LIMBS, pose_panels
from train.hourglass_stage import PANEL, side_by_side

PARTS = {
    "figure5": "Fusion weights over the iterations (Figure 5)",
    "figure7": "Correlation of the two streams (Figure 7)",
    "inputs": "What each input is worth",
    "sheets": "People (Figures 4 and 6)",
}
"""What can be made, with its heading in the report."""


_SEEN = 0.1  # height of a peak from which its joint is drawn
_LINE = 26  # pixels of the line with the errors


def sheet(held_out: HeldOut, rows: np.ndarray, count: int, *, photos: bool) -> np.ndarray:
    """People from good to bad, a column each: those at even steps of the error from the 5th to the 95th of 100.

    Args:
        held_out: the people.
        rows: (M,) of the kind to choose from.
        count: at most so many.
        photos: whether their pictures are shown.

    Returns:
        (H, W, 3) uint8 RGB; found poses lie over the reference, in grey, and below is the error of the limb joints.
    """
    found, truth = (poses[rows] - poses[rows][:, :1] for poses in (held_out.released, held_out.truth))
    errors = joint_errors(found[:, LIMBS], truth[:, LIMBS]).mean(1)
    ranks = np.unique((np.linspace(0.05, 0.95, min(count, len(rows))) * (len(rows) - 1)).round().astype(int))
    chosen = np.argsort(errors, kind="stable")[ranks]
    images, maps, points, peaks = held_out.crops(rows[chosen], PANEL)
    pictures = [image.copy() if photos else np.zeros((PANEL, PANEL, 3), np.uint8) for image in images]
    joints = [picture.copy() for picture in pictures]
    for picture, places, heights in zip(joints, points, peaks, strict=True):
        draw_bones(picture, MPII_16, places, heights >= _SEEN)
    overlays = [_overlay(picture, one) for picture, one in zip(pictures, maps, strict=True)]
    lines = [np.full((_LINE, PANEL, 3), 255, np.uint8) for _ in chosen]
    for line, error in zip(lines, errors[chosen], strict=True):
        text = f"MPJPE {error:.0f} mm"
        cv2.putText(line, text, (8, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    shown = [*([pictures] if photos else []), overlays, joints, *pose_panels(found[chosen], truth[chosen]), lines]
    return np.concatenate([side_by_side(row) for row in shown])


def _overlay(image: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """(P, P, 3) uint8: a crop, darkened, under the maximum of its maps (16, M, M)."""
    height = cv2.resize(maps.max(0), image.shape[1::-1], interpolation=cv2.INTER_LINEAR).clip(0, 1)
    colour = cv2.applyColorMap((63 + 192 * height).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    grey = 0.55 * image.mean(-1, keepdims=True)
    return (grey * (1 - height[..., None]) + colour * height[..., None]).astype(np.uint8)


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
        if (joints := self.networks.config.fusion.skeleton) != HUMAN36M_17.name:
            raise NothingToShowError(f"the network puts out {joints}, and {HUMAN36M_17.name} is measured")
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
