"""How long networks take on inputs that lie ready."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from fusion_model.fusion import FusionNetwork
from fusion_model.hourglass import StackedHourglass
from fusion_model.readings import READINGS

_ROUNDS, _MIN_ROUNDS = 20, 3
_MAX_SECONDS = 40.0  # after which no new round is begun; the first three always are


@torch.inference_mode()
def time_networks(networks: Mapping[Any, StackedHourglass | FusionNetwork], batch: int = 16) -> dict[Any, float]:
    """Milliseconds a crop of networks on one device; all are in evaluation mode afterwards."""
    device = next(next(iter(networks.values())).parameters()).device
    inputs = {name: random_inputs(network.eval(), batch) for name, network in networks.items()}
    calls = {name: lambda name=name: networks[name](*inputs[name]) for name in networks}
    seconds = take_turns(calls, device, _ROUNDS)
    return {name: 1000 * value / batch for name, value in seconds.items()}


def random_inputs(network: StackedHourglass | FusionNetwork, batch: int) -> tuple[Tensor, ...]:
    """Crops (N, 3, S, S) in [0, 1] for a hourglass; image, maps and readings for a fusion network, as it runs."""
    config, device = network.config, next(network.parameters()).device
    channels = 3 if isinstance(network, StackedHourglass) else config.image_channels
    photo = torch.rand(batch, channels, config.input_size, config.input_size, device=device)
    if isinstance(network, StackedHourglass):
        return (photo.contiguous(memory_format=torch.channels_last),)
    maps = torch.rand(batch, config.map_joints, config.input_size, config.input_size, device=device)
    return photo, maps, torch.rand(batch, READINGS * config.map_joints, device=device)


def take_turns(calls: Mapping[str, Callable[[], object]], device: torch.device, rounds: int) -> dict[str, float]:
    """Median seconds of each call, by name.

    They take turns, so that a busy moment slows all of them. A first round warms up and does not count.

    Args:
        calls: what to time.
        device: is waited for after every call.
        rounds: at most; fewer where they take long.
    """
    taken: dict[str, list[float]] = {name: [] for name in calls}
    began = time.perf_counter()
    for number in range(rounds + 1):
        if number > _MIN_ROUNDS and time.perf_counter() - began > _MAX_SECONDS:
            break
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            taken[name] += [time.perf_counter() - start] if number else []
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def parameter_count(network: nn.Module) -> int:
    """Number of parameters."""
    return sum(parameter.numel() for parameter in network.parameters())
