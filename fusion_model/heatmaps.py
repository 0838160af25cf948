"""Confidence maps <-> joints.

A map of side M covers a crop of side S = 4 M in pixel-edge terms: pixel centers map by u = (x + 0.5) / 4 - 0.5, so a
resize by any factor keeps the crop's borders where they are.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

MAP_STRIDE = 4
_SMOOTH = 2.0  # map pixels; 1.5 to 3 are as good within their errors
_APART = 6.0  # map pixels from a joint on, a height is another place's; 5 to 8 are as good
_PEAK = 1.25  # standard deviation of the peaks that the hourglass learns, map pixels


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


def decode_smoothed(maps: Tensor) -> tuple[Tensor, Tensor]:
    """As :func:`decode`, but of maps that are smoothed first, so that a broad peak wins over a narrow, higher one.

    It is DARK's idea (Zhang et al., CVPR 2020) with a wider Gaussian, which also chooses among peaks. The height says
    more of whether the joint is right, too: it is the geometric mean of the map's and of the smoothed map's there, the
    latter scaled so that a clean Gaussian peak keeps its height. Within two pixels of the border, peaks are drawn
    inwards a little.

    Args:
        maps: (N, J, H, W).

    Returns:
        points (N, J, 2) float32 x, y in map pixels, and heights (N, J) float32, not below zero.

    Raises:
        ValueError: if a map is smaller than 3 x 3.
    """
    height, width = maps.shape[-2:]
    single = maps.float()
    smooth = _gaussian(height, maps.device) @ single @ _gaussian(width, maps.device)
    points, peaks = decode(smooth)
    pixel = points.round().long()
    index = pixel[..., 1].clamp(0, height - 1) * width + pixel[..., 0].clamp(0, width - 1)
    there = single.flatten(2).gather(-1, index[..., None])[..., 0]
    scale = (_PEAK**2 + _SMOOTH**2) / _PEAK**2
    return points, (scale * peaks.clamp_min(0) * there.clamp_min(0)).sqrt()


def rival_heights(maps: Tensor, points: Tensor) -> Tensor:
    """Height of each map away from its joint: how plausible another place is, such as the mirror joint's.

    Args:
        maps: (N, J, H, W).
        points: (N, J, 2) x, y of the joints in map pixels, within the maps.

    Returns:
        (N, J) float32, the highest value at least six map pixels from the joint, zero where none is above it.
    """
    height, width = maps.shape[-2:]
    x, y = points.float()[..., None].unbind(-2)
    column = (torch.arange(width, device=maps.device) - x) ** 2
    row = (torch.arange(height, device=maps.device) - y) ** 2
    near = row[..., :, None] + column[..., None, :] < _APART**2
    return maps.float().masked_fill(near, 0).amax((-2, -1))


def _gaussian(length: int, device: torch.device) -> Tensor:
    """(L, L) matrix that smoothes a line of pixels, which is zero beyond its ends; faster than a convolution."""
    place = torch.arange(length, device=device)
    apart = place[:, None] - place
    return torch.exp(-(apart**2) / (2 * _SMOOTH**2)) / (_SMOOTH * math.sqrt(2 * math.pi))


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
