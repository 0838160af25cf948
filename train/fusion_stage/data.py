"""The data of a fusion run: crops of its people with the maps of a hourglass, built or taken from a cache."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from accelerate import PartialState
from torch import nn

from train.data.people import People
from train.data.source import SYNTHETIC
from train.data.sources import data_fingerprint, find_people
from train.engine.checkpoints import weights_fingerprint
from train.engine.precision import bf16_is_fast
from train.fusion_stage.cache import FusionCache
from train.fusion_stage.joined_poses import with_joined_poses
from train.fusion_stage.map_errors import measure_errors
from train.fusion_stage.pose_pairs import pair_samples
from train.fusion_stage.samples import FusionData, FusionSamples, build_samples
from train.synthesis.body import load_body
from train.synthesis.motion.poses import PoseLibrary
from train.synthesis.pairs import PairSampler


@dataclass(frozen=True)
class SampleSettings:
    """What decides which crops a run trains on, besides data and hourglass.

    Attributes:
        size: side of the hourglass's crop in pixels.
        margin: of the crops.
        fusion_size: input size of the fusion network in pixels.
        crops: augmented crops of each training person.
        seed: of the augmentation.
        pairs: rows without a picture, drawn from poses alone.
        people: training people at most, spaced evenly over the data; None for all.
        stack: which hourglass's maps are taken, 0 for the first of the stack, -1 for the last.
        action: only people of that action; empty for all people.
        augment: how far the crops vary.
        motions: file of the postures of the pairs; empty for those that come along.
        joined_targets: whether training photos have their 3D joined with their 2D labels.
    """

    size: int
    margin: float
    fusion_size: int
    crops: int
    seed: int = 0
    pairs: int = 0
    people: int | None = None
    stack: int = -1
    action: str = ""
    augment: str = "wide"
    motions: str = ""
    joined_targets: bool = False


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
    fingerprint, stored = fusion_fingerprint(data, settings, hourglass, device), FusionCache(cache)
    with PartialState().main_process_first():
        found = stored.read(fingerprint)
        if found is None:
            stored.write(fingerprint, _build(data, settings, hourglass, device))
            found = stored.read(fingerprint)
    if found is None:
        raise ValueError(f"{cache} does not hold what was just written there: does another run write into it?")
    return found.to(device)


def fusion_fingerprint(data: Path, settings: SampleSettings, hourglass: nn.Module, device: torch.device) -> str:
    """Fingerprint of everything that the samples follow from."""
    precision = "bfloat16" if bf16_is_fast(device.type) else "float32"
    motions = hashlib.blake2b(PoseLibrary(Path(settings.motions)).rotations).hexdigest() if settings.motions else ""
    parts = [asdict(settings), motions, device.type, precision, data_fingerprint(data), weights_fingerprint(hourglass)]
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()


def _build(data: Path, settings: SampleSettings, hourglass: nn.Module, device: torch.device) -> FusionData:
    """Run the hourglass on all people."""
    library = PoseLibrary(Path(settings.motions) if settings.motions else None)  # refused now, not after the hourglass
    people, validation = (find_people(data, validation=part, action=settings.action) for part in (False, True))
    if settings.people and settings.people < len(people):
        people = people.take(torch.linspace(0, len(people) - 1, settings.people).round().long())
    if settings.joined_targets:
        people, joined = with_joined_poses(people)
        print(f"3D of {int(joined.sum())} of {len(people)} training people joined with their 2D labels")
    people, validation = people.to(device), validation.to(device)
    hourglass.to(device)
    shape = (settings.size, settings.margin, settings.fusion_size)
    held_out = build_samples(validation, hourglass, *shape, 1, None, stack=settings.stack)
    generator = torch.Generator(device).manual_seed(settings.seed)
    drawn = settings.crops, generator
    training = build_samples(people, hourglass, *shape, *drawn, stack=settings.stack, augment=settings.augment)
    if not settings.pairs:
        return FusionData(training, held_out, people.names)
    pairs = _pairs(validation, hourglass, settings, library)
    return FusionData(training.joined(pairs), held_out, (*people.names, SYNTHETIC))


def _pairs(people: People, hourglass: nn.Module, settings: SampleSettings, library: PoseLibrary) -> FusionSamples:
    """Rows from poses alone, with maps that err as the hourglass does on these people, photos if there are any."""
    photos = torch.tensor([people.names[k] != SYNTHETIC for k in people.source.tolist()])
    measured = people.take(photos) if photos.any() else people
    errors = measure_errors(hourglass, measured, settings.size, settings.margin)
    sampler = PairSampler(load_body(), library, "train", settings.size, settings.margin)
    source = len(people.names)
    return pair_samples(sampler, errors, settings.pairs, settings.size, settings.fusion_size, source, settings.seed)
