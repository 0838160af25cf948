"""The hourglass's own faults, put into the maps of a batch: it makes fewer of them on the people that it trained on.

Rates are those of the released hourglass on 1,661 validation people in the true box: 7 % of the joints lie off by more
than a quarter of the torso, half of these by more than 0.47; of 1,396 people with twelve joints or more 4 % have one
pair of joints exchanged, 2.5 % two or three, 1 % more; 2 to 8 % of the sided joints lie on the other side while that
joint is there too. A peak below 0.1 is rare (0.1 %); one map in a hundred is blanked all the same, as an occluded joint
may leave none in another photo.
"""

from __future__ import annotations

import torch
from torch import Tensor

from fusion_model.skeletons import MPII_16
from train.engine.seeds import RowNoise

_BLANKED, _SHIFTED, _DOUBLED = 0.01, 0.07, 0.05  # of the joints
_PAIR, _LIMB, _BODY = 0.04, 0.025, 0.01  # of the people
_FARTHEST = 0.12  # of the crop's side: half a thigh of a standing person who fills it with a margin of 1.25
_MIRROR = torch.tensor(MPII_16.mirror)
_SELF = torch.arange(len(MPII_16))
_SIDED = _SELF != _MIRROR


def _group(*names: str) -> list[int]:
    """Where both sides of joints stand."""
    return [MPII_16.index(f"{side}_{name}") for name in names for side in ("left", "right")]


_PAIRS = [_group(name) for name in ("ankle", "knee", "hip", "wrist", "elbow", "shoulder")]
_LIMBS = [_group("ankle", "knee", "hip"), _group("wrist", "elbow", "shoulder")]


def with_faults(maps: Tensor, noise: RowNoise, rate: Tensor) -> Tensor:
    """Maps in which joints are blanked, shifted, doubled on the other side, or exchanged left for right.

    Args:
        maps: (N, 16, S, S).
        noise: of the N rows.
        rate: (N,) factor on the measured rates, 0 for rows to leave as they are.

    Returns:
        (N, 16, S, S).
    """
    joints, size = maps.shape[1], maps.shape[-1]
    rate, choice = rate[:, None], noise.uniform(joints)
    edges = [rate * sum((_BLANKED, _SHIFTED, _DOUBLED)[:count]) for count in (1, 2, 3)]
    blanked, shifted = choice < edges[0], (choice >= edges[0]) & (choice < edges[1])
    doubled = (choice >= edges[1]) & (choice < edges[2]) & _SIDED.to(maps.device)
    order = torch.where(
        _exchanged(noise, rate) ^ doubled, _MIRROR.to(maps.device), torch.arange(joints).to(maps.device)
    )
    maps = maps.gather(1, order[..., None, None].expand_as(maps))
    steps = ((2 * noise.uniform(joints, 2) - 1) * _FARTHEST * size).round().long() * shifted[..., None]
    return _moved(maps, steps) * ~blanked[..., None, None]


def _exchanged(noise: RowNoise, rate: Tensor) -> Tensor:
    """(N, 16) bool: joints that change sides, as one pair, one limb or the whole body."""
    what, which = noise.uniform(1), noise.uniform(1)
    out = torch.zeros(len(what), len(MPII_16), dtype=torch.bool, device=what.device)
    low = torch.zeros_like(rate)
    for fraction, groups in ((_PAIR, _PAIRS), (_LIMB, _LIMBS), (_BODY, [_LIMBS[0] + _LIMBS[1]])):
        high = low + rate * fraction
        hit = (what >= low) & (what < high)
        for number, group in enumerate(groups):
            mine = hit & ((which * len(groups)).long() == number)
            out[:, group] |= mine
        low = high
    return out


def _moved(maps: Tensor, steps: Tensor) -> Tensor:
    """Maps (N, 16, S, S) moved by whole pixels (N, 16, 2) right and down, 0 where nothing came from."""
    size = maps.shape[-1]
    axis = torch.arange(size, device=maps.device)
    columns, rows = (axis - steps[..., k, None] for k in (0, 1))  # (N, 16, S) where each pixel comes from
    inside = ((rows >= 0) & (rows < size))[..., :, None] & ((columns >= 0) & (columns < size))[..., None, :]
    taken = maps.gather(2, rows.clamp(0, size - 1)[..., :, None].expand_as(maps))
    return taken.gather(3, columns.clamp(0, size - 1)[..., None, :].expand_as(maps)) * inside
