"""How long fusion networks take on inputs that lie ready."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from fusion_model.fusion import FusionNetwork
from fusion_model.readings import READINGS

_ROUNDS = 10


@torch.inference_mode()
def time_networks(networks: Mapping[Any, FusionNetwork], batch: int = 16) -> dict[Any, float]:
    """Milliseconds a crop of networks on one device, the median of rounds; all are in evaluation mode afterwards.

    They take turns, so that a busy moment slows all of them. A first round warms up and does not count.
    """
    inputs = {name: random_inputs(network.eval(), batch) for name, network in networks.items()}
    taken: dict[Any, list[float]] = {name: [] for name in networks}
    for number in range(_ROUNDS + 1):
        for name, network in networks.items():
            start = time.perf_counter()
            network(*inputs[name]).cpu()  # waits for the device
            taken[name] += [time.perf_counter() - start] if number else []
    return {name: 1000 * statistics.median(seconds) / batch for name, seconds in taken.items()}


def random_inputs(network: FusionNetwork, batch: int) -> tuple[Tensor, ...]:
    """Image, maps and readings of N crops, as an estimator gives them to the network."""
    config, device = network.config, next(network.parameters()).device
    photo = torch.rand(batch, config.image_channels, config.input_size, config.input_size, device=device)
    maps = torch.rand(batch, config.map_joints, config.input_size, config.input_size, device=device)
    return photo, maps, torch.rand(batch, READINGS * config.map_joints, device=device)


def parameter_count(network: nn.Module) -> int:
    """Number of parameters."""
    return sum(parameter.numel() for parameter in network.parameters())
