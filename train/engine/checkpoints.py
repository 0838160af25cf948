"""States of a run on disk: ``<run>/checkpoints/<step>/`` to continue from, ``<run>/best/`` to use.

Everything is written beside its place and renamed, so that a cut leaves the old or the new state, never a half.
"""

from __future__ import annotations

import json
import pickle
import shutil
import zipfile
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

_COMPLETE = "training_state.pt"


def write_state(folder: Path, step: int, state: dict[str, object]) -> None:
    """Write ``checkpoints/<step>/training_state.pt``."""
    place = folder / "checkpoints" / f"{step:08d}"
    part = place.with_name(place.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    torch.save(state, part / _COMPLETE)
    shutil.rmtree(place, ignore_errors=True)
    part.rename(place)


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
        msg = f"{file} is damaged ({reason}): remove {path} to continue from an older state"
        raise ValueError(msg) from error


def prune_states(folder: Path, keep: int) -> None:
    """Remove all but the newest states."""
    for path in sorted((folder / "checkpoints").glob("[0-9]*[0-9]"))[:-keep]:
        shutil.rmtree(path)


def write_best(folder: Path, module: nn.Module, figures: dict[str, float]) -> None:
    """Write ``best/model.safetensors`` and ``best/figures.json``."""
    place = folder / "best"
    place.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}
    save_file(tensors, place / "model.safetensors.part")
    (place / "model.safetensors.part").replace(place / "model.safetensors")
    (place / "figures.json").write_text(json.dumps(figures, indent=1), encoding="utf-8")


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Tensors of a run's best network, or of a safetensors file; ValueError if the file is damaged."""
    file = path / "best" / "model.safetensors" if path.is_dir() else path
    if not file.is_file():
        msg = f"{file} not found: expected a run's folder with best/model.safetensors, or a safetensors file"
        raise FileNotFoundError(msg)
    try:
        return load_file(file)
    except SafetensorError as error:
        msg = f"{file} is damaged or no safetensors file ({error})"
        raise ValueError(msg) from error
