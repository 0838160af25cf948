"""Whether the two streams learn the same: squared correlations of their last convolutional features (Figure 7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fusion_model.fusion import FusionNetwork
from train.analysis.run import NothingToShowError

_STILL = 1e-9  # deviation, in fractions of the largest value, below which a channel is constant


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

    def summary(self) -> dict[str, Any]:
        """Figures as plain values."""
        known = self.between[np.isfinite(self.between)]
        figures = {
            "mean": known.mean(),
            "median": np.median(known),
            "p95": np.quantile(known, 0.95),
            "largest": known.max(),
            "fraction_above_half": (known > 0.5).mean(),
            "mean_by_chance": np.nanmean(self.by_chance),
            "mean_within_image": off_diagonal(self.within_image).mean(),
            "mean_within_maps": off_diagonal(self.within_maps).mean(),
        }
        return {
            "layer": self.layer,
            "images": self.images,
            "samples": self.images * self.places,
            "channels": len(self.between),
            "constant_channels_image": int(np.isnan(np.diagonal(self.within_image)).sum()),
            "constant_channels_maps": int(np.isnan(np.diagonal(self.within_maps)).sum()),
            **{name: round(float(value), 4) for name, value in figures.items()},
        }


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
