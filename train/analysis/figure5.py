"""Figure 5: how the weights of the fusion came about, alpha, beta and every w_l over the iterations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from train.engine.logs import read_rows
from train.fusion_stage.training import FILE


class NothingToShowError(Exception):
    """A part of an analysis that has no meaning for this run; the message says why."""


@dataclass(frozen=True)
class Mixing:
    """Weights over a run.

    Attributes:
        steps: (T,) int, rising; the step of hardening twice, with the weights before and after.
        alpha: (T,) NaN for a strategy without, as ``beta``.
        beta: (T,)
        weights: (T, L) w_1..w_L.
        soft: number of the rows before hardening, T if the weights were not hardened, or not yet.
    """

    steps: np.ndarray
    alpha: np.ndarray
    beta: np.ndarray
    weights: np.ndarray
    soft: int

    @property
    def hardened(self) -> str | None:
        """When the weights were fixed at 0 and 1, and the b of the hardened ones [l > b], in words; None if not yet."""
        if self.soft == len(self.steps):
            return None
        return f"hardened at iteration {self.steps[self.soft]}: merging layer {(self.weights[-1] < 0.5).sum()}"


def read_mixing(folder: Path) -> Mixing:
    """The weights of a run, finished or not.

    Raises:
        ValueError: if the table is damaged.
        NothingToShowError: if there is none: its strategy has no weights to learn, or it did nothing yet.
    """
    path = folder / FILE
    if not path.is_file():
        raise NothingToShowError(f"the run kept no weights over time (no {FILE})")
    rows = read_rows(path)
    try:
        columns = {name: np.array([float(row[name] or "nan") for row in rows]) for name in rows[0]}
        steps, alpha, beta = columns["step"].astype(int), columns["alpha"], columns["beta"]
        weights = np.stack([columns[f"w{layer}"] for layer in range(1, len(columns) - 2)], 1)
    except (ValueError, LookupError, TypeError) as error:
        expected = "expected the columns step, alpha, beta, w1 and so on, of numbers"
        raise ValueError(f"{path} is damaged or empty ({error!r}): {expected}") from error
    twice = np.flatnonzero(steps[1:] == steps[:-1])
    return Mixing(steps, alpha, beta, weights, int(twice[0]) + 1 if len(twice) else len(steps))


def mixing_text(mixing: Mixing) -> str:
    """Where the weights ended, in words."""
    last = mixing.soft - 1
    known = {"alpha": mixing.alpha[last], "beta": mixing.beta[last]}
    words = [f"{name} = {value:.3f}" for name, value in known.items() if np.isfinite(value)]
    words.append(f"w = {', '.join(f'{value:.3f}' for value in mixing.weights[last])}")
    ended = f"{', '.join(words)}; {len(mixing.steps)} rows are drawn."
    if mixing.hardened is None:
        return f"At the end: {ended}"
    return f"The weights were {mixing.hardened}.\nUntil then: {ended}"


def mixing_figure(mixing: Mixing) -> Figure:
    """Alpha, beta and every w_l over the iterations, one above the other."""
    steps, soft, hard = mixing.steps, slice(mixing.soft), slice(mixing.soft, None)
    scalars = {r"$\alpha$ (slope)": mixing.alpha, r"$\beta$ (merging layer)": mixing.beta}
    scalars = {name: values for name, values in scalars.items() if np.isfinite(values).any()}
    heights = [1.0] * len(scalars) + [2.0]
    figure = Figure(figsize=(8, 1.4 + 1.5 * sum(heights)), layout="constrained")
    axes = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
    dots = "o" if len(steps) <= 40 else None  # so that few points are seen to be measured ones
    style = {"marker": dots, "markersize": 4.5, "linewidth": 2, "clip_on": False}
    for axis, (name, values) in zip(axes, scalars.items(), strict=False):
        axis.plot(steps[soft], values[soft], color="#2b2f36", **style)  # without effect once hardened
        axis.set_ylabel(name)
        axis.margins(y=0.12)
    last, depth = axes[-1], mixing.weights.shape[1]
    for layer, values in enumerate(mixing.weights.T):
        colour = colormaps["viridis"](0.92 * layer / max(1, depth - 1))
        last.plot(steps[soft], values[soft], color=colour, label=f"$w_{{{layer + 1}}}$", **style)
        last.plot(steps[hard], values[hard], color=colour, **style)
    last.set(ylabel="$w_l$ (0: data streams, 1: fusion stream)", ylim=(-0.04, 1.04), xlabel="iterations")
    lines = (part[::-1] for part in last.get_legend_handles_labels())  # as they lie: the last above
    last.legend(*lines, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    last.set_xlim(steps[0], max(steps[-1], steps[0] + 1))
    last.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axis in axes:
        plain(axis)
        if mixing.hardened:
            axis.axvline(steps[mixing.soft], color="#8a919c", linewidth=1.2, linestyle=(0, (4, 3)), zorder=0)
    axes[0].set_title(mixing.hardened or "", color="#5c636e", fontsize=9, loc="right")
    figure.align_ylabels(axes)
    return figure


def plain(axis: Axes) -> None:
    """A light grid and no box."""
    axis.grid(visible=True, color="#d5d9e0", linewidth=0.7)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
