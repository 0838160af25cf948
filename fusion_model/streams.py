"""The streams of Figure 3: the same layers narrow for photo and maps, twice as wide for the fusion."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from torch import Tensor, nn

from fusion_model.config import FusionConfig, LayerConfig


class MixedLayer(nn.Module):
    """One of the layers 1..L of a stream: convolution and pooling, or a linear map; then ReLU and dropout.

    A linear layer after convolutions flattens them channel by channel, so that flattening two streams and
    concatenating them is the same as concatenating their channels and flattening.

    Args:
        config: kind, kernel, pooling and dropout.
        inputs: channels, or features of a fully connected layer.
        outputs: channels, or features of a fully connected layer.
        batch_norm: normalise before the ReLU.
        readings: how many numbers read from the maps a fully connected layer takes besides.
    """

    def __init__(self, config: LayerConfig, inputs: int, outputs: int, *, batch_norm: bool, readings: int = 0) -> None:
        super().__init__()
        if config.kind == "conv":
            self.op: nn.Module = nn.Conv2d(inputs, outputs, config.kernel)
            self.pool = nn.MaxPool2d(2) if config.pool else nn.Identity()
            norm = nn.BatchNorm2d
        else:
            self.op = nn.Linear(inputs, outputs)
            self.pool = nn.Identity()
            norm = nn.BatchNorm1d
        self.norm = norm(outputs) if batch_norm else nn.Identity()
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(config.dropout)
        initialise(self.op, small=config.dropout > 0)
        self.read = nn.Linear(readings, outputs, bias=False) if readings else None
        if self.read is not None:
            nn.init.normal_(self.read.weight, std=math.sqrt(1 / readings))

    def forward(self, x: Tensor, readings: Tensor | None = None) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H', W'), or anything of N * inputs numbers and (N, R) -> (N, outputs)."""
        if isinstance(self.op, nn.Linear):
            x = x.flatten(1)
        x = self.op(x)
        if self.read is not None:
            x = x + self.read(readings)
        return self.dropout(self.relu(self.norm(self.pool(x))))


class ResidualLayer(nn.Module):
    """A layer that adds two fully connected ones to its input (Martinez et al., ICCV 2017).

    Args:
        config: dropout.
        width: features that it takes and gives.
        batch_norm: normalise before both ReLUs.
    """

    def __init__(self, config: LayerConfig, width: int, *, batch_norm: bool) -> None:
        super().__init__()
        self.first = MixedLayer(config, width, width, batch_norm=batch_norm)
        self.second = MixedLayer(config, width, width, batch_norm=batch_norm)

    def forward(self, x: Tensor) -> Tensor:
        """(N, width) -> (N, width)."""
        return x + self.second(self.first(x))


class Stream(nn.ModuleDict):
    """The layers of one stream that are computed, under the keys ``layer1`` .. ``layerL``.

    Args:
        config: the fusion network's configuration.
        channels: channels of the stream's first input.
        layers: the numbers l in 1..L of the layers to build.
        factor: width over the configured width: 1 for a data stream, 2 for the fusion stream.
        readings: how many numbers read from the maps its first fully connected layer takes besides.

    Raises:
        ValueError: if the convolutions leave nothing of the input.
    """

    def __init__(
        self, config: FusionConfig, channels: int, layers: Iterable[int], *, factor: int, readings: int = 0
    ) -> None:
        super().__init__()
        self._reader = config.first_flat + 1 if readings else None
        sizes = list(_walk(config, channels, factor))
        for number in layers:
            (inputs, outputs, _), layer = sizes[number - 1], config.layers[number - 1]
            if layer.kind == "residual":
                self[f"layer{number}"] = ResidualLayer(layer, outputs, batch_norm=config.batch_norm)
            else:
                taken = readings if number == self._reader else 0
                self[f"layer{number}"] = MixedLayer(
                    layer, inputs, outputs, batch_norm=config.batch_norm, readings=taken
                )

    def forward(self, x: Tensor, numbers: Iterable[int], readings: Tensor | None = None) -> Tensor:
        """What the layers of these numbers, one after another, make of (N, ...) and the readings (N, R) of the maps."""
        for number in numbers:
            layer = self.layer(number)
            x = layer(x, readings) if number == self._reader else layer(x)
        return x

    def layer(self, number: int) -> nn.Module:
        """Layer l of the stream, counted from 1."""
        return self[f"layer{number}"]


def last_features(config: FusionConfig, channels: int, factor: int) -> int:
    """Features that layer L gives to a fully connected output layer."""
    *_, (_, outputs, side) = _walk(config, channels, factor)
    return outputs * side**2


def _walk(config: FusionConfig, channels: int, factor: int) -> Iterator[tuple[int, int, int]]:
    """Inputs, outputs and side of the output of each layer; the side is 1 once fully connected."""
    inputs, side = channels, config.input_size
    for number, layer in enumerate(config.layers, start=1):
        if layer.kind == "conv":
            side = (side - layer.kernel + 1) // (2 if layer.pool else 1)
            if side < 1:
                raise ValueError(f"layer {number} leaves nothing of an input of {config.input_size} pixels")
        else:
            inputs, side = inputs * side**2, 1
        yield inputs, factor * layer.width, side
        inputs = factor * layer.width


def initialise(layer: nn.Module, *, small: bool = False, scale: float = 1.0) -> None:
    """Starting weights of the authors' released code.

    Convolutions start from N(0, sqrt(2 / fan_in)), linear layers under dropout from N(0, 0.01), other linear
    layers from U(-r, r) with r = sqrt(6 / fan_in); biases are 0.

    Args:
        layer: a convolution or a linear layer.
        small: whether dropout follows; no meaning for a convolution.
        scale: factor on the weights.
    """
    fan_in = layer.weight[0].numel()
    if isinstance(layer, nn.Conv2d):
        nn.init.normal_(layer.weight, std=scale * math.sqrt(2 / fan_in))
    elif small:
        nn.init.normal_(layer.weight, std=scale * 0.01)
    else:
        bound = scale * math.sqrt(6 / fan_in)
        nn.init.uniform_(layer.weight, -bound, bound)
    nn.init.zeros_(layer.bias)
