"""Trains the fully connected layers of a merged fusion network further, on stored features of its convolutions.

These layers turn positions into depth and need many passes over the data, which stored features spare the augmentation
and the convolutions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from fusion_model.fusion import FusionNetwork
from train.data.sampling import draw, draw_local
from train.engine.machine import bf16_is_fast
from train.engine.optimiser import make_optimiser, moving_average
from train.fusion_stage.samples import Batch, FusionSamples, random_rows

_BATCH, _RATE, _WARMUP, _DECAY, _MEMORY = 512, 1e-3, 100, 1e-4, 0.999
_CHUNK = 256  # rows whose features are computed at once


@dataclass
class Features(Batch):
    """What the first fully connected layer takes, and the labels, one row an augmented crop.

    Attributes:
        images: (N, F) float16 features of the last convolutions.
        maps: (N, R) float16 readings of the maps; R is 0 for a network that has none.
    """

    def take(self, rows: Tensor) -> Features:
        """Some rows."""
        return Features(*(getattr(self, field.name)[rows] for field in fields(self)))


def has_head(network: FusionNetwork) -> bool:
    """Whether the fully connected layers of a network are those of its fusion stream alone."""
    config = network.config
    return config.merging_layer is not None and config.merging_layer <= config.first_flat < network.depth


def head(network: FusionNetwork, features: Tensor, readings: Tensor) -> Tensor:
    """(N, J, 3) mm from what the first fully connected layer takes."""
    layers = range(network.config.first_flat + 1, network.depth + 1)
    x = network.fusion_stream(features, layers, readings if readings.shape[1] else None)
    return network.output(x).unflatten(1, (network.config.joints, 3)) * network.config.output_unit_mm


@torch.inference_mode()
def stored_features(
    network: FusionNetwork,
    pools: list[FusionSamples],
    weights: Tensor,
    count: int,
    generator: torch.Generator,
    faults: Callable[[Tensor], Tensor | None],
) -> Features:
    """Features of augmented rows that the weights choose.

    Args:
        network: merged, with :func:`has_head`; set to evaluation.
        pools: augmented crops of the same people, which take turns.
        weights: (N,) of a pool's rows.
        count: rows to draw.
        generator: of rows and augmentation.
        faults: factor on the rates of faults in the maps of rows, see :func:`random_rows`.
    """
    network.eval()
    taken: list[tuple[Tensor, Tensor]] = []
    first = network.fusion_stream.layer(network.config.first_flat + 1)
    hook = first.register_forward_pre_hook(lambda _layer, inputs: taken.append(inputs))

    def parts() -> Iterator[Features]:
        for start in tqdm(range(0, count, _CHUNK), desc="features", unit="batch"):
            size = min(_CHUNK, count - start)
            rows, noise = draw_local(weights, size, generator, slice(0, size))
            batch = random_rows(pools[start // _CHUNK % len(pools)], rows, noise, faults(rows))
            taken.clear()
            network(batch.images, batch.maps)
            x, *readings = taken[0]
            read = readings[0] if readings and readings[0] is not None else x.new_zeros(size, 0)
            labels = (getattr(batch, field.name) for field in fields(batch)[2:])
            yield Features(x.flatten(1).half(), read.half(), *labels)

    try:
        found = list(parts())
    finally:
        hook.remove()
    return Features(*(torch.cat([getattr(part, field.name) for part in found]) for field in fields(Features)))


def train_head(
    network: FusionNetwork,
    data: Features,
    loss: Callable[[Tensor, Batch], Tensor],
    steps: int,
    generator: torch.Generator,
) -> None:
    """Train the fully connected layers in place, on a cosine to zero; the moving average of the weights stays.

    Args:
        network: merged, with :func:`has_head`.
        data: of :func:`stored_features`, drawn evenly.
        loss: of poses (N, J, 3) mm and a batch with its labels.
        steps: of 512 rows.
        generator: of the rows.
    """
    network.train()
    first = network.config.first_flat
    trained = torch.nn.ModuleList(network.fusion_stream.layer(n) for n in range(first + 1, network.depth + 1))
    trained.append(network.output)
    optimiser = make_optimiser(trained, _RATE, _DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, steps))
    averaged = AveragedModel(trained, multi_avg_fn=moving_average(_MEMORY), use_buffers=True)
    even = torch.ones(len(data.images), dtype=torch.float64, device=data.images.device)
    device = data.images.device.type
    bar = tqdm(range(steps), desc="fully connected layers", unit="step")
    for step in bar:
        batch = data.take(draw(even, _BATCH, generator))
        with torch.autocast(device, torch.bfloat16, enabled=bf16_is_fast(device)):
            poses = head(network, batch.images.float(), batch.maps.float())
        value = loss(poses.float(), batch)
        optimiser.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(trained.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        averaged.update_parameters(trained)
        if step % 50 == 0:
            bar.set_postfix(loss=f"{value.item():.4g}")
    trained.load_state_dict(averaged.module.state_dict())
    network.eval()


def _rate(step: int, steps: int) -> float:
    """Factor on the learning rate: a short rise, then a cosine to zero."""
    return min(1.0, (step + 1) / _WARMUP) * (1 + math.cos(math.pi * step / steps)) / 2
