"""Random crops, made for a whole batch at once on the device where the people lie.

Four kinds of crop, so that one network serves the whole search: a *person* (one person fills the crop), a *scene*
(people small and anywhere), a *cut* (a person cut off by the frame) and a *negative* (beside the person: every map is
zero, unless a labelled joint got into the crop after all).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from fusion_model.heatmaps import MAP_STRIDE, encode, to_map_coordinates
from fusion_model.skeletons import HUMAN36M_17, MPII_16
from train.data.people import People, take_rows
from train.engine.seeds import RowNoise


@dataclass(frozen=True)
class AugmentConfig:
    """How far crops vary.

    Attributes:
        scene: fraction of crops with people small and anywhere, half of them with a second person.
        cut: fraction of crops that cut the person off.
        negative: fraction of crops beside the person.
        any_angle: fraction of the other crops turned by any angle.
        turn: standard deviation of the angle of the rest, degrees.
        scale: standard deviation of the logarithm (base 2) of a person crop's scale.
        shift: standard deviation of its center, in sides of the crop.
    """

    scene: float = 0.15
    cut: float = 0.18
    negative: float = 0.04
    any_angle: float = 0.2
    turn: float = 15.0
    scale: float = 0.22
    shift: float = 0.05


# What training commands offer: crops for the hourglass, and for the fusion network, which sees people in their box.
# Narrow crops show whole upright people, hardly ever others: a short training learns these sooner.
AUGMENT = {
    "wide": AugmentConfig(),
    "narrow": AugmentConfig(scene=0.06, cut=0.04, negative=0.02, any_angle=0.0, turn=6.0, scale=0.12, shift=0.03),
}
AUGMENT_POSES = {
    "wide": AugmentConfig(scene=0.0, cut=0.2, negative=0.0, any_angle=0.1),
    "narrow": AugmentConfig(scene=0.0, cut=0.0, negative=0.0, any_angle=0.0, turn=6.0, scale=0.12, shift=0.03),
}


@dataclass
class AugmentedCrops:
    """A batch of augmented crops.

    Attributes:
        images: (N, 3, S, S) float32 in [0, 1].
        joints: (N, P, 16, 2) of the P people of a crop, in its pixels.
        drawn: (N, P, 16) bool, the joints that have a peak in the map.
        weight: (N, 16), how much each map counts; 0 where a joint of any person is unknown.
        angle: (N,) degrees by which the crop was turned.
        mirror: (N,) bool, whether it was flipped left to right after that.
    """

    images: Tensor
    joints: Tensor
    drawn: Tensor
    weight: Tensor
    angle: Tensor
    mirror: Tensor


def person_squares(people: People, margin: float) -> tuple[Tensor, Tensor]:
    """Center (N, 2) and side (N,) of the square round each box, pixels of the stored photo."""
    low, high = people.box[:, :2], people.box[:, 2:]
    return (low + high) / 2, margin * (high - low).amax(1)


def crop_matrices(center: Tensor, side: Tensor, angle: Tensor, mirror: Tensor, size: int) -> Tensor:
    """Stored photo -> crop, as :attr:`fusion_model.crops.Crop.matrix`, with an optional flip of the crop.

    Args:
        center: (N, 2) pixels.
        side: (N,) pixels.
        angle: (N,) degrees.
        mirror: (N,) bool.
        size: pixels of the crop's side.

    Returns:
        (N, 2, 3).
    """
    scale, turn = size / side, torch.deg2rad(angle)
    cosine, sine = turn.cos() * scale, turn.sin() * scale
    rows = torch.stack((torch.stack((cosine, sine), -1), torch.stack((-sine, cosine), -1)), 1)
    rows = torch.where(mirror[:, None, None], rows * rows.new_tensor([[-1.0], [1.0]]), rows)
    return torch.cat((rows, (size - 1) / 2 - rows @ center[:, :, None]), 2)


def transform(points: Tensor, matrices: Tensor) -> Tensor:
    """(N, K, 2) points by (N, 2, 3) matrices."""
    return points @ matrices[:, :, :2].transpose(1, 2) + matrices[:, None, :, 2]


def sample(photos: Tensor, matrices: Tensor, size: int) -> Tensor:
    """Cut a crop from every photo, averaging first where it shrinks much.

    Args:
        photos: (N, C, S, S) uint8 or float.
        matrices: (N, 2, 3) stored photo -> crop.
        size: pixels of the crop's side.

    Returns:
        (N, C, size, size) float32 on the scale of ``photos``, 0 beyond them.
    """
    axis = torch.arange(size, device=matrices.device, dtype=torch.float32)
    pixels = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), -1).reshape(1, -1, 2)
    turn = matrices[:, :, :2]
    stored = (pixels - matrices[:, None, :, 2]) @ torch.linalg.inv(turn).transpose(1, 2)
    shrink = torch.linalg.det(turn).abs() < 1 / 1.7**2
    out = torch.empty(len(photos), photos.shape[1], size, size, device=matrices.device)
    for rows, factor in ((torch.nonzero(~shrink)[:, 0], 1), (torch.nonzero(shrink)[:, 0], 2)):
        if not len(rows):
            continue
        part = take_rows(photos, rows).to(matrices.device).float()
        if factor > 1:  # means of 2 x 2 pixels, faster than avg_pool2d
            part = functional.interpolate(part, scale_factor=0.5, mode="bilinear", align_corners=False)
        grid = (2 * stored[rows] + 1) / (factor * part.shape[-1]) - 1  # -1 and 1 are the edges of the outermost pixels
        grid = grid.reshape(-1, size, size, 2)
        out[rows] = functional.grid_sample(part, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return out


def plain_crops(people: People, size: int, margin: float) -> tuple[Tensor, Tensor]:
    """Upright crops of the boxes as inference makes them: images (N, 3, size, size) and matrices (N, 2, 3)."""
    center, side = person_squares(people, margin)
    angle = torch.zeros_like(side)
    matrices = crop_matrices(center, side, angle, angle > 0, size)
    return sample(people.photos, matrices, size) / 255, matrices


def random_crops(
    people: People,
    size: int,
    margin: float,
    config: AugmentConfig,
    noise: RowNoise | torch.Generator,
    behind: Callable[[Tensor], People] | None = None,
) -> AugmentedCrops:
    """One random crop of every person.

    Args:
        people: a batch, on the training device.
        size: pixels of the crop's side.
        margin: side of a person crop over the box's longer side, before jitter.
        config: how far crops vary.
        noise: of each sample; or a generator, on the same device, to draw it from.
        behind: gives the people who stand behind in the crops of an (N,) bool mask; None for nobody there.
    """
    if isinstance(noise, torch.Generator):
        noise = RowNoise.drawn(len(people), noise)
    uniform, normal = noise.uniform, noise.normal
    kind = uniform()
    scene = kind < config.scene
    cut = (kind >= config.scene) & (kind < config.scene + config.cut)
    negative = kind >= 1 - config.negative
    center, side = person_squares(people, margin)
    angle = torch.where(uniform() < config.any_angle, 360 * uniform(), config.turn * normal())
    mirror = uniform() < 0.5
    scale = 2 ** (config.scale * normal().clamp(-2, 2))
    scale = torch.where(scene, 1.3 * 2 ** (1.5 * uniform()), torch.where(cut, 0.3 + 0.55 * uniform(), scale))
    room = torch.where(scene, (0.5 - 0.4 / scale).clamp_min(0), torch.where(cut, 0.24 / scale, 0.0))
    # A cut runs along the body: portraits and legs are commoner than halves of a body left or right.
    across = torch.where(cut, 0.4, 1.0)
    reach = torch.stack((room * across, room), 1)
    shift = 2 * reach * (uniform(2) - 0.5) + config.shift * normal(2)
    away, small = _squares_beside(people, uniform(24, 2), uniform())
    center = torch.where(negative[:, None], away, center + shift * (side * scale)[:, None])
    side = torch.where(negative, small, side * scale)

    matrices = crop_matrices(center, side, angle, mirror, size)
    images = sample(people.photos, matrices, size) / 255
    crops = AugmentedCrops(images, *_labels(people, matrices, mirror), angle, mirror)
    inside = (crops.joints > -0.5) & (crops.joints < size - 0.5)
    negative &= ~(inside.all(-1) & crops.drawn).any((1, 2))  # unless a joint got into it after all
    crops.drawn &= ~negative[:, None, None]
    crops.weight[negative] = 1
    double = scene & (uniform() < 0.5)
    # Drawn for every batch, lest the numbers that follow depend on what else is in it.
    apart = torch.where(uniform(1) < 0.5, -0.5, 0.5) * uniform(2).add(0.5)
    stretch = 2 ** (0.4 * normal())
    if behind and double.any():
        others = behind(double)
        theirs, their_side = person_squares(others, margin)
        their_side = their_side * (scale * stretch)[double]
        theirs = theirs + (shift + apart)[double] * their_side[:, None]
        moves = crop_matrices(theirs, their_side, angle[double] / 2, mirror[double], size)
        _paste_behind(crops, people, matrices, others, moves, double)
    crops.images = _recolour(crops.images, noise).clamp(0, 1)
    return crops


def turned_poses(pose: Tensor, weight: Tensor, angle: Tensor, mirror: Tensor) -> tuple[Tensor, Tensor]:
    """3D poses as the crops show them: turned about z, then mirrored with the sides swapped.

    Args:
        pose: (N, 17, 3) camera axes of the photo.
        weight: (N, 17).
        angle: (N,) degrees, see :class:`AugmentedCrops`.
        mirror: (N,) bool.
    """
    turn = torch.deg2rad(angle)
    cosine, sine = turn.cos()[:, None], turn.sin()[:, None]
    x, y, z = pose.unbind(-1)
    turned = torch.stack((cosine * x + sine * y, cosine * y - sine * x, z), -1)
    swap = list(HUMAN36M_17.mirror)
    flipped = turned[:, swap] * turned.new_tensor([-1.0, 1.0, 1.0])
    return (torch.where(mirror[:, None, None], flipped, turned), torch.where(mirror[:, None], weight[:, swap], weight))


def _paste_behind(
    crops: AugmentedCrops, people: People, matrices: Tensor, others: People, moves: Tensor, where: Tensor
) -> None:
    """Put other people behind the photos of the crops in the mask ``where``, in place."""
    size, extent = crops.images.shape[-1], people.extent[where]
    axis = torch.arange(people.photos.shape[-1], device=extent.device, dtype=torch.float32)
    x, y = ((axis > extent[:, [k]]) & (axis < extent[:, [k + 2]]) for k in (0, 1))
    front = sample((y[:, None, :, None] & x[:, None, None, :]).byte(), matrices[where], size)  # 1 where the photo is
    joints, drawn, weight = _labels(others, moves, crops.mirror[where])
    column, row = joints[:, 0].round().long().clamp(0, size - 1).unbind(-1)
    hidden = front.flatten(1).gather(1, row * size + column) > 0.5
    crops.images[where] = torch.where(front < 0.5, sample(others.photos, moves, size) / 255, crops.images[where])
    more = torch.zeros_like(crops.joints), torch.zeros_like(crops.drawn)
    more[0][where], more[1][where] = joints, drawn & ~hidden[:, None]
    crops.joints, crops.drawn = torch.cat((crops.joints, more[0]), 1), torch.cat((crops.drawn, more[1]), 1)
    crops.weight[where] = torch.where(weight == 0, 0.0, crops.weight[where])


def _labels(people: People, matrices: Tensor, mirror: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Joints (N, 1, 16, 2) in the crop, drawn (N, 1, 16) and weight (N, 16), sides swapped where it is mirrored."""
    joints, weight = transform(people.joints, matrices), people.weight
    swap = list(MPII_16.mirror)
    joints = torch.where(mirror[:, None, None], joints[:, swap], joints)
    weight = torch.where(mirror[:, None], weight[:, swap], weight)
    return joints[:, None], (weight > 0)[:, None], weight.clone()


def _squares_beside(people: People, tries: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
    """Of several random squares, the one that overlaps the person least: center (N, 2) and side (N,)."""
    extent = people.extent
    side = (0.25 + 0.35 * size) * (extent[:, 2:] - extent[:, :2]).amin(1)
    half = side[:, None, None] / 2
    low, high = extent[:, None, :2] + half, extent[:, None, 2:] - half
    centers = low + tries * (high - low)
    top_left, bottom_right = people.box[:, None].split(2, 2)
    lap = torch.minimum(centers + half, bottom_right) - torch.maximum(centers - half, top_left)
    best = lap.clamp_min(0).prod(-1).argmin(1)
    return centers[torch.arange(len(side), device=side.device), best], side


def _recolour(images: Tensor, noise: RowNoise) -> Tensor:
    """Fill what is beyond the photo, vary colour, contrast and noise, and blank a rectangle in some crops."""
    uniform, normal = noise.uniform, noise.normal
    height, width = images.shape[2:]
    # Beyond it is black as at inference, or, in half of the crops, a colour or a cloudy texture.
    choice, colour = uniform(1, 1, 1), uniform(3, 1, 1)
    clouds = functional.interpolate(normal(3, 16, 16), size=(height, width), mode="bilinear", align_corners=False)
    filling = torch.where(choice < 0.25, colour, (colour + 0.2 * clouds).clamp(0, 1))
    images = torch.where((images.sum(1, keepdim=True) == 0) & (choice < 0.5), filling, images)
    images = images * (1 + 0.2 * normal(3, 1, 1)).clamp(0.6, 1.4) + 0.06 * normal(1, 1, 1)
    grey = images.mean(1, keepdim=True)
    images = torch.where(uniform(1, 1, 1) < 0.08, grey.expand_as(images), images)
    noisy = uniform() < 0.25
    images[noisy] += 0.04 * normal(*images.shape[1:], rows=noisy)
    middle, half = uniform(2), 0.05 + 0.12 * uniform(2)
    y = (torch.arange(height, device=images.device) / height - middle[:, :1]).abs() < half[:, :1]
    x = (torch.arange(width, device=images.device) / width - middle[:, 1:]).abs() < half[:, 1:]
    blank = y[:, None, :, None] & x[:, None, None, :] & (uniform(1, 1, 1) < 0.25)
    return torch.where(blank, uniform(3, 1, 1).expand_as(images), images)


def target_maps(crops: AugmentedCrops, sigma: float) -> tuple[Tensor, Tensor]:
    """Confidence maps to learn and how much each counts.

    A joint beyond the crop gives an empty map that counts: the network learns what is not there.

    Returns:
        maps (N, 16, S / 4, S / 4) and weight (N, 16).
    """
    side = crops.images.shape[-1] // MAP_STRIDE
    maps = encode(to_map_coordinates(crops.joints), (side, side), sigma)
    return torch.where(crops.drawn[..., None, None], maps, 0.0).amax(1), crops.weight
