"""A finished run of ``train.fusion``: its networks before and after pruning."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch

from fusion_model.config import ModelConfig
from fusion_model.fusion import FusionNetwork
from fusion_model.hourglass import StackedHourglass
from fusion_model.hub.checkpoints import build_networks, check_state, load_checkpoint
from train.engine.checkpoints import read_weights


class NothingToShowError(Exception):
    """A part that has no meaning for this run; the message says why."""


@dataclass(frozen=True)
class FusionRun:
    """Networks in evaluation mode, all on one device.

    Attributes:
        config: of the released checkpoint.
        hourglass: makes the maps.
        full: the run's best network, with every layer that its strategy builds.
        released: the checkpoint's network, pruned where there was something to prune.
    """

    config: ModelConfig
    hourglass: StackedHourglass
    full: FusionNetwork
    released: FusionNetwork


def check_run(folder: Path) -> None:
    """FileNotFoundError where there is no run."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} not found: expected the folder of a run of train.fusion")


def read_run(folder: Path, device: torch.device) -> FusionRun:
    """The networks of a finished run.

    Raises:
        FileNotFoundError: if the run is not there or not finished.
        ValueError: if its files are damaged or do not fit together.
    """
    checkpoint = released_checkpoint(folder)
    config, tensors = load_checkpoint(checkpoint)
    networks = build_networks(config)
    networks.load_state_dict(tensors)
    full = FusionNetwork(dataclasses.replace(config.fusion, merge_after=None))
    weights = read_weights(folder)
    check_state(full, weights)
    full.load_state_dict(weights)
    hourglass = networks["hourglass"].to(memory_format=torch.channels_last)
    networks = (hourglass, full, networks["fusion"])
    return FusionRun(config, *(network.eval().to(device) for network in networks))


def released_checkpoint(folder: Path) -> Path:
    """The folder that a run writes at its end; FileNotFoundError if it is not there."""
    checkpoint = folder / "checkpoint"
    if not (checkpoint / "config.json").is_file():
        raise FileNotFoundError(
            f"{checkpoint} not found: the run is not finished, start train.fusion again with the same settings"
        )
    return checkpoint


def identity(folder: Path) -> str:
    """Short hash of the run's best weights, which tells its analysis from another's; empty while there are none."""
    path = folder / "best" / "model.safetensors"
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else ""
