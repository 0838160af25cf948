"""Confidence maps drawn from 2D joints with the errors that a hourglass makes.

:func:`measure_errors` runs a trained hourglass on labelled people and measures, joint by joint, how high and wide its
peaks are, how far they lie off, and how often they are missing or on the other side. :func:`draw_maps` makes maps
with the same statistics, so that (2D, 3D) pairs without any picture can train the confidence-map stream.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fusion_model.heatmaps import MAP_STRIDE, decode, to_map_coordinates
from fusion_model.skeletons import MPII_16
from train.data.augment import plain_crops, transform
from train.data.people import People

_LEVELS = torch.linspace(0, 1, 9)  # quantiles of the peaks' heights
_ABSENT = 0.1  # height below which a peak says nothing
_NEAR = 0.25  # torso lengths: further off, a peak is not this joint's
_MAX_SIGMA = 4.0  # map pixels
_MIRROR = list(MPII_16.mirror)


@dataclass(frozen=True)
class MapErrors:
    """What a hourglass's maps are like, for each of its 16 joints.

    Attributes:
        offset: (16,) standard deviation of a right peak's x and y, torso lengths.
        height: (16, 9) quantiles of its height.
        sigma: (16,) its standard deviation in map pixels.
        missed: (16,) fraction of joints without a peak.
        swapped: (16,) fraction whose peak is on the mirror joint.
        lost: (16,) fraction whose peak is somewhere else.
        count: (16,) joints that this was measured on.
    """

    offset: Tensor
    height: Tensor
    sigma: Tensor
    missed: Tensor
    swapped: Tensor
    lost: Tensor
    count: Tensor


@torch.inference_mode()
def measure_errors(hourglass: nn.Module, people: People, size: int, margin: float, batch: int = 64) -> MapErrors:
    """Errors of a hourglass on labelled people in their true boxes.

    Args:
        hourglass: in evaluation mode, on the device of the people.
        people: those with left shoulder and right hip labelled count.
        size: of the crop in pixels.
        margin: of the crop over the box.
        batch: people at once.

    Raises:
        ValueError: if a joint is labelled in no person.
    """
    parts = []
    for start in range(0, len(people), batch):
        part = people.take(torch.arange(start, min(start + batch, len(people)), device=people.photos.device))
        images, matrices = plain_crops(part, size, margin)
        maps = hourglass(images.contiguous(memory_format=torch.channels_last))[-1].float()
        truth = to_map_coordinates(transform(part.joints, matrices))
        points, peaks = decode(maps)
        parts.append((points, peaks, _widths(maps, points, peaks), truth, part.weight > 0))
    return _statistics(*(torch.cat(column).cpu() for column in zip(*parts, strict=True)))


def _statistics(points: Tensor, peaks: Tensor, widths: Tensor, truth: Tensor, labelled: Tensor) -> MapErrors:
    """Errors from peaks (N, 16, 2), heights and widths (N, 16), true joints (N, 16, 2) and which are labelled."""
    shoulder, hip = MPII_16.index("left_shoulder"), MPII_16.index("right_hip")
    known = labelled & (labelled[:, shoulder] & labelled[:, hip])[:, None]
    if not known.any(0).all():
        missing = ", ".join(MPII_16.joints[k] for k in torch.nonzero(~known.any(0))[:, 0].tolist())
        raise ValueError(f"cannot measure the errors of maps: {missing} labelled in no person with a labelled torso")
    torso = torso_lengths(truth)[:, None]
    off = (points - truth).norm(dim=-1) / torso
    off_mirror = (points - truth[:, _MIRROR]).norm(dim=-1) / torso
    absent = peaks < _ABSENT
    right = known & ~absent & (off <= _NEAR)
    sided = torch.tensor([joint != other for joint, other in enumerate(_MIRROR)])
    swapped = known & ~absent & ~right & (off_mirror <= _NEAR) & sided
    lost = known & ~absent & ~right & ~swapped
    count = known.sum(0)
    offset, height, sigma = [], [], []
    for joint in range(len(MPII_16)):
        rows = right[:, joint] if right[:, joint].any() else known[:, joint]
        shift = (points - truth)[rows, joint] / torso[rows]
        offset.append(shift.square().mean().sqrt())
        height.append(torch.quantile(peaks[rows, joint], _LEVELS))
        sigma.append(widths[rows, joint].median())
    fractions = [(where.sum(0) / count) for where in (known & absent, swapped, lost)]
    return MapErrors(torch.stack(offset), torch.stack(height), torch.stack(sigma), *fractions, count)


def torso_lengths(joints: Tensor) -> Tensor:
    """(N,) distance from left shoulder to right hip of (N, 16, 2), at least one pixel."""
    shoulder, hip = MPII_16.index("left_shoulder"), MPII_16.index("right_hip")
    return (joints[:, shoulder] - joints[:, hip]).norm(dim=-1).clamp_min(1)


def _widths(maps: Tensor, points: Tensor, peaks: Tensor) -> Tensor:
    """(N, 16) standard deviation of each peak in pixels: that of a Gaussian of its height and volume near it."""
    side = maps.shape[-1]
    axis = torch.arange(side, device=maps.device, dtype=torch.float32)
    near = ((axis - points[..., 0:1]).abs() < 2 * _MAX_SIGMA)[..., None, :]
    near = near & ((axis - points[..., 1:2]).abs() < 2 * _MAX_SIGMA)[..., :, None]
    volume = (maps.clamp_min(0) * near).sum((-2, -1))
    return (volume / (2 * torch.pi * peaks.clamp_min(1e-3))).sqrt().clamp(0.7, _MAX_SIGMA)


def draw_maps(joints: Tensor, errors: MapErrors, size: int, generator: torch.Generator) -> Tensor:
    """Maps as the hourglass would make them of people with these joints.

    Args:
        joints: (N, 16, 2) crop pixels; a joint beyond the crop gets an empty map.
        errors: on the device of the joints.
        size: of the crop in pixels.
        generator: on the same device.

    Returns:
        (N, 16, size / 4, size / 4) float32.
    """
    count, device, side = len(joints), joints.device, size // MAP_STRIDE

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, device=device, generator=generator)

    truth = to_map_coordinates(joints)
    torso = torso_lengths(truth)[:, None, None]
    right = truth + errors.offset[:, None] * torso * torch.randn(truth.shape, device=device, generator=generator)
    choice = uniform(count, 16)
    edges = torch.stack((errors.missed, errors.swapped, errors.lost)).cumsum(0)
    missed, swapped = choice < edges[0], (choice >= edges[0]) & (choice < edges[1])
    lost = (choice >= edges[1]) & (choice < edges[2])
    anywhere = truth.mean(1, keepdim=True) + 2 * torso * (uniform(count, 16, 2) - 0.5)
    points = torch.where(swapped[..., None], right[:, _MIRROR], torch.where(lost[..., None], anywhere, right))
    height = _quantile(errors.height, uniform(count, 16))
    height = torch.where(missed, _ABSENT * uniform(count, 16), height)
    # What is not in the true place is seldom a clear peak.
    height = torch.where(lost, height * uniform(count, 16), height)
    inside = ((truth > -0.5) & (truth < side - 0.5)).all(-1)
    axis = torch.arange(side, device=device, dtype=torch.float32)
    width = 2 * errors.sigma[:, None] ** 2
    column = torch.exp(-((axis - points[..., 0:1]) ** 2) / width)
    row = torch.exp(-((axis - points[..., 1:2]) ** 2) / width)
    return (height * inside)[..., None, None] * row[..., :, None] * column[..., None, :]


def _quantile(table: Tensor, level: Tensor) -> Tensor:
    """(N, 16) values at levels in [0, 1] of quantile tables (16, K)."""
    steps = table.shape[1] - 1
    low = (level * steps).long().clamp_max(steps - 1)
    rows = table.expand(len(level), -1, -1)
    first, second = (rows.gather(2, (low + k)[..., None])[..., 0] for k in (0, 1))
    return first + (level * steps - low) * (second - first)
