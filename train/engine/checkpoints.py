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
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from fusion_model.files import discard_unfinished, replacing, write_atomically
from fusion_model.hub.checkpoints import CONFIG_FILE, read_tensors
from train.engine.run_files import unless_full

_COMPLETE = "training_state.pt"
_KEPT = 2  # newest states


def write_state(folder: Path, step: int, state: dict[str, object], module: nn.Module) -> None:
    """Write ``checkpoints/<step>/``, the training state and the network to use from there; old states go."""
    states = folder / "checkpoints"
    states.mkdir(parents=True, exist_ok=True)
    place = states / f"{step:08d}"
    with unless_full(place, RuntimeError, SafetensorError), replacing(place) as part:
        part.mkdir()
        save_file(_tensors(module), part / "model.safetensors")
        torch.save(state, part / _COMPLETE)
    for path in sorted(states.glob("[0-9]*[0-9]"))[:-_KEPT]:
        shutil.rmtree(path)
    discard_unfinished(states)


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


def write_best(folder: Path, module: nn.Module, figures: dict[str, float]) -> None:
    """Write ``best/model.safetensors`` and ``best/figures.json``."""
    place = folder / "best"
    place.mkdir(parents=True, exist_ok=True)
    discard_unfinished(place)
    with unless_full(place, SafetensorError), replacing(place / "model.safetensors") as part:
        save_file(_tensors(module), part)
    write_atomically(place / "figures.json", json.dumps(figures, indent=1))


def is_released(folder: Path) -> bool:
    """Whether the run's ``checkpoint/`` was written after its best network; it may have been calibrated since."""
    best, released = folder / "best" / "model.safetensors", folder / "checkpoint" / CONFIG_FILE
    return best.is_file() and released.is_file() and released.stat().st_mtime >= best.stat().st_mtime


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    """What a safetensors file takes."""
    return {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}


def read_weights(path: Path, part: str = "") -> dict[str, Tensor]:
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


def load_matching(module: nn.Module, tensors: dict[str, Tensor]) -> list[str]:
    """Copy the tensors whose name and shape fit; return the names of those skipped on either side."""
    own = module.state_dict()
    fitting = {name: tensor for name, tensor in tensors.items() if name in own and own[name].shape == tensor.shape}
    module.load_state_dict(fitting, strict=False)
    return sorted((own.keys() | tensors.keys()) - fitting.keys())


def warm_start(module: nn.Module, path: Path, part: str = "") -> str:
    """Start a network from the weights that :func:`read_weights` reads; return a sentence that names what was skipped.

    Raises:
        ValueError: if nothing fits.
    """
    skipped, own = load_matching(module, read_weights(path, part)), module.state_dict()
    taken = sum(name not in skipped for name in own)
    if not taken:
        raise ValueError(f"{path}: no tensor fits this network, by name and shape")
    return f"warm start from {path}: {taken} of {len(own)} tensors; skipped: {', '.join(skipped) or 'nothing'}"
