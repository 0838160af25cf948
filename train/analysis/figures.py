"""Figures 5 and 7 as Matplotlib draws them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from train.analysis.features import Correlations, off_diagonal
from train.analysis.mixing import Mixing

INK, FAINT = "#2b2f36", "#d5d9e0"
_LAYERS = colormaps["viridis"]
_DEAD = "#e9a3a3"
_SCALES = (0.05, 0.1, 0.2, 0.5, 1.0)  # ends of the colour scale


def mixing_figure(mixing: Mixing) -> Figure:
    """Alpha, beta and every w_l over the iterations, one above the other (Figure 5)."""
    scalars = {r"$\alpha$ (slope)": mixing.alpha, r"$\beta$ (merging layer)": mixing.beta}
    scalars = {name: values for name, values in scalars.items() if np.isfinite(values).any()}
    heights = [1.0] * len(scalars) + [2.0]
    figure = Figure(figsize=(8, 1.4 + 1.5 * sum(heights)), layout="constrained")
    axes = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
    dots = "o" if len(mixing.steps) <= 40 else None  # so that few points are seen to be measured ones
    style = {"marker": dots, "markersize": 4.5, "linewidth": 2, "clip_on": False}
    parts = _phases(mixing)
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
        _plain(axis)
    _mark_hardening(axes, mixing)
    figure.align_ylabels(axes)
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.1)
    return figure


def _phases(mixing: Mixing) -> list[slice]:
    """Rows of the soft phase, and of the hardened one where there is one."""
    if mixing.hardened_at is None:
        return [slice(None)]
    return [slice(mixing.soft_end + 1), slice(mixing.soft_end + 1, None)]


def _mark_hardening(axes: Sequence[Axes], mixing: Mixing) -> None:
    """A line through all panels, with a word at its top."""
    if mixing.hardened_at is None:
        return
    for axis in axes:
        axis.axvline(mixing.hardened_at, color="#8a919c", linewidth=1.2, linestyle=(0, (4, 3)), zorder=0)
    left = mixing.hardened_at > 0.6 * mixing.steps[-1]
    axes[0].annotate(
        f"hardened at {mixing.hardened_at}: merging layer {mixing.merging_layer}",
        (mixing.hardened_at, 1), (0, 5), xycoords=("data", "axes fraction"),
        textcoords="offset points", ha="right" if left else "left", va="bottom", color="#5c636e", fontsize=9,
    )  # fmt: skip


def correlation_figure(found: Correlations) -> Figure:
    """R^2 of every pair of channels as a picture, and their distribution beside that within each stream."""
    figure = Figure(figsize=(11, 5.5), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.05, 1))
    colours = colormaps["magma_r"].with_extremes(bad=_DEAD)
    between = np.ma.masked_invalid(found.between)
    end = min(value for value in _SCALES if value >= min(between.max(), 1))  # most pairs are far below 1
    shown = left.imshow(between, cmap=colours, vmin=0, vmax=end, interpolation="nearest")
    left.set(xlabel="channel of the map stream", ylabel="channel of the image stream")
    left.set_title(f"$R^2$ between the streams, layer {found.layer}", loc="left", fontsize=11)
    figure.colorbar(
        shown, ax=left, label=f"$R^2$, colours from 0 to {end:g}", fraction=0.046, pad=0.03, ticks=MaxNLocator(5)
    )
    if between.mask.any():
        left.text(0, -0.16, "pink: a channel that is constant", transform=left.transAxes, color="#5c636e", fontsize=9)
    blocks = {
        "between the streams": (found.between[np.isfinite(found.between)], "#c2410c", "-"),
        "the same, maps of other images": (found.by_chance[np.isfinite(found.by_chance)], "#8a919c", "--"),
        "within the image stream": (off_diagonal(found.within_image), "#2563a8", "-"),
        "within the map stream": (off_diagonal(found.within_maps), "#5b8c3a", "-"),
    }
    for name, (values, colour, line) in blocks.items():
        if len(values):
            percent = 100 * (1 - np.arange(len(values)) / len(values))
            label = f"{name} (mean {values.mean():.4f})"
            right.plot(np.sort(values), percent, color=colour, linestyle=line, linewidth=2, label=label)
    right.set(xlabel="$R^2$", ylabel="pairs of channels at or above it, %", ylim=(0, 101), xlim=(1e-4, 1))
    right.set_xscale("log")
    right.set_title(f"{found.images} images, {found.places} positions each", loc="left", fontsize=11)
    figure.legend(loc="outside lower right", ncols=2, fontsize=9, frameon=False)
    _plain(right)
    return figure


def _plain(axis: Axes) -> None:
    """A light grid and no box."""
    axis.grid(visible=True, color=FAINT, linewidth=0.7)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
