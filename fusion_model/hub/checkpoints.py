"""Checkpoints: a folder with ``config.json``, ``model.safetensors`` and ``README.md``, here or on the Hugging Face Hub.

Loading is strict: a missing, unknown or mis-shaped tensor is an error that names it. Nothing here reads a pickle.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from fusion_model.config import ModelConfig
from fusion_model.detection.network import PersonDetector
from fusion_model.files import replacing
from fusion_model.fusion import FusionNetwork
from fusion_model.hourglass import StackedHourglass
from fusion_model.hub.config_json import model_config_from_dict
from fusion_model.hub.fetch import Snapshot, fetch

FORMAT = "fusion-pose-checkpoint/3"
DEFAULT = "default"
"""What names the bundled checkpoint, in whatever folder one is."""

CONFIG_FILE, TENSOR_FILE, CARD_FILE = FILES = ("config.json", "model.safetensors", "README.md")

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")
_ENTRIES = {"format", "metrics", *(field.name for field in fields(ModelConfig))}
_ROOT = Path(__file__).parents[1]


def load_checkpoint(source: str | os.PathLike[str]) -> tuple[ModelConfig, dict[str, Tensor]]:
    """Read a checkpoint whose tensors fit its configuration exactly.

    Args:
        source: a folder, a repository on the Hub as ``"user/name"`` or ``"user/name@revision"``, or ``"default"``: the
            bundled checkpoint.

    Returns:
        The configuration, and the tensors under ``hourglass.``, ``fusion.`` and, where the checkpoint has a detector,
        ``detector.``, floating point ones as float32.

    Raises:
        FileNotFoundError: if folder, repository or one of the files is not there.
        ValueError: if a file is damaged, or tensors and configuration do not fit.
    """
    folder = locate_checkpoint(source).folder
    entries = read_entries(folder)
    try:
        config = model_config_from_dict(entries)
    except ValueError as error:
        raise ValueError(f"{folder / CONFIG_FILE} does not fit this version: {error}") from error
    state = read_tensors(folder / TENSOR_FILE)
    check_state(_empty_model(config), state)
    return config, {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()}


def build_networks(config: ModelConfig) -> nn.ModuleDict:
    """The networks of a configuration under the names that their tensors have in a checkpoint, untrained."""
    networks = nn.ModuleDict({"hourglass": StackedHourglass(config.hourglass), "fusion": FusionNetwork(config.fusion)})
    if config.detector is not None:
        networks["detector"] = PersonDetector(config.detector)
    return networks


def read_metrics(source: str | os.PathLike[str]) -> dict[str, Any]:
    """The figures that were stored with a checkpoint, empty if none were; ``source`` as in :func:`load_checkpoint`."""
    return read_entries(locate_checkpoint(source).folder).get("metrics") or {}


def save_checkpoint(
    folder: str | os.PathLike[str],
    config: ModelConfig,
    tensors: Mapping[str, Tensor],
    card: str,
    *,
    dtype: torch.dtype = torch.float16,
    metrics: dict[str, Any] | None = None,
) -> Path:
    """Write a checkpoint; the folder appears complete or not at all, and an older checkpoint stays until then.

    Args:
        folder: the folder to write. An existing one must be empty or a checkpoint: nothing else is replaced.
        config: what the tensors belong to.
        tensors: state of the hourglass under ``hourglass.``, of the fusion network under ``fusion.``, of the detector,
            where the configuration has one, under ``detector.``.
        card: text of ``README.md``.
        dtype: floating point type to store. Single numbers, and tensors that exceed its range, keep their own;
            integers stay integers.
        metrics: JSON-ready figures to store in ``config.json``.

    Returns:
        The folder.

    Raises:
        ValueError: if the tensors do not fit the configuration or are not finite, or the folder holds other files.
    """
    folder = Path(folder).resolve()
    if folder.exists():
        check_replaceable(folder)
    check_state(_empty_model(config), tensors)
    stored = {name: to_stored(name, tensor, dtype) for name, tensor in tensors.items()}
    folder.parent.mkdir(parents=True, exist_ok=True)
    with replacing(folder) as part:
        _write_texts(part, config, card, metrics)
        (part / TENSOR_FILE).write_bytes(save(stored))
    return folder


def update_checkpoint(
    folder: str | os.PathLike[str], config: ModelConfig, card: str, metrics: dict[str, Any] | None = None
) -> None:
    """Replace a checkpoint's configuration, card and figures; its tensors stay byte for byte.

    Raises:
        FileNotFoundError: if the folder is no checkpoint.
        ValueError: if its tensors do not fit the configuration, or it holds other files.
    """
    folder = Path(folder).resolve()
    tensors = _existing(folder / TENSOR_FILE)
    check_replaceable(folder)
    check_state(_empty_model(config), read_tensors(tensors))
    with replacing(folder) as part:
        _write_texts(part, config, card, metrics)
        shutil.copyfile(tensors, part / TENSOR_FILE)


def bundled_checkpoint() -> Path:
    """The folder of the bundled checkpoint: inside the installed package, or in the repository."""
    installed = _ROOT / "bundled" / DEFAULT
    return installed if installed.is_dir() else _ROOT.parent / "assets" / "checkpoints" / DEFAULT


def checkpoint_name(source: str | os.PathLike[str]) -> str:
    """What people are shown: a Hub id as it is, a folder by its own name."""
    return Path(source).name if Path(source).is_dir() else os.fspath(source)


def check_state(module: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Check that tensors fit a module exactly, before any of them is copied.

    Args:
        module: the module to load into.
        state: the tensors.

    Raises:
        ValueError: naming the missing, unexpected, mis-shaped or mistyped tensors.
    """
    expected, found = module.state_dict(), state
    problems = [f"missing: {name} {tuple(expected[name].shape)}" for name in sorted(set(expected) - set(found))]
    problems += [f"unexpected: {name} {tuple(found[name].shape)}" for name in sorted(set(found) - set(expected))]
    for name in sorted(set(found) & set(expected)):
        ours, theirs = expected[name], found[name]
        if ours.shape != theirs.shape:
            problems.append(f"{name} must be {tuple(ours.shape)}, got {tuple(theirs.shape)}")
        elif ours.is_floating_point() != theirs.is_floating_point():
            problems.append(f"{name} must be {ours.dtype}, got {theirs.dtype}")
    if problems:
        shown = "; ".join(problems[:5]) + (f"; and {len(problems) - 5} more" if len(problems) > 5 else "")
        raise ValueError(f"the tensors do not fit the configuration: {shown}")


def locate_checkpoint(source: str | os.PathLike[str], files: Sequence[str] = FILES) -> Snapshot:
    """The local folder of a checkpoint, fetched from the Hub if ``source`` is a repository, or from the local cache.

    ``"default"`` is the bundled checkpoint (``"./default"`` is a folder of that name). An existing folder is that
    folder. Of other sources only text like ``user/name`` or ``user/name@revision`` is looked for on the Hub; where a
    folder ``user`` stands here, only with the revision: else a path was meant.

    Args:
        source: see above.
        files: what is fetched of a repository.

    Returns:
        The folder, and why the Hub could not be asked if it should have been.

    Raises:
        FileNotFoundError: if there is neither such a folder nor such a repository;
            :class:`fusion_model.hub.fetch.HubUnreachableError` if there is no way to reach it.
        ValueError: if ``source`` is a file, or ``"default"`` where a folder of that name is a checkpoint too.
    """
    path = Path(source)
    if os.fspath(source) == DEFAULT:
        bundled = bundled_checkpoint()
        if (path / CONFIG_FILE).is_file() and not path.samefile(bundled):
            raise ValueError(
                f"{DEFAULT!r} names the bundled checkpoint, but a checkpoint lies in the folder ./{DEFAULT} too: write "
                f"'./{DEFAULT}' for that one, or rename it"
            )
        return Snapshot(bundled)
    if path.is_dir():
        return Snapshot(path)
    if path.exists():
        raise ValueError(f"a checkpoint is a folder, but {path} is a file")
    if not isinstance(source, str) or not _HUB_ID.fullmatch(source) or source.startswith((".", "-")):
        raise FileNotFoundError(
            f"there is no checkpoint folder {os.fspath(source)!r}, and it is no Hub id 'user/name'; {DEFAULT!r} is the "
            "bundled model"
        )
    if "@" not in source and Path(source.partition("/")[0]).is_dir():
        raise FileNotFoundError(
            f"there is no checkpoint folder {source!r}; if the Hub repository of that name is meant, "
            f"write {source + '@main'!r}"
        )
    repository, _, revision = source.partition("@")
    return fetch(repository, revision or None, files)


def _existing(path: Path) -> Path:
    """The path of a file that is there, or a clear error."""
    if not path.is_file():
        expected = "expected a folder such as train.fusion leaves in RUN/checkpoint"
        raise FileNotFoundError(f"the checkpoint {path.parent} has no {path.name}: {expected}")
    return path


def read_entries(folder: Path, form: str = FORMAT, known: Collection[str] = frozenset(_ENTRIES)) -> dict[str, Any]:
    """The entries of ``config.json``.

    Args:
        folder: where it lies.
        form: the format that it must have.
        known: names of the entries that it may have.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is damaged, of another format or holds other entries.
    """
    path = _existing(folder / CONFIG_FILE)
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from error
    found = entries.get("format") if isinstance(entries, dict) else None
    if found != form:
        raise ValueError(
            f"{path} must be of format {form!r}, got {found!r}: use the version of fusion-pose that wrote it, or "
            "train or fetch the checkpoint again"
        )
    if unknown := set(entries) - set(known):
        raise ValueError(f"{path} has unknown entries: {', '.join(sorted(unknown))}")
    return entries


def weights_fingerprint(module: nn.Module, dtype: torch.dtype | None = None) -> str:
    """Hash of a network's tensors, wherever they lie.

    Args:
        module: the network.
        dtype: floating point type that they are rounded to before, as :func:`save_checkpoint` does; None: not at all.
    """
    digest = hashlib.blake2b(digest_size=8)
    for name, tensor in sorted(module.state_dict().items()):
        kept = tensor.detach().cpu().contiguous() if dtype is None else to_stored(name, tensor, dtype)
        digest.update(f"{name} {tuple(kept.shape)}".encode())
        digest.update(kept.numpy().tobytes())
    return digest.hexdigest()


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is truncated or no safetensors file.
    """
    try:
        return load_file(_existing(path))
    except SafetensorError as error:
        raise ValueError(
            f"{path} is truncated or no safetensors file ({error}); fetch it again, with 'git lfs pull' in a clone"
        ) from error


def _write_texts(folder: Path, config: ModelConfig, card: str, metrics: dict[str, Any] | None) -> None:
    """Make the folder, with all but the tensors."""
    entries = {"format": FORMAT, **asdict(config), "metrics": metrics or {}}
    folder.mkdir()
    (folder / CONFIG_FILE).write_text(json.dumps(entries, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    (folder / CARD_FILE).write_text(card, encoding="utf-8")


def _empty_model(config: ModelConfig) -> nn.ModuleDict:
    """The networks without memory: names and shapes only."""
    with torch.device("meta"):
        return build_networks(config)


def to_stored(name: str, tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """A copy of the tensor as it is written; ValueError if it is not finite."""
    tensor = tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
    if not tensor.is_floating_point():
        return tensor
    if not tensor.isfinite().all():
        raise ValueError(f"{name} holds numbers that are not finite")
    stored = tensor.to(dtype)
    return tensor if tensor.ndim == 0 or not stored.isfinite().all() else stored


def check_replaceable(folder: Path, files: Collection[str] = FILES) -> None:
    """Refuse to replace what is no folder of these files alone."""
    if not folder.is_dir():
        raise ValueError(f"a checkpoint is a folder, but {folder} is a file")
    if others := sorted({path.name for path in folder.iterdir()} - set(files)):
        raise ValueError(f"{folder} is replaced as a whole but holds other files: {', '.join(others[:5])}")
