"""Trains a detector on composites that are drawn while it learns."""

from __future__ import annotations

import argparse
import dataclasses
import json
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from fusion_model.config import DetectorConfig
from fusion_model.crop_inference import CropPredictor
from fusion_model.detection.detector import PersonDetector, detect
from fusion_model.estimator import PoseEstimator
from fusion_model.files import write_atomically
from train.data.held_out import find_held_out
from train.data.people import load_people
from train.data.source import SYNTHETIC, Source
from train.data.scenes import Scenes, find_scenes
from train.data.sources import find_sources
from train.detector_stage.attach import CONFIG_FILE
from train.detector_stage.backbone import start_backbone
from train.detector_stage.composites import Composite, CompositeMaker
from train.detector_stage.detection_figures import detection_figures
from train.detector_stage.losses import detector_loss
from train.detector_stage.rendered_groups import find_groups
from train.detector_stage.scene_figures import average_precision, mark, operating_point, rates
from train.detector_stage.scene_samples import SceneSampler
from train.engine.arguments import loop_settings, start_warm
from train.engine.checkpoints import latest_state
from train.engine.loop import Loop
from train.engine.provenance import begin_provenance

_WHOLE_PHOTOS = 0.2  # of the pictures
_VALIDATION = 300  # pictures


def make_loop(arguments: argparse.Namespace) -> Loop:
    """The loop of a run, gone on with where it was cut, with its people."""
    config = DetectorConfig(input_size=arguments.input_size)
    photos = [source for source in find_sources(arguments.data) if source.name != SYNTHETIC]
    torch.manual_seed(arguments.seed)  # of the initial weights
    module = PersonDetector(config).to(memory_format=torch.channels_last)
    start_warm(module, arguments, "detector")
    if arguments.hourglass and not arguments.init_from and latest_state(arguments.run) is None:
        print(start_backbone(module, arguments.hourglass))
    checkpoint = arguments.checkpoint
    predictor = PoseEstimator.from_pretrained(checkpoint, device="cpu").predictor if checkpoint else None
    validator, generator = _maker(photos, arguments, predictor, held_out=True), np.random.default_rng(0)
    validation = [validator.make(generator, kinds=(0.3, 0.0)) for _ in range(_VALIDATION)]  # the same in every run
    scenes = find_scenes(arguments.data)
    elsewhere = find_held_out(photos, scenes)
    learnt = [source.take(~rows) for source, rows in zip(photos, elsewhere.people, strict=True)]
    maker = _maker(learnt, arguments, predictor, held_out=False)
    sampler = SceneSampler(scenes.take(~elsewhere.scenes), arguments.input_size, validation=False) if scenes else None
    if sampler:
        maker.empty = [sampler._photos[n] for n in sampler._kinds[1]]
    batches = _Batches(maker, sampler, arguments)

    def loss(network: nn.Module, step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        images, *labels = stack(batches.take(step, loop.local_slice(arguments.batch)), loop.device)
        images = recolour(images, generator).contiguous(memory_format=torch.channels_last)
        return detector_loss(network(images), *labels)

    loop = Loop(
        module,
        loss,
        lambda network: detection_figures(network, validation) | _scene_figures(network, scenes),
        dataclasses.replace(loop_settings(arguments), clip=10.0),
        arguments.run,
        better="ap" if scenes else "recall",
        fingerprint={
            name: getattr(arguments, name) for name in ("input_size", "synthetic_fraction", "scene_fraction")
        },
    )
    resumed = "resumed" if loop.resume() else "started"
    loop.accelerator.print(elsewhere.describe(photos))
    loop.accelerator.print(f"{resumed} at step {loop.step} with {len(maker.rows)} people on {loop.device}")
    if loop.accelerator.is_main_process:  # not before: another width is refused, and leaves the run as it is
        begin_provenance(arguments, "detector", maker.source, maker.names)
        write_atomically(arguments.run / CONFIG_FILE, json.dumps(dataclasses.asdict(config), indent=1))
    return loop


def _maker(
    photos: list[Source], arguments: argparse.Namespace, predictor: CropPredictor | None, *, held_out: bool
) -> CompositeMaker:
    """Draws pictures of people to train on, or to validate on; a predictor sorts the backgrounds out."""
    groups = find_groups(arguments.data, held_out=held_out)
    maker = CompositeMaker(load_people(photos, validation=held_out), groups, arguments.input_size)
    if predictor:
        maker.sort_out(predictor)
    return maker


class _Batches:
    """Draws the next batch while the network learns from the one before; a picture follows from seed, step and row."""

    def __init__(self, maker: CompositeMaker, scenes: SceneSampler | None, arguments: argparse.Namespace) -> None:
        self._maker, self._scenes, self._seed = maker, scenes, arguments.seed
        self._scene_fraction = arguments.scene_fraction if scenes else 0.0
        self._kinds = (arguments.synthetic_fraction, _WHOLE_PHOTOS)
        self._ahead: dict[tuple[int, int], Future[list[Composite]]] = {}
        self._pool = ThreadPoolExecutor(1)

    def take(self, step: int, rows: slice) -> list[Composite]:
        """The pictures of some rows of a step."""
        composites = self._ahead.pop((step, rows.start), None) or self._pool.submit(self._draw, step, rows)
        self._ahead[step + 1, rows.start] = self._pool.submit(self._draw, step + 1, rows)
        return composites.result()

    def _draw(self, step: int, rows: slice) -> list[Composite]:
        generators = (np.random.default_rng([self._seed, step, row]) for row in range(rows.start, rows.stop))
        return [
            self._scenes.make(generator)
            if generator.random() < self._scene_fraction
            else self._maker.make(generator, kinds=self._kinds)
            for generator in generators
        ]


def _scene_figures(network: nn.Module, scenes: Scenes | None) -> dict[str, float]:
    """Average precision, and recall at 0.1 false boxes on a photo without people, on every other validation photo."""
    if scenes is None:
        return {}
    rows = np.flatnonzero(scenes.validation)[::2]
    config = dataclasses.replace(network.config, min_score=0.02)
    found = []
    for row in rows:
        detections = detect(network, scenes.photo(int(row)), config)
        found.append(
            (np.array([one.box for one in detections]).reshape(-1, 4), np.array([one.score for one in detections]))
        )
    marks = mark(scenes, rows, found)
    return {"ap": average_precision(marks), "scene_recall": rates(marks, operating_point(marks, 0.1, 0.2))["recall"]}


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
