"""The fusion network: photo and confidence maps in two streams, merged where it pays (Tekin et al., ICCV 2017)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from fusion_model.config import FusionConfig
from fusion_model.readings import READINGS, read_maps
from fusion_model.streams import Stream, initialise, last_features

SHARPNESS = 5e3
"""lambda of Eq. 4, in mm**2: both terms of the loss are then of like size at the start."""

_FIRST_SPREAD_MM = 50.0


class FusionNetwork(nn.Module):
    """Two data streams and a fusion stream, mixed by weights w_1..w_L (Eq. 1); output layer L + 1.

    The strategies differ in the weights:

    - ``trainable``: w_l = sigmoid(alpha (l - beta)), Eq. 3, with alpha and beta learnt;
    - ``free``: each w_l a parameter of its own, clamped to [0, 1], starting where ``trainable`` starts;
    - ``early``, ``late``, ``fixed``: w_l = [l > b] for b = 0, L, ``fixed_beta``;
    - ``image-only``, ``maps-only``: one data stream and the output layer, no fusion and no weights.

    Layers whose weight is 0 for good are never built. So a network with a fixed merging layer b has the data layers
    1..b and the fusion layers b + 1..L + 1, and so has a pruned one (``merge_after``); both go by the same tensor
    names as in the full network.

    Args:
        config: sizes, strategy and units.

    Attributes:
        alpha: () slope of Eq. 3, None for strategies without; a constant once pruned.
        beta: () merging layer of Eq. 3, None for strategies without; a constant once pruned.
        spread: layer that says how far off the joints may be, None for configurations without.
    """

    alpha: Tensor | None
    beta: Tensor | None

    def __init__(self, config: FusionConfig) -> None:
        super().__init__()
        self.config = config
        self.depth = len(config.layers)
        b, full = config.merging_layer, range(1, self.depth + 1)
        single = config.single_stream
        data = full if single or b is None else full[:b]
        fusion = full[:0] if single else full[b or 0 :]
        channels = config.image_channels + config.map_joints
        readings = READINGS * config.map_joints if config.map_readings else 0
        self.image_stream = Stream(config, config.image_channels, data if single != "maps-only" else (), factor=1)
        maps = data if single != "image-only" else ()
        self.map_stream = Stream(config, config.map_joints, maps, factor=1, readings=readings)
        self.fusion_stream = Stream(config, channels, fusion, factor=2, readings=readings)
        self.output = nn.Linear(last_features(config, channels, 1 if single else 2), 3 * config.joints)
        # The last layer starts at the same millimetres whatever the unit.
        initialise(self.output, scale=1 / config.output_unit_mm)
        self.spread = nn.Linear(self.output.in_features, 2 * config.joints) if config.spreads else None
        if self.spread is not None:
            nn.init.zeros_(self.spread.weight)
            nn.init.constant_(self.spread.bias, math.log(_FIRST_SPREAD_MM))
        self._create_mixing()
        self.to(memory_format=torch.channels_last)  # a third less time a crop on a processor

    def forward(
        self, image: Tensor, maps: Tensor, readings: Tensor | None = None, *, spreads: bool = False
    ) -> Tensor | tuple[Tensor, Tensor]:
        """3D joints relative to the root.

        Args:
            image: (N, 3, S, S) float RGB in [0, 1], S the configured input size; or the features (N, C, S, S) that the
                configuration wants instead.
            maps: (N, map_joints, S, S) float confidence maps of the same crop, about 1 at a joint and 0 elsewhere.
            readings: (N, R) of :func:`read_maps`, from maps that may be larger than these, for a configuration with
                ``map_readings``; None reads these, unless they are pooled to the places of ``photo_features``.
            spreads: of a network that has them.

        Returns:
            (N, joints, 3) millimetres, camera axes: x right, y down, z away from the camera. With ``spreads`` also
            (N, joints, 2) millimetres, how far they may be off across and in depth.

        Raises:
            ValueError: for other shapes, or missing readings.
        """
        self._check(image, maps)
        if not self.config.map_readings or self.config.strategy == "image-only":
            readings = None
        elif readings is None and self.config.photo_features:
            raise ValueError("readings must be those of the full maps: see fusion_model.crop_inference.fusion_inputs")
        elif readings is None:
            readings = read_maps(maps)
        inputs = image, maps, None if readings is None else readings.to(maps.dtype)
        if self.config.single_stream:
            features = self._single(*inputs)
        elif self.config.merging_layer is not None:
            features = self._merged(*inputs, self.config.merging_layer)
        elif self.training and not self.is_soft:
            # The same but for dropout's draws, without the layers of weight 0, which would learn nothing.
            features = self._merged(*inputs, int(self.hardened_at))
        else:
            features = self._mixed(*inputs)
        features = features.flatten(1)
        pose = self.output(features).unflatten(1, (self.config.joints, 3)) * self.config.output_unit_mm
        if not spreads:
            return pose
        # What is learnt of the spreads leaves the pose as it is.
        return pose, self.spread(features.detach()).float().exp().unflatten(1, (self.config.joints, 2))

    def mixing_weights(self) -> Tensor:
        """(L,) float32 weights w_1..w_L: 0 takes the data streams, 1 the fusion stream; zeros for a single stream."""
        return self._all_weights()[1:]

    @property
    def merging_layer(self) -> int:
        """The b in 0..L for which [l > b] is nearest to the weights, in the sum of absolute differences.

        For Eq. 3 with alpha > 0 this is floor(beta), held to 0..L. Of equally near ones the last.

        Raises:
            ValueError: for a single stream.
        """
        if self.config.single_stream:
            raise ValueError(f"strategy {self.config.strategy!r} has one stream and no merging layer")
        # Moving the merging layer from l - 1 to l turns the deviation |w_l - 1| into |w_l|.
        gains = (2 * self.mixing_weights().detach().double().cpu() - 1).cumsum(0)
        deviations = [0.0, *gains.tolist()]
        return max(range(self.depth + 1), key=lambda b: (-deviations[b], b))

    def deviation(self) -> float:
        """Largest distance of a weight from the nearest step [l > b]; 0 for a network with a fixed merging layer."""
        first = 0 if self.config.mix_input else 1
        weights = self._all_weights().detach().cpu()[first:]
        return (weights - step_weights(self.depth, self.merging_layer)[first:]).abs().max().item()

    def is_sharp(self, tolerance: float = 1e-3) -> bool:
        """Whether all weights lie within ``tolerance`` of a step [l > b]."""
        return self.deviation() <= tolerance

    def harden(self) -> int:
        """Fix the weights at the nearest step [l > b], b the :attr:`merging_layer`; training may go on without them.

        The state dict remembers it (``hardened_at``). alpha, beta and free weights keep their last values.

        Returns:
            The merging layer b.
        """
        b = self.merging_layer
        if self.config.merging_layer is None:
            self.hardened_at.fill_(b)
        return b

    def fusion_penalty(self, sharpness: float = SHARPNESS, centring: float = 0.0) -> Tensor:
        """() sharpness / alpha**2, the last term of Eq. 4; 0 for strategies without alpha and once hardened.

        Eq. 4 alone leaves beta free to lie at a layer, whose weight then stays at 1/2 however large alpha is.

        Args:
            sharpness: lambda of Eq. 4, in mm**2.
            centring: factor, of lambda, on the squared distance of beta from the nearest middle between two layers.
        """
        if self.alpha is None or not self.is_soft:
            return self.output.weight.new_zeros(())
        beta = self.beta.float()
        off = beta - beta.detach().floor() - 0.5
        return sharpness * (1 / self.alpha.float() ** 2 + centring * off**2)

    @property
    def is_soft(self) -> bool:
        """Whether the weights are trained, and not hardened yet."""
        return self.config.has_soft_weights and int(self.hardened_at) < 0

    def _create_mixing(self) -> None:
        """Register alpha, beta and the free weights, as far as the strategy has them."""
        config = self.config
        start = (self.depth + 1) / 2 if config.initial_beta is None else config.initial_beta
        alpha, beta = torch.tensor(float(config.initial_alpha)), torch.tensor(float(start))
        soft = config.has_soft_weights
        if config.strategy != "trainable":
            self.alpha = self.beta = None
        elif soft:
            self.alpha, self.beta = nn.Parameter(alpha), nn.Parameter(beta)
        else:
            self.register_buffer("alpha", alpha)
            self.register_buffer("beta", beta)
        if soft and config.strategy == "free":
            self.free_weights = nn.Parameter(self._sigmoid(alpha, beta)[1:])
        if soft:
            self.register_buffer("hardened_at", torch.tensor(-1))

    def _sigmoid(self, alpha: Tensor, beta: Tensor) -> Tensor:
        """(L + 1,) weights w_0..w_L of Eq. 3."""
        slope = alpha.float() ** 2 if self.config.alpha_squared else alpha.float()
        return torch.sigmoid(slope * (torch.arange(self.depth + 1, device=alpha.device) - beta.float()))

    def _all_weights(self) -> Tensor:
        """(L + 1,) float32 weights w_0..w_L."""
        device = self.output.weight.device
        if self.config.single_stream:
            return torch.zeros(self.depth + 1, device=device)
        if self.config.merging_layer is not None:
            return step_weights(self.depth, self.config.merging_layer, device)
        if self.config.strategy == "free":
            soft = torch.cat((torch.zeros(1, device=device), _ClampInward.apply(self.free_weights.float())))
        else:
            soft = self._sigmoid(self.alpha, self.beta)
        hard = step_weights(self.depth, self.hardened_at, device)
        return torch.where(self.hardened_at < 0, soft, hard)

    def _single(self, image: Tensor, maps: Tensor, readings: Tensor | None) -> Tensor:
        """Features (N, ...) of layer L of the only stream."""
        layers = range(1, self.depth + 1)
        if self.config.single_stream == "image-only":
            return self.image_stream(image, layers)
        return self.map_stream(maps, layers, readings)

    def _merged(self, image: Tensor, maps: Tensor, readings: Tensor | None, b: int) -> Tensor:
        """Features (N, ...) for the last layer where the streams merge after data layer b."""
        own = range(1, b + 1)
        x = torch.cat((self.image_stream(image, own), self.map_stream(maps, own, readings)), 1)
        return self.fusion_stream(x, range(b + 1, self.depth + 1), readings)

    def _mixed(self, image: Tensor, maps: Tensor, readings: Tensor | None) -> Tensor:
        """Features (N, ...) for the last layer, Eq. 1 with every layer computed."""
        weights = self._all_weights().to(image.dtype).unbind()
        x = torch.cat((image, maps), 1)
        if self.config.mix_input:
            x = (1 - weights[0]) * x
        for number in range(1, self.depth + 1):
            one, w = (number,), weights[number]
            image, maps = self.image_stream(image, one), self.map_stream(maps, one, readings)
            fused = self.fusion_stream(x, one, readings)  # Z_l; image and maps are I_l and X_l
            x = (1 - w) * torch.cat((image, maps), 1) + w * fused  # the input of layer l + 1
        return x

    def _check(self, image: Tensor, maps: Tensor) -> None:
        """Refuse inputs of another shape."""
        size = self.config.input_size
        expected = {"image": (image, self.config.image_channels), "maps": (maps, self.config.map_joints)}
        for name, (value, channels) in expected.items():
            if value.ndim != 4 or tuple(value.shape[1:]) != (channels, size, size):
                raise ValueError(f"{name} must be (N, {channels}, {size}, {size}), got {tuple(value.shape)}")
        if image.shape[0] != maps.shape[0]:  # not len(), which fixes N in an export
            raise ValueError(f"image and maps must be of the same N, got {len(image)} and {len(maps)}")


def step_weights(depth: int, b: int | Tensor, device: torch.device | None = None) -> Tensor:
    """(depth + 1,) float32 weights w_l = [l > b] for l = 0..depth."""
    return (torch.arange(depth + 1, device=device) > b).float()


class _ClampInward(torch.autograd.Function):
    """Clamp to [0, 1] whose gradient vanishes only where a step would lead further out, so nothing gets stuck."""

    @staticmethod
    def forward(context: torch.autograd.function.FunctionCtx, values: Tensor) -> Tensor:
        context.save_for_backward(values)
        return values.clamp(0, 1)

    @staticmethod
    def backward(context: torch.autograd.function.FunctionCtx, gradient: Tensor) -> Tensor:
        (values,) = context.saved_tensors
        outward = ((values <= 0) & (gradient > 0)) | ((values >= 1) & (gradient < 0))
        return gradient.masked_fill(outward, 0)
