"""One fusion network of each way of merging, trained alike on one hourglass: a folder, here or on the Hugging Face Hub.

It holds ``config.json`` and, for each of :data:`COMPARED`, a safetensors file named after it. The networks read what
one hourglass says, so the folder has that hourglass's hash, and is refused beside another.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import nn

from fusion_model.estimator import PoseEstimator
from fusion_model.files import replacing
from fusion_model.fusion import FusionNetwork
from fusion_model.hub.checkpoints import (
    CONFIG_FILE,
    bundled_checkpoint,
    check_replaceable,
    check_state,
    locate_checkpoint,
    read_entries,
    read_tensors,
    to_stored,
    weights_fingerprint,
)
from fusion_model.hub.config_json import fusion_config_from_dict

FORMAT = "fusion-pose-strategies/1"
COMPARED = ("image-only", "maps-only", "early", "late", "trainable")
"""The strategies of the networks, one of each (Table 5 of the paper)."""

_FILES = (CONFIG_FILE, *(f"{name}.safetensors" for name in COMPARED))
_ENTRIES = ("format", "hourglass", "networks", "figures")


class OtherHourglassError(ValueError):
    """The networks were trained on another hourglass than the estimator's."""


def bundled_strategies() -> Path:
    """The folder of the networks that belong to the bundled checkpoint; it need not be there."""
    return bundled_checkpoint().with_name("strategies")


def save_strategies(
    folder: str | os.PathLike[str],
    networks: Mapping[str, FusionNetwork],
    hourglass: nn.Module,
    figures: Mapping[str, Mapping[str, float]] | None = None,
) -> Path:
    """Write the networks in float16; the folder appears complete or not at all.

    Args:
        folder: the folder to write. An existing one must be empty or one of networks: nothing else is replaced.
        networks: one of each of :data:`COMPARED`, by its name; ``trainable`` pruned, or it takes more than it needs.
        hourglass: that they were trained on, in any precision.
        figures: measured ones of each network, by its name, JSON-ready.

    Returns:
        The folder.

    Raises:
        ValueError: if a network is missing, of another strategy than its name or not finite, or the folder holds other
            files.
    """
    folder = Path(folder).resolve()
    if folder.exists():
        check_replaceable(folder, _FILES)
    strategies = {name: network.config.strategy for name, network in networks.items()}
    if strategies != {name: name for name in COMPARED}:
        raise ValueError(f"one network of each of {', '.join(COMPARED)} is needed, got {strategies}")
    entries = {
        "format": FORMAT,
        "hourglass": _fingerprint(hourglass),
        "networks": {name: dataclasses.asdict(networks[name].config) for name in COMPARED},
        "figures": {name: dict(values) for name, values in (figures or {}).items()},
    }
    stored = {
        name: {key: to_stored(key, tensor, torch.float16) for key, tensor in networks[name].state_dict().items()}
        for name in COMPARED
    }
    folder.parent.mkdir(parents=True, exist_ok=True)
    with replacing(folder) as part:
        part.mkdir()
        (part / CONFIG_FILE).write_text(json.dumps(entries, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        for name, tensors in stored.items():
            (part / f"{name}.safetensors").write_bytes(save(tensors))
    return folder


def load_strategies(source: str | os.PathLike[str], estimator: PoseEstimator) -> dict[str, FusionNetwork]:
    """Read the networks that belong to an estimator's hourglass.

    Args:
        source: a folder, such as ``"assets/checkpoints/strategies"``, or a repository on the Hub as ``"user/name"`` or
            ``"user/name@revision"``.
        estimator: beside which they are to run.

    Returns:
        The networks by the names of :data:`COMPARED`, in that order, in evaluation mode, on the estimator's device.

    Raises:
        FileNotFoundError: if folder, repository or one of the files is not there.
        OtherHourglassError: if they were trained on another hourglass.
        ValueError: if a file is damaged, tensors and configuration do not fit, or the estimator has other joints.
    """
    folder = locate_checkpoint(source, _FILES).folder
    entries = read_entries(folder, FORMAT, _ENTRIES)
    found, own = entries.get("hourglass"), _fingerprint(estimator.hourglass)
    if found != own:
        raise OtherHourglassError(
            f"the networks in {folder} belong to the hourglass {found}, but {estimator.name} has {own}: load the "
            "checkpoint that they were trained on, or train them on this one with 'python -m train.ablate'"
        )
    return {name: _network(folder, entries, name, estimator) for name in COMPARED}


def strategy_figures(source: str | os.PathLike[str]) -> dict[str, dict[str, float]]:
    """The figures that were stored with the networks, by their names; ``source`` as in :func:`load_strategies`."""
    return read_entries(locate_checkpoint(source, _FILES).folder, FORMAT, _ENTRIES).get("figures") or {}


def _fingerprint(hourglass: nn.Module) -> str:
    """Hash of what a checkpoint stores of the hourglass."""
    return weights_fingerprint(hourglass, torch.float16)


def _network(folder: Path, entries: Mapping[str, Any], name: str, estimator: PoseEstimator) -> FusionNetwork:
    """One network, checked against its name, its tensors and the estimator."""
    configs, ours = entries.get("networks"), estimator.config
    try:
        config = fusion_config_from_dict(configs.get(name) if isinstance(configs, dict) else {}, name)
        dataclasses.replace(ours, fusion=config)  # refuses other maps and features than the hourglass makes
        if (config.strategy, config.skeleton) != (name, ours.fusion.skeleton):
            raise ValueError(  # noqa: TRY301 - as for all that is wrong in this file
                f"{name} must be of that strategy with the joints {ours.fusion.skeleton}, "
                f"got {config.strategy} with {config.skeleton}"
            )
    except ValueError as error:
        raise ValueError(f"{folder / CONFIG_FILE} does not fit: {error}") from error
    file = folder / f"{name}.safetensors"
    state = read_tensors(file)
    with torch.device("meta"):
        empty = FusionNetwork(config)
    try:
        check_state(empty, state)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error
    network = FusionNetwork(config)
    network.load_state_dict(state)
    return network.eval().to(estimator.predictor.device, memory_format=torch.channels_last)
