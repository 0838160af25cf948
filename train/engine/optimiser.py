"""Which parameters decay, how weights are averaged, and how a network starts from another's weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from train.engine.checkpoints import read_weights

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


def make_optimiser(module: nn.Module, learning_rate: float, weight_decay: float) -> torch.optim.AdamW:
    """AdamW: weights decay; biases, norms and the mixing parameters do not."""
    matrices = [p for p in module.parameters() if p.ndim > 1]
    vectors = [p for name, p in module.named_parameters() if p.ndim <= 1 and not _is_mixing(name)]
    mixing = [p for name, p in module.named_parameters() if p.ndim <= 1 and _is_mixing(name)]
    groups: list[dict[str, object]] = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    if mixing:
        # Adam moves each by the rate a step at most, and alpha has a way of its own to go until the weights are sharp.
        groups.append({"params": mixing, "weight_decay": 0.0, "factor": 25.0})
    return torch.optim.AdamW(groups, lr=learning_rate, fused=True)


def _is_mixing(name: str) -> bool:
    """Whether a parameter is alpha, beta or a free w_l."""
    return name.rpartition(".")[2] in ("alpha", "beta", "free_weights")


def moving_average(decay: float) -> Callable[[list[Tensor], list[Tensor], Tensor | int], None]:
    """Exponential moving average whose memory grows with the run, so that the start is soon forgotten."""

    def update(averaged: list[Tensor], current: list[Tensor], count: Tensor | int) -> None:
        weight = 1 - min(decay, (1 + int(count)) / (10 + int(count)))
        if averaged[0].is_floating_point():
            torch._foreach_lerp_(averaged, current, weight)
        else:
            torch._foreach_copy_(averaged, current)

    return update


def freeze_norms(module: nn.Module) -> None:
    """Let every batch normalisation use the statistics it has, until the module is set to train again."""
    for part in module.modules():
        if isinstance(part, _NORMS):
            part.eval()


def load_matching(module: nn.Module, tensors: dict[str, Tensor]) -> list[str]:
    """Warm-start: copy the tensors whose name and shape fit; return the names of those skipped."""
    own = module.state_dict()
    fitting = {name: tensor for name, tensor in tensors.items() if name in own and own[name].shape == tensor.shape}
    module.load_state_dict(fitting, strict=False)
    return sorted((set(own) | set(tensors)) - set(fitting))


def warm_start(module: nn.Module, path: Path, part: str = "") -> str:
    """Copy what fits; return a sentence that names what was skipped.

    Args:
        module: the network to start.
        path: a run's or checkpoint's folder, or a safetensors file.
        part: see :func:`train.engine.checkpoints.read_weights`.

    Raises:
        ValueError: if nothing fits.
    """
    tensors, own = read_weights(path, part), module.state_dict()
    skipped = load_matching(module, tensors)
    taken = len(own) - sum(name in own for name in skipped)
    shapes = [
        f"{name} {tuple(tensors[name].shape)} for {tuple(own[name].shape)}"
        for name in skipped
        if name in own and name in tensors
    ]
    kinds = {
        "of another shape": shapes,
        "missing there": [name for name in skipped if name not in tensors],
        "unknown here": [name for name in skipped if name not in own],
    }
    words = [f"{len(names)} {kind} ({', '.join(names)})" for kind, names in kinds.items() if names]
    if not taken:
        raise ValueError(f"{path}: no tensor fits this network: {'; '.join(words)}")
    return f"warm start from {path}: {taken} of {len(own)} tensors; skipped: {'; '.join(words) or 'nothing'}"
