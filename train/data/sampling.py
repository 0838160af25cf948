"""Which people a batch holds."""

from __future__ import annotations

import torch
from torch import Tensor

from train.data.people import People

# Shares of a batch, for the sets known here; any other set weighs as many people as it has, in thousands.
SHARES = {"lspet": 0.42, "stanford40": 0.24, "mpii": 0.17, "street": 0.08, "coco": 0.09}


def sampling_weights(people: People, shares: dict[str, float] | None = None) -> Tensor:
    """(N,) probability of drawing each person, summing to 1."""
    counts = torch.bincount(people.source, minlength=len(people.names)).double()
    table = SHARES if shares is None else shares
    wanted = torch.tensor(
        [table.get(name, float(count) / 1000) for name, count in zip(people.names, counts, strict=True)]
    )
    weight = (wanted.double() / counts.clamp_min(1).cpu())[people.source.cpu()]
    return (weight / weight.sum()).to(people.source.device)


def draw(weights: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """(count,) rows, with replacement."""
    cumulative = weights.cumsum(0)
    picks = torch.rand(count, device=weights.device, dtype=weights.dtype, generator=generator) * cumulative[-1]
    return torch.searchsorted(cumulative, picks).clamp_max(len(weights) - 1)
