"""The data of a fusion run: crops of its people with the maps of a hourglass.

They are fixed once drawn, so that one copy on disk serves every run that asks for just these: two safetensors files,
mapped into memory when read; several runs on one machine share that memory.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, fields
from pathlib import Path

import torch
from accelerate import PartialState
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from fusion_model.files import discard_unfinished, replacing
from fusion_model.hub.checkpoints import weights_fingerprint
from train.data.sources import data_fingerprint, find_people
from train.engine.machine import bf16_is_fast
from train.fusion_stage.samples import FusionData, FusionSamples, SampleSettings, build_samples

_FORMAT = "fusion-pose-samples/3"
_PARTS = ("training", "held_out")
_COLUMNS = [field.name for field in fields(FusionSamples)]


def fusion_data(
    data: Path, settings: SampleSettings, hourglass: nn.Module, device: torch.device, cache: Path | None = None
) -> FusionData:
    """Build the samples, or read them from a cache that holds just these.

    Args:
        data: folder of data sets, or a pack.
        settings: see :class:`SampleSettings`.
        hourglass: in evaluation mode; moved to ``device``.
        device: where the crops are drawn and the samples lie.
        cache: folder to keep them in. What it holds of other data, hourglass or settings is replaced.
    """
    if cache is None:
        return _build(data, settings, hourglass, device)
    fingerprint = fusion_fingerprint(data, settings, hourglass, device)
    with PartialState().main_process_first():
        found = _read(cache, fingerprint)
        if found is None:
            _write(cache, fingerprint, _build(data, settings, hourglass, device))
            found = _read(cache, fingerprint)
    if found is None:
        raise ValueError(f"{cache} does not hold what was just written there: does another run write into it?")
    return FusionData(found.training.to(device), found.held_out.to(device), found.names)


def fusion_fingerprint(data: Path, settings: SampleSettings, hourglass: nn.Module, device: torch.device) -> str:
    """Fingerprint of everything that the samples follow from."""
    precision = "bfloat16" if bf16_is_fast(device.type) else "float32"
    parts = [asdict(settings), device.type, precision, data_fingerprint(data), weights_fingerprint(hourglass)]
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()


def _write(cache: Path, fingerprint: str, data: FusionData) -> None:
    """Replace what is there; each file is written as a whole or not at all."""
    cache.mkdir(parents=True, exist_ok=True)
    discard_unfinished(cache)
    header = {_FORMAT: json.dumps({"fingerprint": fingerprint, "names": data.names})}
    for part in _PARTS:
        columns = getattr(data, part).columns
        with replacing(cache / f"{part}.safetensors") as file:
            save_file({name: column.cpu().contiguous() for name, column in columns.items()}, file, header)


def _read(cache: Path, fingerprint: str) -> FusionData | None:
    """What was written under that fingerprint; None, and a line that says so, where files hold something else."""
    found, header = [], {}
    for file in (cache / f"{part}.safetensors" for part in _PARTS):
        if not file.is_file():
            return None
        try:
            with safe_open(file, "pt") as content:
                header = json.loads((content.metadata() or {}).get(_FORMAT, "{}"))
                if same := header.get("fingerprint") == fingerprint:
                    found.append(FusionSamples(*(content.get_tensor(name) for name in _COLUMNS)))
        except SafetensorError:
            same = False
        if not same:
            print(f"{file} is damaged, or of other data, another hourglass or other settings: built anew")
            return None
    return FusionData(*found, tuple(header["names"]))


def _build(data: Path, settings: SampleSettings, hourglass: nn.Module, device: torch.device) -> FusionData:
    people, validation = (find_people(data, validation=part, action=settings.action) for part in (False, True))
    if settings.people and settings.people < len(people):
        people = people.take(torch.linspace(0, len(people) - 1, settings.people).round().long())
    people, validation = people.to(device), validation.to(device)
    hourglass.to(device)
    held_out = build_samples(validation, hourglass, settings)
    training = build_samples(people, hourglass, settings, torch.Generator(device).manual_seed(settings.seed))
    return FusionData(training, held_out, people.names)
