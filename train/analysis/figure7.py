"""Figure 7: whether the two streams learn the same, squared correlations of their last convolutional features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from fusion_model.fusion import FusionNetwork
from train.analysis.figure5 import plain
from train.analysis.held_out import NothingToShowError
from train.evaluation.tables import markdown_table

_STILL = 1e-9  # deviation, in fractions of the largest value, below which a channel is constant
_DEAD = "#e9a3a3"
_SCALES = (0.05, 0.1, 0.2, 0.5, 1.0)  # ends of the colour scale


@dataclass(frozen=True)
class Correlations:
    """Squared Pearson correlations R^2 of pairs of channels; NaN where a channel is constant.

    Attributes:
        layer: of the streams, counted from 1.
        images: number of images.
        places: positions of the features in an image; every one of them in every image is a sample.
        between: (C, C) image stream (rows) against map stream (columns).
        within_image: (C, C) image stream against itself.
        within_maps: (C, C) map stream against itself.
        by_chance: (C, C) as ``between``, the maps being those of other images.
    """

    layer: int
    images: int
    places: int
    between: np.ndarray
    within_image: np.ndarray
    within_maps: np.ndarray
    by_chance: np.ndarray

    @property
    def summary(self) -> dict[str, float]:
        """Figures by what they are."""
        known = self.between[np.isfinite(self.between)]
        figures = {
            "between the streams, mean": known.mean(),
            "between the streams, fraction of pairs above 0.5": (known > 0.5).mean(),
            "the same with the maps of other images, mean": np.nanmean(self.by_chance),
            "within the image stream, mean": off_diagonal(self.within_image).mean(),
            "within the map stream, mean": off_diagonal(self.within_maps).mean(),
        }
        return {name: float(value) for name, value in figures.items()}

    @property
    def text(self) -> str:
        """What was measured, in Markdown."""
        about = (
            f"Squared Pearson correlations of every pair of channels of layer {self.layer}, the last convolution, of "
            f"the run's unpruned network, over {self.images} validation images and all positions "
            f"({self.images * self.places} samples, {len(self.between)} channels a stream)."
        )
        return f"{about}\n\n{markdown_table(('R^2', 'value'), [(k, f'{v:.4f}') for k, v in self.summary.items()])}"

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A row a channel of the image stream."""
        return [
            {"channel": f"image_{k}", **{f"map_{other}": f"{value:.6g}" for other, value in enumerate(row)}}
            for k, row in enumerate(self.between)
        ]


def squared_correlations(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(C, D) squared Pearson correlations of the columns of (S, C) and (S, D); NaN where a column is constant."""
    one, other = (_standardised(np.asarray(values, np.float64)) for values in (first, second))
    return np.clip(one.T @ other, -1, 1) ** 2


def stream_correlations(network: FusionNetwork, image: Tensor, maps: Tensor) -> Correlations:
    """Both streams on N images.

    Args:
        network: in evaluation mode, with both streams.
        image: (N, 3, S, S).
        maps: (N, 16, S, S) of the same people.

    Raises:
        NothingToShowError: if the network lacks one of the streams' last convolutions, or all of one's are constant.
    """
    number = _last_convolution(network)
    features = [_features(network, stream, values, number) for stream, values in (("image", image), ("map", maps))]
    one, other = (f.permute(0, 2, 3, 1).flatten(1, 2).double().cpu().numpy() for f in features)  # (N, places, C)
    a, b, c = (values.reshape(-1, values.shape[-1]) for values in (one, other, np.roll(other, 1, axis=0)))
    pairs = (squared_correlations(*pair) for pair in ((a, b), (a, a), (b, b), (a, c)))
    found = Correlations(number, len(image), one.shape[1], *pairs)
    if not np.isfinite(found.between).any():
        raise NothingToShowError(f"every channel of a stream's layer {number} is constant on these images")
    return found


def off_diagonal(squared: np.ndarray) -> np.ndarray:
    """Known values of the pairs of different channels."""
    values = squared[~np.eye(len(squared), dtype=bool)]
    return values[np.isfinite(values)]


def _last_convolution(network: FusionNetwork) -> int:
    """Number of the streams' last convolutional layer, where both are built."""
    config = network.config
    number = sum(layer.kind == "conv" for layer in config.layers)
    if not number:
        raise NothingToShowError("the streams have no convolution")
    name = f"layer{number}"
    if name not in network.image_stream or name not in network.map_stream:
        raise NothingToShowError(
            f"strategy {config.strategy!r} does not have layer {number}, the last convolution, in both streams"
        )
    return number


@torch.inference_mode()
def _features(network: FusionNetwork, stream: str, values: Tensor, number: int) -> Tensor:
    """(N, C, H, W) outputs of a layer of a data stream."""
    layers = network.image_stream if stream == "image" else network.map_stream
    for layer in range(1, number + 1):
        values = layers.layer(layer)(values)
    return values


def _standardised(values: np.ndarray) -> np.ndarray:
    """Columns of mean 0 and length 1; NaN where constant."""
    centered = values - values.mean(0)
    length = np.linalg.norm(centered, axis=0)
    still = length <= _STILL * np.sqrt(len(values)) * np.abs(values).max(0, initial=0)
    return centered / np.where(still, np.nan, length)


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
    plain(right)
    return figure
