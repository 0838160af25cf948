"""Figure 5: how the weights of the fusion came about, alpha, beta and every w_l over the iterations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fusion_model.hub.checkpoints import load_checkpoint
from train.analysis.held_out import NothingToShowError, check_run, released_checkpoint
from train.engine.logs import read_rows
from train.fusion_stage.training import FILE

INK, FAINT = "#2b2f36", "#d5d9e0"
_LAYERS = colormaps["viridis"]


@dataclass(frozen=True)
class Mixing:
    """Weights over a run.

    Attributes:
        steps: (T,) int, rising; the step of hardening twice, with the weights before and after.
        alpha: (T,) NaN for a strategy without.
        beta: (T,) NaN for a strategy without.
        weights: (T, L) w_1..w_L.
        hardened_at: the step at which the weights were fixed at 0 and 1; None if they were not, or not yet.
    """

    steps: np.ndarray
    alpha: np.ndarray
    beta: np.ndarray
    weights: np.ndarray
    hardened_at: int | None = None

    @property
    def merging_layer(self) -> int | None:
        """The b of the hardened weights [l > b]."""
        return None if self.hardened_at is None else int((self.weights[-1] < 0.5).sum())

    @property
    def soft_end(self) -> int:
        """Row of the last soft weights."""
        return -1 if self.hardened_at is None else int(np.searchsorted(self.steps, self.hardened_at))

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A row a step."""
        columns = {"step": self.steps, "alpha": self.alpha, "beta": self.beta}
        columns |= {f"w{layer}": values for layer, values in enumerate(self.weights.T, 1)}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def read_mixing(folder: Path) -> Mixing:
    """The weights of a run, finished or not.

    Raises:
        FileNotFoundError: if there is no run, or it did nothing yet.
        ValueError: if the table is damaged.
        NothingToShowError: if its strategy has no weights to learn.
    """
    check_run(folder)
    path = folder / FILE
    if not path.is_file():
        strategy = load_checkpoint(released_checkpoint(folder))[0].fusion.strategy
        raise NothingToShowError(f"the run kept no weights over time (strategy {strategy!r}, no {FILE})")
    rows = read_rows(path)
    try:
        columns = {name: np.array([float(row[name] or "nan") for row in rows]) for name in rows[0]}
        steps, alpha, beta = columns["step"].astype(int), columns["alpha"], columns["beta"]
        weights = np.stack([columns[f"w{layer}"] for layer in range(1, len(columns) - 2)], 1)
    except (ValueError, LookupError, TypeError) as error:
        expected = "expected the columns step, alpha, beta, w1 and so on, of numbers"
        raise ValueError(f"{path} is damaged or empty ({error!r}): {expected}") from error
    twice = np.flatnonzero(steps[1:] == steps[:-1])
    return Mixing(steps, alpha, beta, weights, int(steps[twice[0]]) if len(twice) else None)


def mixing_text(mixing: Mixing) -> str:
    """Where the weights ended, in words."""
    last = {"alpha": mixing.alpha[mixing.soft_end], "beta": mixing.beta[mixing.soft_end]}
    known = [f"{name} = {value:.3f}" for name, value in last.items() if np.isfinite(value)]
    weights = ", ".join(f"{value:.3f}" for value in mixing.weights[mixing.soft_end])
    ended = f"{', '.join([*known, f'w = {weights}'])}; {len(mixing.steps)} rows are drawn."
    if mixing.hardened_at is None:
        return f"At the end: {ended}"
    hardened = f"The weights were hardened at iteration {mixing.hardened_at}: merging layer {mixing.merging_layer}."
    return f"{hardened}\nUntil then: {ended}"


def mixing_figure(mixing: Mixing) -> Figure:
    """Alpha, beta and every w_l over the iterations, one above the other."""
    scalars = {r"$\alpha$ (slope)": mixing.alpha, r"$\beta$ (merging layer)": mixing.beta}
    scalars = {name: values for name, values in scalars.items() if np.isfinite(values).any()}
    heights = [1.0] * len(scalars) + [2.0]
    figure = Figure(figsize=(8, 1.4 + 1.5 * sum(heights)), layout="constrained")
    axes = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
    dots = "o" if len(mixing.steps) <= 40 else None  # so that few points are seen to be measured ones
    style = {"marker": dots, "markersize": 4.5, "linewidth": 2, "clip_on": False}
    end = len(mixing.steps) if mixing.hardened_at is None else mixing.soft_end + 1
    parts = (slice(end), slice(end, None))
    for axis, (name, values) in zip(axes, scalars.items(), strict=False):
        axis.plot(mixing.steps[parts[0]], values[parts[0]], color=INK, **style)  # without effect once hardened
        axis.set_ylabel(name)
        axis.margins(y=0.12)
    depth = mixing.weights.shape[1]
    for layer, values in enumerate(mixing.weights.T, start=1):
        colour = _LAYERS(0.92 * (layer - 1) / max(1, depth - 1))
        for number, part in enumerate(parts):
            label = None if number else f"$w_{{{layer}}}$"
            axes[-1].plot(mixing.steps[part], values[part], color=colour, label=label, **style)
    axes[-1].set(ylabel="$w_l$ (0: data streams, 1: fusion stream)", ylim=(-0.04, 1.04), xlabel="iterations")
    handles, names = axes[-1].get_legend_handles_labels()
    axes[-1].legend(handles[::-1], names[::-1], loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    axes[-1].set_xlim(mixing.steps[0], max(mixing.steps[-1], mixing.steps[0] + 1))
    axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    for axis in axes:
        plain(axis)
    if mixing.hardened_at is not None:
        _mark_hardening(axes, mixing)
    figure.align_ylabels(axes)
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.1)
    return figure


def _mark_hardening(axes: Sequence[Axes], mixing: Mixing) -> None:
    """A line through all panels, with a word at its top."""
    for axis in axes:
        axis.axvline(mixing.hardened_at, color="#8a919c", linewidth=1.2, linestyle=(0, (4, 3)), zorder=0)
    left = mixing.hardened_at > 0.6 * mixing.steps[-1]
    axes[0].annotate(
        f"hardened at {mixing.hardened_at}: merging layer {mixing.merging_layer}",
        (mixing.hardened_at, 1), (0, 5), xycoords=("data", "axes fraction"),
        textcoords="offset points", ha="right" if left else "left", va="bottom", color="#5c636e", fontsize=9,
    )  # fmt: skip


def plain(axis: Axes) -> None:
    """A light grid and no box."""
    axis.grid(visible=True, color=FAINT, linewidth=0.7)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
