"""Maps with two peaks: a second place where the joint may be, such as the other side's."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_APART = 4.0  # map pixels, 0.3 of the median torso (n 1,661): nearer, two peaks of 1.25 pixels' deviation run into one


def second_peaks(maps: Tensor) -> Tensor:
    """Height of each map's second peak over that of its first.

    A peak is a pixel above zero that is as high as the highest of its eight neighbours; the second is the highest peak
    that lies four pixels or more from the first.

    Args:
        maps: (..., H, W).

    Returns:
        (...) float32 in [0, 1]; 0 where there is no second peak.
    """
    height, width = maps.shape[-2:]
    single = maps.float().reshape(-1, height, width)
    first, index = single.flatten(1).max(1)
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    y, x = y.to(maps.device), x.to(maps.device)
    column, row = (index % width)[:, None, None], (index // width)[:, None, None]
    apart = (x - column) ** 2 + (y - row) ** 2 >= _APART**2
    peak = (single >= functional.max_pool2d(single, 3, stride=1, padding=1)) & (single > 0) & apart
    second = torch.where(peak, single, 0).flatten(1).amax(1)
    ratio = torch.where(second > 0, second / first, 0)
    return ratio.reshape(maps.shape[:-2])
