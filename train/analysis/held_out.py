"""The validation people that a run is analysed on, and what its networks make of them."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from fusion_model.config import ModelConfig
from fusion_model.fusion import FusionNetwork
from fusion_model.heatmaps import decode_smoothed, to_crop_coordinates
from fusion_model.hourglass import StackedHourglass
from fusion_model.hub.checkpoints import CONFIG_FILE, build_networks, check_state, load_checkpoint
from train.data.augment import plain_crops
from train.data.people import People, decode_people
from train.data.source import SYNTHETIC
from train.data.sources import find_sources
from train.engine.checkpoints import read_weights
from train.fusion_stage.samples import FusionSamples, SampleSettings, build_samples, joined_parts
from train.fusion_stage.training import predict

_STORED = 256  # pixels of a photo as it is decoded
_AT_ONCE = 128  # photos in memory


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
    """FileNotFoundError where there is no run, ValueError where there is a checkpoint."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} not found: expected the folder of a run of train.fusion")
    if (folder / CONFIG_FILE).is_file():
        raise ValueError(f"{folder} is a checkpoint: expected the folder of a run of train.fusion, with its mixing.csv")


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
    if not (checkpoint / CONFIG_FILE).is_file():
        raise FileNotFoundError(
            f"{checkpoint} not found: the run is not finished, start train.fusion again with the same settings"
        )
    return checkpoint


def identity(folder: Path) -> str:
    """Short hash of the run's best weights, which tells its analysis from another's; empty while there are none."""
    path = folder / "best" / "model.safetensors"
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else ""


class HeldOut:
    """Validation people with known 3D.

    Args:
        data: folder of data sets.
        run: whose networks are run on them.

    Raises:
        FileNotFoundError: if the folder has no data set.
        ValueError: if no person is for validation and has a 3D pose.
    """

    def __init__(self, data: Path, run: FusionRun) -> None:
        self._sources, self.run = find_sources(data), run
        self._device = next(run.hourglass.parameters()).device
        known = [s.validation & (s.pose_weight.sum(1) > 0) for s in self._sources]
        self.places = [(number, int(row)) for number, rows in enumerate(known) for row in np.flatnonzero(rows)]
        if not self.places:
            raise ValueError(f"{data} has no validation people with a 3D pose: see docs/data.md")
        self.rendered = np.array([self._sources[number].name == SYNTHETIC for number, _ in self.places])

    def __len__(self) -> int:
        """Number of people."""
        return len(self.places)

    @property
    def kinds(self) -> dict[str, np.ndarray]:
        """Rows (M,) of the photos and of the rendered people, as far as there are any."""
        kinds = {"photos": np.flatnonzero(~self.rendered), "rendered": np.flatnonzero(self.rendered)}
        return {name: rows for name, rows in kinds.items() if len(rows)}

    @cached_property
    def samples(self) -> FusionSamples:
        """Inputs and poses of all; photos are decoded a few at a time."""
        settings, hourglass = SampleSettings.of(self.run.config), self.run.hourglass
        starts = tqdm(range(0, len(self), _AT_ONCE), desc="hourglass on validation people", unit="batch")
        people = (self._people(range(start, min(start + _AT_ONCE, len(self)))) for start in starts)
        parts = (build_samples(part, hourglass, settings, progress=False) for part in people)
        return joined_parts((tuple(part.columns.values()) for part in parts), len(self))

    @cached_property
    def truth(self) -> np.ndarray:
        """(N, 17, 3) mm."""
        return self.samples.pose.cpu().numpy()

    @cached_property
    def released(self) -> np.ndarray:
        """(N, 17, 3) mm by the released network."""
        return predict(self.run.released, self.samples)

    def _people(self, rows: range | np.ndarray) -> People:
        places = [self.places[row] for row in rows]
        return decode_people(self._sources, places, _STORED, progress=False).to(self._device)

    def crops(self, rows: np.ndarray, side: int) -> list[np.ndarray]:
        """Crops (N, side, side, 3) uint8 of people, maps (N, 16, M, M), joints (N, 16, 2) and peaks (N, 16)."""
        config, people = self.run.config, self._people(rows)
        size, margin = config.hourglass.input_size, config.crop.margin
        images, _ = plain_crops(people, size, margin)
        with torch.inference_mode():
            maps = self.run.hourglass(images.contiguous(memory_format=torch.channels_last))[-1].float()
        places, peaks = decode_smoothed(maps)
        points = (to_crop_coordinates(places) + 0.5) * side / size - 0.5
        shown = plain_crops(people, side, margin)[0]
        pixels = (shown.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1)
        return [values.cpu().numpy() for values in (pixels, maps, points, peaks)]
