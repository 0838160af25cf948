"""Figure 7: whether the two streams learn the same, squared correlations of their last convolutional features."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from fusion_model.fusion import FusionNetwork
from fusion_model.hub.checkpoints import check_state, load_checkpoint
from train.analysis.figure5 import NothingToShowError, plain
from train.data.people import decode_people
from train.data.sources import find_sources
from train.engine.checkpoints import read_weights
from train.evaluation.tables import markdown_table
from train.fusion_stage.samples import SampleSettings, build_samples
from train.fusion_stage.training import load_hourglass

BETWEEN, BY_CHANCE = "between the streams", "the same with the maps of other images"
WITHIN_IMAGE, WITHIN_MAPS = "within the image stream", "within the map stream"
_STYLES = {BETWEEN: ("#c2410c", "-"), BY_CHANCE: ("#8a919c", "--"), WITHIN_IMAGE: ("#2563a8", "-"),
           WITHIN_MAPS: ("#5b8c3a", "-")}  # fmt: skip
_SCALES = (0.05, 0.1, 0.2, 0.5, 1.0)  # ends of the colour scale
_STORED = 256  # pixels of a photo as it is decoded


@dataclass(frozen=True)
class Correlations:
    """Squared Pearson correlations R^2 of pairs of channels of the two streams.

    Attributes:
        layer: of the streams, counted from 1.
        images: number of images.
        places: positions of the features in an image; every one of them in every image is a sample.
        squared: (C, C) each: between the streams (image stream by rows), the same with the maps of other images, and
            within each stream. NaN where a channel is constant, or meets itself.
    """

    layer: int
    images: int
    places: int
    squared: dict[str, np.ndarray]

    @property
    def pairs(self) -> dict[str, np.ndarray]:
        """Known values of all pairs of different channels."""
        return {name: values[np.isfinite(values)] for name, values in self.squared.items()}

    @property
    def text(self) -> str:
        """What was measured, in Markdown."""
        about = (
            f"Squared Pearson correlations of every pair of channels of layer {self.layer}, the last convolution, of "
            f"the run's unpruned network, over {self.images} validation images and all positions "
            f"({self.images * self.places} samples, {len(self.squared[BETWEEN])} channels a stream)."
        )
        cells = [(f"{name}, mean", f"{values.mean():.4f}") for name, values in self.pairs.items()]
        return f"{about}\n\n{markdown_table(('R^2', 'value'), cells)}"


def run_correlations(run: Path, checkpoint: Path, data: Path, images: int, seed: int) -> Correlations:
    """Both streams of a run's best network, with every layer that its strategy builds, on validation people.

    Args:
        run: its folder.
        checkpoint: what it released.
        data: folder of data sets.
        images: so many people with a 3D pose, at most.
        seed: of their choice.

    Raises:
        ValueError: if a file of the run is damaged, or nobody is for validation and has a 3D pose.
        NothingToShowError: as :func:`stream_correlations`.
    """
    config, _ = load_checkpoint(checkpoint)
    network, weights = FusionNetwork(dataclasses.replace(config.fusion, merge_after=None)).eval(), read_weights(run)
    check_state(network, weights)
    network.load_state_dict(weights)
    sources = find_sources(data)
    known = [np.flatnonzero(source.validation & (source.pose_weight.sum(1) > 0)) for source in sources]
    places = [(number, int(row)) for number, rows in enumerate(known) for row in rows]
    if not places:
        raise ValueError(f"{data} has no validation people with a 3D pose: see docs/data.md")
    chosen = np.sort(np.random.default_rng(seed).permutation(len(places))[:images])
    people = decode_people(sources, [places[number] for number in chosen], _STORED)
    samples = build_samples(people, load_hourglass(config, checkpoint), SampleSettings.of(config))
    image, maps, _ = samples.inputs(torch.arange(len(samples)))
    return stream_correlations(network, image, maps)


@torch.inference_mode()
def stream_correlations(network: FusionNetwork, image: Tensor, maps: Tensor) -> Correlations:
    """Both streams on N images.

    Args:
        network: in evaluation mode.
        image: (N, 3, S, S), or features of the hourglass, as the network reads them.
        maps: (N, 16, S, S) of the same people.

    Raises:
        NothingToShowError: if the network lacks one of the streams' last convolutions, or all of one's are constant.
    """
    number = sum(layer.kind == "conv" for layer in network.config.layers)
    streams = ((network.image_stream, image), (network.map_stream, maps))
    if any(f"layer{number}" not in stream for stream, _ in streams):
        lacking = f"does not have layer {number}, the last convolution, in both streams"
        raise NothingToShowError(f"strategy {network.config.strategy!r} {lacking}")
    features = []
    for stream, inputs in streams:
        values = inputs
        for layer in range(1, number + 1):
            values = stream.layer(layer)(values)
        features.append(values.permute(0, 2, 3, 1).flatten(1, 2).double().cpu().numpy())  # (N, places, C)
    one, other = features
    channels = [part.reshape(-1, part.shape[-1]) for part in (one, other, np.roll(other, 1, axis=0))]
    squared, count = squared_correlations(np.hstack(channels)), channels[0].shape[1]
    np.fill_diagonal(squared, np.nan)
    a, b, c = slice(count), slice(count, 2 * count), slice(2 * count, None)
    parts = {BETWEEN: (a, b), BY_CHANCE: (a, c), WITHIN_IMAGE: (a, a), WITHIN_MAPS: (b, b)}
    found = {name: squared[part] for name, part in parts.items()}
    if not np.isfinite(found[BETWEEN]).any():
        raise NothingToShowError(f"every channel of a stream's layer {number} is constant on these images")
    return Correlations(number, len(image), one.shape[1], found)


def squared_correlations(values: np.ndarray) -> np.ndarray:
    """(C, C) squared Pearson correlations of the columns of (S, C); NaN where a column is constant."""
    with np.errstate(invalid="ignore", divide="ignore"):
        squared = np.corrcoef(values, rowvar=False) ** 2
    still = np.ptp(values, 0) == 0
    squared[still] = squared[:, still] = np.nan
    return squared


def correlation_figure(found: Correlations) -> Figure:
    """R^2 of every pair of channels as a picture, and their distribution beside that within each stream."""
    figure = Figure(figsize=(11, 5.5), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.05, 1))
    colours = colormaps["magma_r"].with_extremes(bad="#e9a3a3")
    between = np.ma.masked_invalid(found.squared[BETWEEN])
    end = min(value for value in _SCALES if value >= min(between.max(), 1))  # most pairs are far below 1
    shown = left.imshow(between, cmap=colours, vmin=0, vmax=end, interpolation="nearest")
    left.set(xlabel="channel of the map stream", ylabel="channel of the image stream (pink: constant)")
    left.set_title(f"$R^2$ between the streams, layer {found.layer}", loc="left", fontsize=11)
    label = f"$R^2$, colours from 0 to {end:g}"
    figure.colorbar(shown, ax=left, label=label, fraction=0.046, pad=0.03, ticks=MaxNLocator(5))
    for name, values in found.pairs.items():
        colour, line = _STYLES[name]
        percent = 100 * (1 - np.arange(len(values)) / max(1, len(values)))
        mean = f"{name} (mean {values.mean():.4f})"
        right.plot(np.sort(values), percent, color=colour, linestyle=line, linewidth=2, label=mean)
    right.set(xlabel="$R^2$", ylabel="pairs of channels at or above it, %", ylim=(0, 101), xlim=(1e-4, 1))
    right.set_xscale("log")
    right.set_title(f"{found.images} images, {found.places} positions each", loc="left", fontsize=11)
    figure.legend(loc="outside lower right", ncols=2, fontsize=9, frameon=False)
    plain(right)
    return figure
