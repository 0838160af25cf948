"""Figures 5 and 7 as Matplotlib draws them."""

from __future__ import annotations

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
_BLOCKS = {"between the streams": "#c2410c", "within the image stream": "#2563a8", "within the map stream": "#5b8c3a"}


def mixing_figure(mixing: Mixing) -> Figure:
    """Alpha, beta and every w_l over the iterations, one above the other (Figure 5)."""
    scalars = {
        r"$\alpha$ (slope)": mixing.alpha,
        r"$\beta$ (merging layer)": mixing.beta,
    }
    scalars = {name: values for name, values in scalars.items() if np.isfinite(values).any()}
    heights = [1.0] * len(scalars) + [2.0]
    figure = Figure(figsize=(8, 1.6 + 1.55 * sum(heights)), layout="constrained")
    axes = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
    dots = "o" if len(mixing.steps) <= 40 else None  # few points are measured ones, and look so
    style = {"marker": dots, "markersize": 4.5, "linewidth": 2, "clip_on": False}
    for axis, (name, values) in zip(axes, scalars.items(), strict=False):
        axis.plot(mixing.steps, values, color=INK, **style)
        axis.set_ylabel(name)
        axis.margins(y=0.12)
    last, depth = axes[-1], mixing.weights.shape[1]
    for layer, values in enumerate(mixing.weights.T, start=1):
        colour = _LAYERS(0.92 * (layer - 1) / max(1, depth - 1))
        last.plot(mixing.steps, values, color=colour, label=f"$w_{{{layer}}}$", **style)
    last.set(ylabel="$w_l$ (0: data streams, 1: fusion stream)", ylim=(-0.04, 1.04), xlabel="iterations")
    handles, names = last.get_legend_handles_labels()
    last.legend(handles[::-1], names[::-1], loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    last.set_xlim(mixing.steps[0], max(mixing.steps[-1], mixing.steps[0] + 1))
    last.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axis in axes:
        _plain(axis)
        if mixing.hardened_at is not None:
            axis.axvline(mixing.hardened_at, color="#8a919c", linewidth=1.2, linestyle=(0, (4, 3)), zorder=0)
    if mixing.hardened_at is not None:
        text = f"hardened at {mixing.hardened_at:,}: merging layer {mixing.merging_layer}"
        right = mixing.hardened_at > 0.6 * mixing.steps[-1]
        axes[0].annotate(
            text, (mixing.hardened_at, 1), (-6 if right else 6, 5), xycoords=("data", "axes fraction"),
            textcoords="offset points", ha="right" if right else "left", va="bottom", color="#5c636e", fontsize=9,
        )  # fmt: skip
    return figure


def correlation_figure(found: Correlations) -> Figure:
    """R^2 of every pair of channels as a picture, and how the pairs spread beside those within each stream."""
    figure = Figure(figsize=(11, 5), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.05, 1))
    colours = colormaps["magma_r"].with_extremes(bad=_DEAD)
    shown = left.imshow(np.ma.masked_invalid(found.between), cmap=colours, vmin=0, vmax=1, interpolation="nearest")
    left.set(xlabel="channel of the map stream", ylabel="channel of the image stream")
    left.set_title(f"$R^2$ between the streams, layer {found.layer}", loc="left", fontsize=11)
    figure.colorbar(shown, ax=left, label="$R^2$", fraction=0.046, pad=0.03)
    for name, values in zip(
        _BLOCKS,
        (found.between[np.isfinite(found.between)], off_diagonal(found.within_image), off_diagonal(found.within_maps)),
        strict=True,
    ):
        if len(values):
            share = 100 * (1 - np.arange(1, len(values) + 1) / len(values))
            label = f"{name} (mean {values.mean():.3f})"
            right.plot(np.sort(values), share, color=_BLOCKS[name], linewidth=2, label=label)
    right.set(xlabel="$R^2$", ylabel="pairs of channels above it, %", xlim=(0, 1), ylim=(0, 100))
    right.set_title(f"{found.images} images, {found.places} positions each", loc="left", fontsize=11)
    right.legend(frameon=False, loc="upper right")
    _plain(right)
    if not np.isfinite(found.between).all():
        left.text(0, -0.16, "pink: a channel that is constant", transform=left.transAxes, color="#5c636e", fontsize=9)
    return figure


def _plain(axis: Axes) -> None:
    """A light grid and no box."""
    axis.grid(visible=True, color=FAINT, linewidth=0.7)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
