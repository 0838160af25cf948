"""Confidence maps <-> joints.

A map of side M covers a crop of side S = 4 M in pixel-edge terms: pixel centers map by u = (x + 0.5) / 4 - 0.5, so a
resize by any factor keeps the crop's borders where they are.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

MAP_STRIDE = 4
_ONE_SPOT, _APART = 1.5, 3.0  # map pixels: how near two joints lie on one spot, how far a second peak is from the first
_NEARLY = 0.93  # of the first peak's height, from which the second will do


def to_map_coordinates(points: Tensor, stride: float = MAP_STRIDE) -> Tensor:
    """(..., 2) crop pixels -> map pixels, pixel centers being whole numbers in both."""
    return (points + 0.5) / stride - 0.5


def to_crop_coordinates(points: Tensor) -> Tensor:
    """(..., 2) map pixels -> crop pixels; the inverse of :func:`to_map_coordinates`."""
    return (points + 0.5) * MAP_STRIDE - 0.5


def encode(points: Tensor, size: tuple[int, int], sigma: float) -> Tensor:
    """Draw one Gaussian of peak 1 for each joint.

    Args:
        points: (..., 2) x, y in map pixels; may lie outside.
        size: height and width of the maps.
        sigma: standard deviation in map pixels.

    Returns:
        (..., height, width) float32.
    """
    height, width = size
    x = torch.arange(width, device=points.device, dtype=torch.float32)
    y = torch.arange(height, device=points.device, dtype=torch.float32)
    column = torch.exp(-((x - points[..., 0:1]) ** 2) / (2 * sigma**2))
    row = torch.exp(-((y - points[..., 1:2]) ** 2) / (2 * sigma**2))
    return row[..., :, None] * column[..., None, :]


def decode(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Sub-pixel position and height of each map's highest peak.

    The position is the vertex of the Gaussian through the highest pixel and its neighbours, in x and in y: exact for
    a noiseless Gaussian away from the border (the log-parabola of Zhang et al., CVPR 2020, without blurring).

    Args:
        maps: (..., H, W).

    Returns:
        points (..., 2) float32 x, y in map pixels, and peaks (...) float32, the heights.

    Raises:
        ValueError: if a map is smaller than 3 x 3.
    """
    height, width = maps.shape[-2:]
    if height < 3 or width < 3:
        raise ValueError(f"maps must be at least 3 x 3 to decode, got {tuple(maps.shape)}")
    flat = maps.float().flatten(-2)
    peaks, index = flat.max(-1)
    return _refined(flat, index, height, width), peaks


def decode_pairs(maps: Tensor, mirror: Sequence[int]) -> tuple[Tensor, Tensor]:
    """As :func:`decode`, but where the joints of a left-right pair fall on one spot, one may take its second peak.

    It does if that is nearly as high: then the maps show two limbs, and each of both maps likes the same one a little
    better. The joint whose second peak is nearer to the height of its first gives way.

    Args:
        maps: (J, H, W).
        mirror: (J,) joint on the other side of each.

    Returns:
        points (J, 2) and peaks (J), as of :func:`decode`.
    """
    points, peaks = decode(maps)
    apart = (points - points[list(mirror)]).norm(dim=-1).tolist()
    pairs = [(joint, other) for joint, other in enumerate(mirror) if joint < other and apart[joint] <= _ONE_SPOT]
    if not pairs:
        return points, peaks
    height, width = maps.shape[-2:]
    flat = maps.float().flatten(1)
    x, y = torch.arange(width, device=maps.device), torch.arange(height, device=maps.device)
    away = (x - points[:, None, None, 0]) ** 2 + (y[:, None] - points[:, None, None, 1]) ** 2 > _APART**2
    summit = functional.max_pool2d(maps.float()[None], 3, 1, 1)[0] == maps
    second, index = torch.where((away & summit).flatten(1), flat, 0.0).max(1)
    others = _refined(flat, index, height, width)
    ratio = second / peaks.clamp_min(1e-6)
    for joint, other in pairs:
        giving = joint if ratio[joint] >= ratio[other] else other
        if ratio[giving] >= _NEARLY:
            points[giving], peaks[giving] = others[giving], second[giving]
    return points, peaks


def _refined(flat: Tensor, index: Tensor, height: int, width: int) -> Tensor:
    """Sub-pixel positions (..., 2) of the pixels with that index in the flattened maps."""
    x, y = index % width, index // width
    # At the border the inner neighbour stands for the missing one: no shift across the edge.
    offset_x = _vertex(flat, index, torch.where(x > 0, 1, -1), torch.where(x < width - 1, 1, -1))
    offset_y = _vertex(flat, index, torch.where(y > 0, width, -width), torch.where(y < height - 1, width, -width))
    return torch.stack((x + offset_x, y + offset_y), -1)


def _vertex(flat: Tensor, index: Tensor, before: Tensor, after: Tensor) -> Tensor:
    """Offset in [-0.5, 0.5] of the log-parabola's vertex through three pixels of the flattened maps."""

    def log_at(position: Tensor) -> Tensor:
        return flat.gather(-1, position[..., None])[..., 0].clamp_min(1e-6).log()

    low, middle, high = log_at(index - before), log_at(index), log_at(index + after)
    curvature = low - 2 * middle + high
    offset = (low - high) / (2 * curvature.clamp_max(-1e-6))
    return offset.clamp(-0.5, 0.5)
