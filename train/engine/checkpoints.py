"""States of a run on disk: ``<run>/checkpoints/<step>/`` to continue from, ``<run>/best/`` to use.

Each state holds ``model.safetensors``, the averaged network, and ``training_state.pt``, all that goes on from there.

Whenever a run is cut, the old or the new state is there, never a half.
"""

from __future__ import annotations

import json
import pickle
import shutil
import zipfile
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from fusion_model.files import discard_unfinished, replacing, write_atomically
from fusion_model.hub.checkpoints import CONFIG_FILE, read_tensors

_COMPLETE = "training_state.pt"


def write_state(folder: Path, step: int, state: dict[str, object], module: nn.Module | None = None) -> None:
    """Write ``checkpoints/<step>/``: the training state, and the network to use from there."""
    place = folder / "checkpoints" / f"{step:08d}"
    place.parent.mkdir(parents=True, exist_ok=True)
    with replacing(place) as part:
        part.mkdir()
        if module is not None:
            save_file(_tensors(module), part / "model.safetensors")
        torch.save(state, part / _COMPLETE)


def latest_state(folder: Path) -> Path | None:
    """Folder of the newest complete state, or None."""
    states = sorted(path.parent for path in (folder / "checkpoints").glob(f"[0-9]*[0-9]/{_COMPLETE}"))
    return states[-1] if states else None


def read_state(path: Path, device: torch.device) -> dict[str, Any]:
    """What :func:`write_state` wrote, from the folder that :func:`latest_state` gave; nothing pickled is run."""
    file = path / _COMPLETE
    try:
        if not zipfile.is_zipfile(file):
            raise RuntimeError("it is no archive, or cut off")  # noqa: TRY301 - one message for all that can be wrong
        return torch.load(file, map_location=device, weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(f"{file} is damaged ({reason}): remove {path} to continue from an older state") from error


def prune_states(folder: Path, keep: int) -> None:
    """Remove all but the newest states, and what a cut left half written."""
    for path in sorted((folder / "checkpoints").glob("[0-9]*[0-9]"))[:-keep]:
        shutil.rmtree(path)
    discard_unfinished(folder / "checkpoints")


def write_best(folder: Path, module: nn.Module, figures: dict[str, float]) -> None:
    """Write ``best/model.safetensors`` and ``best/figures.json``."""
    place = folder / "best"
    place.mkdir(parents=True, exist_ok=True)
    discard_unfinished(place)
    with replacing(place / "model.safetensors") as part:
        save_file(_tensors(module), part)
    write_atomically(place / "figures.json", json.dumps(figures, indent=1))


def is_released(folder: Path) -> bool:
    """Whether the run's ``checkpoint/`` was written after its best network; it may have been calibrated since."""
    best, released = folder / "best" / "model.safetensors", folder / "checkpoint" / CONFIG_FILE
    return best.is_file() and released.is_file() and released.stat().st_mtime >= best.stat().st_mtime


def _tensors(module: nn.Module) -> dict[str, torch.Tensor]:
    """What a safetensors file takes."""
    return {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}


def read_weights(path: Path, part: str = "") -> dict[str, torch.Tensor]:
    """Tensors of a run's best network, of a folder with ``model.safetensors``, or of a file.

    Args:
        path: the folder or file.
        part: ``hourglass``, ``fusion`` or ``detector``: the network to read from a file that holds several, as a
            released checkpoint does. Its name is taken off those of the tensors.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged.
    """
    places = (path, path / "best" / "model.safetensors", path / "model.safetensors")
    file = next((place for place in places if place.is_file()), None)
    if file is None:
        expected = "expected a run's folder with best/model.safetensors, or a safetensors file"
        raise FileNotFoundError(f"{path} not found: {expected}")
    tensors = read_tensors(file)
    prefix = f"{part}."
    own = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    return own or tensors
