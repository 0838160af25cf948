"""Trains a detector on whole photos and on composites that are drawn while it learns."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from fusion_model.config import DetectorConfig
from fusion_model.detection.network import PersonDetector
from fusion_model.files import write_atomically
from train.data.people import load_people
from train.data.readers.registry import COMPOSITES
from train.data.scenes import Scenes
from train.data.source import SYNTHETIC, Source
from train.data.sources import find_learnable
from train.detector_stage.attach import CONFIG_FILE, start_backbone
from train.detector_stage.composites import Composite, CompositeMaker
from train.detector_stage.figures import detector_figures
from train.detector_stage.scene_samples import SceneSampler
from train.engine.checkpoints import latest_state
from train.engine.loop import Loop, start_warm
from train.engine.provenance import begin_provenance
from train.losses import detector_loss
from train.settings import DetectorTrainConfig

_WHOLE_PHOTOS = 0.6  # of the composites
_VALIDATION = 300  # composites, where no whole photo is held out


def make_loop(
    settings: DetectorTrainConfig,
    data: Path,
    run: Path,
    init_from: Path | None = None,
    hourglass: Path | None = None,
) -> Loop:
    """The loop of a run, gone on with where it was cut, with its photos.

    Args:
        settings: of the run.
        data: folder of data sets.
        run: folder of the run.
        init_from: weights that a new run starts from.
        hourglass: weights whose hourglass the backbone of a new run starts from.
    """
    config = DetectorConfig(width=settings.width, input_size=settings.input_size)
    torch.manual_seed(settings.seed)  # of the initial weights
    module = PersonDetector(config).to(memory_format=torch.channels_last)
    if hourglass and latest_state(run) is None:
        print(start_backbone(module, hourglass))
    start_warm(module, init_from, run, "detector")
    sources, scenes, left_out = find_learnable(data)
    photos = [source for source in sources if source.name != SYNTHETIC]
    sampler = SceneSampler(scenes, config.input_size) if scenes else None
    watched = scenes if scenes and scenes.validation.any() else _made_scenes(photos, config.input_size)
    nobody = sampler.nobody if sampler else None
    maker = CompositeMaker(load_people(photos, validation=False), config.input_size, nobody)
    fraction = settings.scene_fraction if sampler else 0.0

    def draw(generator: np.random.Generator) -> Composite:
        return sampler.make(generator) if generator.random() < fraction else maker.make(generator, _WHOLE_PHOTOS)

    batches = _Batches(draw, settings.seed)

    def loss(network: nn.Module, step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        images, *labels = stack(batches.take(step, loop.local_slice(settings.batch)), loop.device)
        images = recolour(images, generator).contiguous(memory_format=torch.channels_last)
        return detector_loss(network(images), *labels)

    def validate(network: nn.Module) -> dict[str, float]:
        return detector_figures(network, watched)

    loop = Loop(module, loss, validate, settings, run, better="ap")
    resumed = "resumed" if loop.resume() else "started"
    loop.accelerator.print(left_out)
    whole = len(sampler) if sampler else 0
    counts = f"{whole} whole photos and {len(maker.rows)} people"
    loop.accelerator.print(f"{resumed} at step {loop.step} with {counts} on {loop.device}")
    if loop.accelerator.is_main_process:  # not before: another width is refused, and leaves the run as it is
        begin_provenance(run, settings, init_from, maker.source, maker.names, scenes=whole)
        write_atomically(run / CONFIG_FILE, json.dumps(dataclasses.asdict(config), indent=1))
    return loop


def _made_scenes(photos: list[Source], size: int) -> Scenes:
    """Composites of validation people, the same in every run; every other one is watched, as of scenes."""
    maker, generator = CompositeMaker(load_people(photos, validation=True), size), np.random.default_rng(0)
    made = [maker.make(generator, whole_photos=0.0) for _ in range(2 * _VALIDATION)]
    pictures = [cv2.imencode(".png", one.image[..., ::-1])[1].tobytes() for one in made]
    return Scenes(
        read=pictures.__getitem__,
        boxes=[one.boxes for one in made],
        unsure=[np.zeros(len(one.boxes), bool) for one in made],
        size=np.full((len(made), 2), size),
        source=np.full(len(made), COMPOSITES),
        original=np.full(len(made), ""),
        validation=np.ones(len(made), bool),
    )


class _Batches:
    """Draws the next batch while the network learns from the one before; a picture follows from seed, step and row."""

    def __init__(self, draw: Callable[[np.random.Generator], Composite], seed: int) -> None:
        self._draw, self._seed = draw, seed
        self._ahead: dict[tuple[int, int], Future[list[Composite]]] = {}
        self._pool = ThreadPoolExecutor(1)

    def take(self, step: int, rows: slice) -> list[Composite]:
        """The pictures of some rows of a step."""
        pictures = self._ahead.pop((step, rows.start), None) or self._pool.submit(self._pictures, step, rows)
        self._ahead[step + 1, rows.start] = self._pool.submit(self._pictures, step + 1, rows)
        return pictures.result()

    def _pictures(self, step: int, rows: slice) -> list[Composite]:
        generators = (np.random.default_rng([self._seed, step, row]) for row in range(rows.start, rows.stop))
        return [self._draw(generator) for generator in generators]


def stack(composites: list[Composite], device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Images (N, 3, S, S) in [0, 1], boxes (N, K, 4), axes (N, K, 2), who is there (N, K), trust (N, S / 8, S / 8)."""
    places = len(composites), max(1, *(len(composite.boxes) for composite in composites))
    boxes, axes, there = torch.zeros(*places, 4), torch.zeros(*places, 2), torch.zeros(places, dtype=torch.bool)
    for number, composite in enumerate(composites):
        count = len(composite.boxes)
        boxes[number, :count] = torch.from_numpy(composite.boxes)
        axes[number, :count] = torch.from_numpy(composite.axes)
        there[number, :count] = True
    images = torch.from_numpy(np.stack([composite.image for composite in composites])).to(device)
    trust = torch.from_numpy(np.stack([composite.trust for composite in composites]))
    images = images.permute(0, 3, 1, 2).float().div(255)
    return images, boxes.to(device), axes.to(device), there.to(device), trust.to(device)


def recolour(images: Tensor, generator: torch.Generator) -> Tensor:
    """Vary colour, contrast, noise and sharpness."""
    count, device = len(images), images.device

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, device=device, generator=generator)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, device=device, generator=generator)

    images = images * (1 + 0.2 * normal(count, 3, 1, 1)).clamp(0.6, 1.5) + 0.06 * normal(count, 1, 1, 1)
    grey = images.mean(1, keepdim=True)
    images = torch.where(uniform(count, 1, 1, 1) < 0.1, grey.expand_as(images), images)
    dull = torch.nonzero(uniform(count) < 0.25)[:, 0]
    images[dull] = functional.avg_pool2d(images[dull], 3, 1, 1, count_include_pad=False)
    noisy = torch.nonzero(uniform(count) < 0.2)[:, 0]
    images[noisy] = images[noisy] + 0.04 * normal(*images[noisy].shape)
    return images.clamp(0, 1)
