"""The banks of a fusion run: training and validation views with the hourglass's maps, kept on disk where asked for.

Views and maps are fixed once drawn, so a cache serves every run on the same data, hourglass, sizes and seed. It is two
safetensors files, mapped into memory when read; several runs on one machine share that memory.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch
from accelerate import PartialState
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from train.data.people import People
from train.data.source import SYNTHETIC
from train.data.sources import data_fingerprint, find_people
from train.engine.precision import bf16_is_fast
from train.engine.settings import SINCE
from train.fusion_stage.map_errors import measure_errors
from train.fusion_stage.pose_pairs import pair_samples
from train.fusion_stage.samples import FusionSamples, build_samples
from train.synthesis.body import load_body
from train.synthesis.motion.poses import PoseLibrary
from train.synthesis.pairs import PairSampler

_FORMAT = "fusion-pose-bank/1"
_ORDER = 1  # of the views: raised when the same seed comes to give others
_SINCE = {"action": "", "augment": SINCE["augment"]}  # left out, so that caches of former versions count
_COLUMNS = [field.name for field in fields(FusionSamples)]


@dataclass(frozen=True)
class SampleSettings:
    """What decides which views the banks hold, besides data and hourglass.

    Attributes:
        size: side of the hourglass's crop in pixels.
        margin: of the crops.
        fusion_size: input size of the fusion network in pixels.
        views: random views of each training person.
        seed: of the views.
        pairs: rows without a picture, drawn from poses alone.
        people: training people at most, spread evenly over the data; None for all.
        stack: which hourglass's maps are taken, 0 for the first of the stack, -1 for the last.
        action: only people of that action; empty for everybody.
        augment: how far the views vary.
    """

    size: int
    margin: float
    fusion_size: int
    views: int
    seed: int = 0
    pairs: int = 0
    people: int | None = None
    stack: int = -1
    action: str = ""
    augment: str = "wide"


@dataclass
class FusionData:
    """Views to train on, one plain view of every validation person, and the names of the rows' sources."""

    training: FusionSamples
    held_out: FusionSamples
    names: tuple[str, ...]


def make_samples(
    data: Path, settings: SampleSettings, hourglass: nn.Module, device: torch.device, cache: Path | None = None
) -> FusionData:
    """Build the banks, or read them from a cache that holds just these.

    Args:
        data: folder of data sets, or a pack.
        settings: see :class:`SampleSettings`.
        hourglass: in evaluation mode; moved to ``device``.
        device: where the views are drawn and the banks lie.
        cache: folder to keep them in. What it holds of other data, hourglass or settings is replaced.
    """
    if cache is None:
        return _build(data, settings, hourglass, device)
    mark = samples_fingerprint(data, settings, hourglass, device)
    with PartialState().main_process_first():
        banks = _read(cache, mark)
        if banks is None:
            _write(cache, mark, _build(data, settings, hourglass, device))
            banks = _read(cache, mark)
    if banks is None:
        raise ValueError(f"{cache} does not hold what was just written there: does another run write into it?")
    return FusionData(_on(banks.training, device), _on(banks.held_out, device), banks.names)


def samples_fingerprint(data: Path, settings: SampleSettings, hourglass: nn.Module, device: torch.device) -> str:
    """Hash of everything that the content of the banks follows from."""
    digest = hashlib.blake2b(digest_size=16)
    where = device.type if bf16_is_fast(device.type) else f"{device.type}, float32"  # former versions had bfloat16
    chosen = {name: value for name, value in asdict(settings).items() if value != _SINCE.get(name)}
    digest.update(json.dumps([_ORDER, chosen, where, data_fingerprint(data)]).encode())
    for name, tensor in sorted(hourglass.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _build(data: Path, settings: SampleSettings, hourglass: nn.Module, device: torch.device) -> FusionData:
    """Look at all people through the hourglass."""
    people, watched = (find_people(data, validation=part, action=settings.action) for part in (False, True))
    if settings.people and settings.people < len(people):
        people = people.take(torch.linspace(0, len(people) - 1, settings.people).round().long())
    people, watched = people.to(device), watched.to(device)
    hourglass.to(device)
    shape = (settings.size, settings.margin, settings.fusion_size)
    held_out = build_samples(watched, hourglass, *shape, 1, None, stack=settings.stack)
    generator = torch.Generator(device).manual_seed(settings.seed)
    views = settings.views, generator
    training = build_samples(people, hourglass, *shape, *views, stack=settings.stack, augment=settings.augment)
    if not settings.pairs:
        return FusionData(training, held_out, people.names)
    pairs = _pairs(watched, hourglass, settings)
    return FusionData(training.joined(pairs), held_out, (*people.names, SYNTHETIC))


def _pairs(people: People, hourglass: nn.Module, settings: SampleSettings) -> FusionSamples:
    """Rows from poses alone, with maps that err as the hourglass does on these people, photos if there are any."""
    photos = torch.tensor([people.names[k] != SYNTHETIC for k in people.source.tolist()])
    watched = people.take(photos) if photos.any() else people
    errors = measure_errors(hourglass, watched, settings.size, settings.margin)
    sampler = PairSampler(load_body(), PoseLibrary(), "train", settings.size, settings.margin)
    source = len(people.names)
    return pair_samples(sampler, errors, settings.pairs, settings.size, settings.fusion_size, source, settings.seed)


def _files(cache: Path) -> tuple[Path, Path]:
    """Where the two banks lie."""
    return cache / "training.safetensors", cache / "validation.safetensors"


def _write(cache: Path, mark: str, banks: FusionData) -> None:
    """Write both files, each complete or not at all."""
    cache.mkdir(parents=True, exist_ok=True)
    note = {_FORMAT: json.dumps({"mark": mark, "names": banks.names})}
    for file, bank in zip(_files(cache), (banks.training, banks.held_out), strict=True):
        part = file.with_suffix(".part")
        save_file({name: getattr(bank, name).cpu().contiguous() for name in _COLUMNS}, part, note)
        part.replace(file)


def _read(cache: Path, mark: str) -> FusionData | None:
    """What was written with that mark; None, and a line that says why, where it was not."""
    found, names = [], ()
    for file in _files(cache):
        if not file.is_file():
            return None
        try:
            with safe_open(file, "pt") as content:
                note = json.loads((content.metadata() or {}).get(_FORMAT, "{}"))
                if note.get("mark") != mark:
                    print(f"{file} is of other data, another hourglass or other settings: built anew")
                    return None
                found.append(FusionSamples(*(content.get_tensor(name) for name in _COLUMNS)))
        except SafetensorError as error:
            print(f"{file} is damaged ({error}): built anew")
            return None
        names = tuple(note["names"])
    return FusionData(*found, names)


def _on(bank: FusionSamples, device: torch.device) -> FusionSamples:
    """The same bank on a device."""
    return FusionSamples(*(getattr(bank, name).to(device) for name in _COLUMNS))
