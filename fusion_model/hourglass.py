"""The stacked hourglass (Newell, Yang and Deng, ECCV 2016) that turns a crop into joint confidence maps."""

from __future__ import annotations

from copy import deepcopy
from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from fusion_model.config import HourglassConfig

_DEPTH = 4  # halvings inside one hourglass, as published
_Network = TypeVar("_Network", bound=nn.Module)


class Residual(nn.Module):
    """Pre-activation bottleneck: BN-ReLU-1x1, BN-ReLU-3x3, BN-ReLU-1x1, plus the input."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half = outputs // 2
        self.norm1, self.conv1 = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, half, 1)
        self.norm2, self.conv2 = nn.BatchNorm2d(half), nn.Conv2d(half, half, 3, padding=1)
        self.norm3, self.conv3 = nn.BatchNorm2d(half), nn.Conv2d(half, outputs, 1)
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H, W)."""
        y = self.conv1(functional.relu(self.norm1(x), inplace=True))  # norm1 stays a norm: x is needed below
        y = self.conv2(functional.relu(self.norm2(y), inplace=True))
        y = self.conv3(functional.relu(self.norm3(y), inplace=True))
        y += self.skip(x)
        return y


class Hourglass(nn.Module):
    """One hourglass: down to 1 / 2**depth and up again, with a residual on every level's skip."""

    def __init__(self, depth: int, width: int) -> None:
        super().__init__()
        self.skip = Residual(width, width)
        self.down = Residual(width, width)
        self.inner = Hourglass(depth - 1, width) if depth > 1 else Residual(width, width)
        self.up = Residual(width, width)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features of all scales together, and those of the innermost hourglass, which see the whole crop.

        Args:
            x: (N, width, H, W); H and W are multiples of 2**depth.

        Returns:
            (N, width, H, W), and (N, width, H / 2**(depth - 1), W / 2**(depth - 1)).
        """
        y = self.down(functional.max_pool2d(x, 2))
        y, deepest = self.inner(y) if isinstance(self.inner, Hourglass) else (self.inner(y), None)
        y = self.skip(x) + functional.interpolate(self.up(y), scale_factor=2.0, mode="nearest")
        return y, y if deepest is None else deepest


def make_front(width: int) -> nn.Sequential:
    """The layers before the first hourglass: (N, 3, H, W) -> (N, width, H / 4, W / 4)."""
    return nn.Sequential(
        nn.Conv2d(3, width // 4, 7, stride=2, padding=3),
        nn.BatchNorm2d(width // 4),
        nn.ReLU(inplace=True),
        Residual(width // 4, width // 2),
        nn.MaxPool2d(2),
        Residual(width // 2, width // 2),
        Residual(width // 2, width),
    )


class StackedHourglass(nn.Module):
    """Hourglasses one after another, each giving its own confidence maps (intermediate supervision).

    With width 256 this is the published network: 3,426,448 parameters with one stack, 25,434,112 with eight. A
    narrower one scales the layers before the first hourglass too, where most of the time goes.

    Args:
        config: stacks, width, input size and number of joints.
    """

    def __init__(self, config: HourglassConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.front = make_front(width)
        self.hourglasses = nn.ModuleList(Hourglass(_DEPTH, width) for _ in range(config.stacks))
        self.features = nn.ModuleList(
            nn.Sequential(
                Residual(width, width), nn.Conv2d(width, width, 1), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
            )
            for _ in range(config.stacks)
        )
        self.heads = nn.ModuleList(nn.Conv2d(width, config.joints, 1) for _ in range(config.stacks))
        self.feature_merges = nn.ModuleList(nn.Conv2d(width, width, 1) for _ in range(config.stacks - 1))
        self.map_merges = nn.ModuleList(nn.Conv2d(config.joints, width, 1) for _ in range(config.stacks - 1))

    def forward(self, image: Tensor) -> list[Tensor]:
        """Confidence maps of every stack, the last one the best: the first half of :meth:`maps_and_features`."""
        return self.maps_and_features(image)[0]

    def maps_and_features(self, image: Tensor) -> tuple[list[Tensor], Tensor]:
        """Confidence maps of every stack, and what the last hourglass knows of the crop as a whole.

        Args:
            image: (N, 3, H, W) float RGB in [0, 1]; H and W are multiples of 64, not only the configured size.

        Returns:
            One (N, joints, H / 4, W / 4) tensor a stack, about 1 at a joint, 0 elsewhere, not bounded; and features
            (N, width, H / 32, W / 32) of the innermost scale.

        Raises:
            ValueError: for another shape.
        """
        if image.ndim != 4 or image.shape[1] != 3 or image.shape[2] % 64 or image.shape[3] % 64:
            raise ValueError(f"image must be (N, 3, H, W) with H and W multiples of 64, got {tuple(image.shape)}")
        x = deepest = self.front(image - 0.5)
        maps: list[Tensor] = []
        for stack, (hourglass, features, head) in enumerate(
            zip(self.hourglasses, self.features, self.heads, strict=True)
        ):
            y, deepest = hourglass(x)
            y = features(y)
            maps.append(head(y))
            if stack + 1 < len(self.hourglasses):
                x = x + self.feature_merges[stack](y) + self.map_merges[stack](maps[-1])
        return maps, deepest


def folded(network: _Network) -> _Network:
    """A copy for inference with every norm that follows a convolution made part of it.

    It gives the same output, but for rounding, in less time.

    Args:
        network: whose norms follow their convolutions in an :class:`torch.nn.Sequential` or a :class:`Residual`.
    """
    # Tensors are copied beforehand: on ZeroGPU, deepcopy looks through all that it has copied for each of them.
    weights = {id(one): nn.Parameter(one.detach().clone(), one.requires_grad) for one in network.parameters()}
    copy = deepcopy(network, weights | {id(one): one.clone() for one in network.buffers()}).eval()
    for block in list(copy.modules()):
        if isinstance(block, Residual):
            block.conv1, block.norm2 = fuse_conv_bn_eval(block.conv1, block.norm2), nn.Identity()
            block.conv2, block.norm3 = fuse_conv_bn_eval(block.conv2, block.norm3), nn.Identity()
        elif isinstance(block, nn.Sequential):
            for place, (layer, norm) in enumerate(pairwise(list(block))):
                if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                    block[place], block[place + 1] = fuse_conv_bn_eval(layer, norm), nn.Identity()
    return copy.to(memory_format=torch.channels_last)


def flip_average(maps: Tensor, mirrored_maps: Tensor, mirror: tuple[int, ...]) -> Tensor:
    """Mean of the maps of a crop and the maps of its mirror image, turned back with the sides swapped.

    Args:
        maps: (N, J, H, W) of the crops.
        mirrored_maps: (N, J, H, W) of the crops flipped left to right.
        mirror: index of each joint's mirror joint.
    """
    return (maps + torch.flip(mirrored_maps, dims=(3,))[:, list(mirror)]) / 2
