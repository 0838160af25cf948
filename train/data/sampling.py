"""Which people a batch holds: real photos and rendered people mixed in one batch."""

from __future__ import annotations

import torch
from torch import Tensor

from train.data.readers.registry import data_set
from train.data.source import SYNTHETIC
from train.engine.seeds import RowNoise, draw_seeds


def sampling_weights(source: Tensor, names: tuple[str, ...], synthetic: float = 0.0) -> Tensor:
    """(N,) float64 probability of drawing each row, summing to 1.

    Photos' sets have the shares of :data:`train.data.readers.registry.SETS` among each other; one without weighs a
    hundredth for every thousand people.

    Args:
        source: (N,) index into ``names``.
        names: of the sources; rendered ones are called ``synthetic``.
        synthetic: fraction of all rendered sets together; with nothing but rendered sets it is 1.
    """
    rows = source.cpu()
    counts = torch.bincount(rows, minlength=len(names)).double()
    shares = [data_set(name).share for name in names]
    shares = [count / 100_000 if share is None else share for share, count in zip(shares, counts.tolist(), strict=True)]
    rendered = torch.tensor([name == SYNTHETIC for name in names])
    photos, rendered = counts.new_tensor(shares) * (counts > 0) * ~rendered, counts * rendered
    fraction = (synthetic if photos.any() else 1.0) if rendered.any() else 0.0
    wanted = (1 - fraction) * photos / photos.sum().clamp_min(1e-9) + fraction * rendered / rendered.sum().clamp_min(1)
    weight = (wanted / counts.clamp_min(1))[rows]
    return (weight / weight.sum()).to(source.device)


def draw(weights: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """(count,) rows, with replacement."""
    cumulative = weights.cumsum(0)
    picks = torch.rand(count, device=weights.device, dtype=weights.dtype, generator=generator) * cumulative[-1]
    return torch.searchsorted(cumulative, picks, right=True).clamp_max(len(weights) - 1)


def draw_local(weights: Tensor, count: int, generator: torch.Generator, local_slice: slice) -> tuple[Tensor, RowNoise]:
    """A process' rows of a batch of ``count``, and the noise of their samples: alike however the batch is split."""
    rows, seeds = draw(weights, count, generator), draw_seeds(count, generator)
    return rows[local_slice], RowNoise(seeds[local_slice])
