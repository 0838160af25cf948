"""Seeds and random numbers that do not depend on how a batch is split over processes."""

from __future__ import annotations

import hashlib
import struct

import torch
from torch import Tensor

_STEP = -1640531527  # 2**32 over the golden ratio, as a signed 32-bit number: consecutive counts land far apart


def derive_seed(*numbers: int) -> int:
    """A seed in [0, 2**63) from whole numbers in [-2**63, 2**63); the same in every version of Python."""
    digest = hashlib.blake2b(struct.pack(f"<{len(numbers)}q", *numbers), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


class RowNoise:
    """Random numbers for the samples of a batch: a sample's numbers depend on its own seed alone.

    So a sample is augmented alike in whatever batch and process it lies. The numbers are a hash of (seed, call,
    place), computed on the device of the seeds.

    Args:
        seeds: (N,) int64, one for each sample, of which the low 32 bits count.
    """

    def __init__(self, seeds: Tensor) -> None:
        self._seeds, self._calls = seeds.to(torch.int32), 0

    @classmethod
    def drawn(cls, count: int, generator: torch.Generator) -> RowNoise:
        """Noise for ``count`` samples, with seeds from a generator."""
        return cls(draw_seeds(count, generator))

    def uniform(self, *shape: int, rows: Tensor | None = None) -> Tensor:
        """(N, *shape) float32 in [0, 1), of 24 bits each; of some rows alone, if given."""
        self._calls += 1
        seeds = self._seeds if rows is None else self._seeds[rows]
        key = _mix(seeds + _wrap(self._calls * _STEP))
        places = torch.arange(torch.Size(shape).numel(), dtype=torch.int32, device=key.device) * _STEP
        bits = _mix(key[:, None] + places)
        return ((bits >> 8) & 0xFFFFFF).float().mul_(2**-24).reshape(-1, *shape)

    def normal(self, *shape: int, rows: Tensor | None = None) -> Tensor:
        """(N, *shape) float32 of mean 0 and deviation 1 (Box and Muller); of some rows alone, if given."""
        count = torch.Size(shape).numel()
        first, second = self.uniform(2, (count + 1) // 2, rows=rows).unbind(1)
        length = (1 - first).log_().mul_(-2).sqrt_()
        turn = second.mul_(2 * torch.pi)
        both = torch.cat((length * turn.cos(), length * turn.sin()), 1)
        return both[:, :count].reshape(-1, *shape)


def draw_seeds(count: int, generator: torch.Generator) -> Tensor:
    """(count,) int64 seeds of samples, on the generator's device."""
    return torch.randint(-(2**31), 2**31, (count,), device=generator.device, generator=generator)


def _mix(x: Tensor) -> Tensor:
    """Hash of 32-bit numbers, in place (the "lowbias32" mixer: every input bit moves every output bit)."""
    x ^= (x >> 16) & 0xFFFF
    x *= 0x7FEB352D
    x ^= (x >> 15) & 0x1FFFF
    x *= _wrap(0x846CA68B)
    x ^= (x >> 16) & 0xFFFF
    return x


def _wrap(number: int) -> int:
    """The number as signed 32 bits."""
    return (number + 2**31) % 2**32 - 2**31
