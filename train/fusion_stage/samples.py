"""What the fusion network trains on: crops with the confidence maps that the finished hourglass makes of them.

The hourglass is fixed in this phase (as in the paper), so its maps are made once, for a few augmented crops of every
person, and kept as bytes; training then turns, scales and mirrors photo, maps and pose together. Features of the
hourglass in place of the photo's pixels cannot be turned: such crops are trained on as they are.

A cache on disk serves every run that asks for just these crops: two safetensors files, mapped into memory when read;
several runs on one machine share that memory.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch
from accelerate import PartialState
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from tqdm import tqdm

from fusion_model.config import ModelConfig
from fusion_model.crop_inference import fusion_inputs
from fusion_model.files import discard_unfinished, replacing
from fusion_model.hub.checkpoints import weights_fingerprint
from fusion_model.skeletons import MPII_16
from train.data.augment import AUGMENT_POSES, crop_matrices, plain_crops, random_crops, sample, turned_poses
from train.data.people import People, take_rows
from train.data.sources import data_fingerprint, find_people
from train.engine.machine import bf16_is_fast
from train.engine.run_files import unless_full
from train.engine.seeds import RowNoise

_FORMAT = "fusion-pose-samples/3"
_MAP_UNIT = 1 / 160  # of a byte: maps reach up to 1.59
_BATCH = 64  # crops at once


@dataclass
class Batch:
    """Inputs and targets of the fusion network, one row a crop.

    Attributes:
        images: (N, 3, S, S) float32 in [0, 1], or features of the hourglass (N, C, S, S).
        maps: (N, 16, S, S) float32.
        readings: (N, R) float32 of the maps; None for maps that were turned since: they are to be read anew.
        pose: (N, 17, 3) float32 mm, as the crop shows it.
        weight: (N, 17) float32 trust in each joint; 0 where the 3D is unknown.
        source: (N,) index of the data set.
    """

    images: Tensor
    maps: Tensor
    readings: Tensor | None
    pose: Tensor
    weight: Tensor
    source: Tensor


@dataclass
class FusionSamples(Batch):
    """Many crops, kept small: photos are uint8, features float16, and maps uint8, 160 for a height of 1."""

    def __len__(self) -> int:
        """Number of crops."""
        return len(self.images)

    def inputs(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Image (N, 3, S, S) or features (N, C, S, S), maps (N, 16, S, S) and readings (N, R) as floats."""
        unit = 1 if _are_features(self.images) else 255
        maps = take_rows(self.maps, rows).float() * _MAP_UNIT
        return take_rows(self.images, rows).float() / unit, maps, take_rows(self.readings, rows)

    @property
    def columns(self) -> dict[str, Tensor]:
        """All of it by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def take(self, rows: Tensor) -> FusionSamples:
        """The samples of these rows, the same object for all of them in order."""
        whole = len(rows) == len(self)
        return self if whole else FusionSamples(*(take_rows(one, rows) for one in self.columns.values()))

    def to(self, device: torch.device) -> FusionSamples:
        """The same samples on a device."""
        return FusionSamples(*(column.to(device) for column in self.columns.values()))


@dataclass
class FusionData:
    """What a fusion network trains on.

    Attributes:
        training: a few augmented crops of every training person.
        held_out: one plain crop of every validation person.
        names: of the data sets, by the number in ``source``.
    """

    training: FusionSamples
    held_out: FusionSamples
    names: tuple[str, ...]


@dataclass(frozen=True)
class SampleSettings:
    """What decides which crops a run trains on, besides data and hourglass.

    Attributes:
        size: side of the hourglass's crop in pixels.
        margin: of the crops.
        fusion_size: input size of the fusion network in pixels.
        crops: augmented crops of each training person.
        seed: of the augmentation.
        people: training people at most, spaced evenly over the data; None for all.
        action: only people of that action; empty for all people.
        augment: how far the crops vary.
        photo_features: whether features of the hourglass stand for the photo's pixels.
    """

    size: int
    margin: float
    fusion_size: int
    crops: int = 1
    seed: int = 0
    people: int | None = None
    action: str = ""
    augment: str = "wide"
    photo_features: bool = False

    @classmethod
    def of(cls, config: ModelConfig) -> SampleSettings:
        """Those of plain crops for the networks of a checkpoint."""
        sizes = (config.hourglass.input_size, config.crop.margin, config.fusion.input_size)
        return cls(*sizes, photo_features=config.fusion.photo_features > 0)


@torch.inference_mode()
def build_samples(
    people: People,
    hourglass: nn.Module,
    settings: SampleSettings,
    generator: torch.Generator | None = None,
    *,
    progress: bool = True,
) -> FusionSamples:
    """Run the hourglass on crops of the people whose 3D is known.

    Args:
        people: on the device of the hourglass; those without 3D are left out.
        hourglass: in evaluation mode.
        settings: of the crops, and of what is kept of them.
        generator: of the augmentation; None gives one plain upright crop of each person.
        progress: whether to show a bar.
    """
    size, margin = settings.size, settings.margin
    rows = torch.nonzero(people.pose_weight.sum(1) > 0)[:, 0].repeat(settings.crops if generator else 1)
    if not len(rows):
        needed = "pseudo-labels or measured 3D, or people whom train.synthesize renders beside yours"
        raise ValueError(f"none of the people has a 3D pose: the fusion network needs {needed}")

    def parts() -> Iterator[tuple[Tensor, ...]]:
        for start in tqdm(range(0, len(rows), _BATCH), desc="hourglass maps", unit="batch", disable=not progress):
            part = people.take(rows[start : start + _BATCH])
            pose, weight = part.pose, part.pose_weight
            if generator is None:
                images, _ = plain_crops(part, size, margin)
            else:
                crops = random_crops(part, size, margin, AUGMENT_POSES[settings.augment], generator)
                images = crops.images
                pose, weight = turned_poses(pose, weight, crops.angle, crops.mirror)
            with torch.autocast(images.device.type, torch.bfloat16, enabled=bf16_is_fast(images.device.type)):
                maps, features = hourglass.maps_and_features(images.contiguous(memory_format=torch.channels_last))
            seen = features.float() if settings.photo_features else None
            inputs = fusion_inputs(images, maps[-1].float(), settings.fusion_size, seen)
            yield (*stored_inputs(*inputs), pose, weight, part.source)

    return joined_parts(parts(), len(rows))


def joined_parts(parts: Iterable[tuple[Tensor, ...]], count: int) -> FusionSamples:
    """Samples of ``count`` rows from their columns piece by piece; never holds rows twice, as ``torch.cat`` would."""
    columns, end = [], 0
    for part in parts:
        columns = columns or [piece.new_empty((count, *piece.shape[1:])) for piece in part]
        begin, end = end, end + len(part[0])
        for column, piece in zip(columns, part, strict=True):
            column[begin:end] = piece
    return FusionSamples(*columns)


def stored_inputs(image: Tensor, maps: Tensor, readings: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Image, maps and readings as :class:`FusionSamples` keeps them; more channels than three are features."""
    small = image.half() if _are_features(image) else (image * 255).round().byte()
    return small, (maps / _MAP_UNIT).round().clamp(0, 255).byte(), readings


def _are_features(images: Tensor) -> bool:
    """Whether images (N, C, S, S) are features of a hourglass, whose width is never a photo's three channels."""
    return images.shape[1] != 3


def random_rows(samples: FusionSamples, rows: Tensor, noise: RowNoise) -> Batch:
    """Rows (N,) of samples; those of pixels are slightly turned, scaled, shifted and mirrored by the noise of each."""
    image, maps, readings = samples.inputs(rows)
    if _are_features(samples.images):
        others = (take_rows(samples.columns[field.name], rows) for field in fields(samples)[3:])
        return Batch(image, maps, readings, *others)
    normal = noise.normal
    size = image.shape[-1]
    angle, mirror = 10 * normal(), noise.uniform() < 0.5
    center = (size - 1) / 2 + 0.03 * size * normal(2)
    matrices = crop_matrices(center, size * 2 ** (0.1 * normal()), angle, mirror, size)
    both = sample(torch.cat((image, maps), 1), matrices, size)
    image, maps = both[:, :3], both[:, 3:]
    swap = list(MPII_16.mirror)
    maps = torch.where(mirror[:, None, None, None], maps[:, swap], maps)
    image = (image * (1 + 0.15 * normal(3, 1, 1)) + 0.05 * normal(1, 1, 1)).clamp(0, 1)
    poses = turned_poses(samples.pose[rows], samples.weight[rows], angle, mirror)
    return Batch(image, maps, None, *poses, samples.source[rows])


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
    for part in ("training", "held_out"):
        columns = getattr(data, part).columns
        with unless_full(cache, SafetensorError), replacing(cache / f"{part}.safetensors") as file:
            save_file({name: column.cpu().contiguous() for name, column in columns.items()}, file, header)


def _read(cache: Path, fingerprint: str) -> FusionData | None:
    """What was written under that fingerprint; None, and a line that says so, where files hold something else."""
    found, header = [], {}
    for file in (cache / "training.safetensors", cache / "held_out.safetensors"):
        if not file.is_file():
            return None
        try:
            with safe_open(file, "pt") as content:
                header = json.loads((content.metadata() or {}).get(_FORMAT, "{}"))
                if same := header.get("fingerprint") == fingerprint:
                    found.append(FusionSamples(*(content.get_tensor(one.name) for one in fields(FusionSamples))))
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
