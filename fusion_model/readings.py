"""What a confidence map says in four numbers: where its joint is, how narrowly, and how surely."""

from __future__ import annotations

import torch
from torch import Tensor

from fusion_model.heatmaps import decode_smoothed

READINGS = 4
"""Numbers a map: x, y, spread and height."""
_WINDOW = 1 / 16  # standard deviation of the window round a peak, as a fraction of the map's side
_FLOOR = 1e-2  # added to the mass in the window: what an empty map says is the place of its highest pixel


def read_maps(maps: Tensor) -> Tensor:
    """Position, spread and height of the peak of each map, differentiable in the map's values.

    The position is a soft-argmax under a Gaussian window round the peak that :func:`decode_smoothed` chooses: the mean
    place of what the window shows, with the map's values as weights. The spread is their standard deviation there.

    Args:
        maps: (N, J, S, S), about 1 at a joint and 0 elsewhere.

    Returns:
        (N, 4 J) float32, x of all maps, then y, spread and height, each of about unit size: positions are -2 and 2 at
        the crop's borders.
    """
    with torch.autocast(maps.device.type, enabled=False):
        maps, side = maps.float().clamp_min(0), maps.shape[-1]
        with torch.no_grad():
            peak, _ = decode_smoothed(maps)
        axis = torch.arange(side, device=maps.device, dtype=torch.float32)
        apart = (axis - peak[..., None]) / side  # (N, J, 2, S), x and y
        window = torch.exp(-(apart**2) / (2 * _WINDOW**2))
        powers = torch.stack((window, window * apart, window * apart**2), -2)  # (N, J, 2, 3, S)
        moments = powers[..., 1, :, :] @ maps @ powers[..., 0, :, :].mT  # (N, J, 3, 3), powers of y and of x
        mass = moments[..., 0, 0] + _FLOOR
        shift = torch.stack((moments[..., 0, 1], moments[..., 1, 0]), -1) / mass[..., None]
        variance = (moments[..., 0, 2] + moments[..., 2, 0]) / (2 * mass) - shift.square().mean(-1)
        place = (peak + 0.5) / side + shift
        spread = (variance.clamp_min(0) + 1e-8).sqrt()
        pixel = peak.round().long().clamp(0, side - 1)
        height = maps.flatten(2).gather(2, (pixel[..., 1] * side + pixel[..., 0])[..., None])[..., 0]
        return torch.cat((4 * place[..., 0] - 2, 4 * place[..., 1] - 2, 40 * spread - 1, 4 * height - 2), 1)
