"""Train the detector: ``python -m train.detector --data DIR --run runs/detector``.

Whole photos and composites are drawn while it learns from those before. Run the same command again to continue a run
that was cut; ``train.attach_detector`` puts the best network into a checkpoint.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from fusion_model.config import DetectorConfig
from fusion_model.detection.network import PersonDetector
from fusion_model.estimator import PoseEstimator
from fusion_model.files import write_atomically
from fusion_model.hub.checkpoints import check_state
from fusion_model.hub.config_json import build_config
from train.command import run_command, training_parser
from train.data.people import load_people, sources_fingerprint
from train.data.readers.registry import COMPOSITES
from train.data.scenes import Scenes
from train.data.source import SYNTHETIC, Source
from train.data.sources import find_learnable
from train.detector_stage.composites import Composite, CompositeMaker
from train.detector_stage.figures import detector_figures
from train.detector_stage.scene_samples import SceneSampler
from train.engine.arguments import read_settings
from train.engine.checkpoints import latest_state, read_weights
from train.engine.loop import Loop, start_warm
from train.engine.provenance import begin_provenance
from train.engine.seeds import RowNoise, draw_seeds
from train.losses import detector_loss
from train.settings import DetectorTrainConfig

CONFIG_FILE = "detector.json"  # in the run's folder
_WHOLE_PHOTOS = 0.6  # of the composites
_VALIDATION = 300  # composites, where no whole photo is held out


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = training_parser(DetectorTrainConfig, __doc__)
    arguments.add_argument("--hourglass", type=Path, help="run, checkpoint or file whose hourglass it starts from")
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    settings, run = read_settings(DetectorTrainConfig, arguments), arguments.run
    config = DetectorConfig(width=settings.width, input_size=settings.input_size)
    torch.manual_seed(settings.seed)  # of the initial weights
    module = PersonDetector(config).to(memory_format=torch.channels_last)
    if arguments.hourglass and latest_state(run) is None:
        print(_start_backbone(module, arguments.hourglass))
    start_warm(module, arguments.init_from, run, "detector")
    sources, scenes, left_out = find_learnable(arguments.data)
    photos = [source for source in sources if source.name != SYNTHETIC]
    sampler = SceneSampler(scenes, config.input_size) if scenes else None
    watched = scenes if scenes and scenes.validation.any() else _made_scenes(photos, config.input_size)
    people = load_people(photos, validation=False)
    maker = CompositeMaker(people, config.input_size, sampler.nobody if sampler else None)
    batches = _batches(settings, maker, sampler)

    data = {"data": sources_fingerprint(sources), "whole photos": len(sampler) if sampler else 0}

    def loss(network: nn.Module, step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        local = loop.local_slice(settings.batch)
        images, *labels = (values.to(loop.device) for values in stack(batches(step, local)))
        noise = RowNoise(draw_seeds(settings.batch, generator)[local])
        images = recolour(images.float() / 255, noise).contiguous(memory_format=torch.channels_last)
        return detector_loss(network(images), *labels)

    loop = Loop(module, loss, lambda network: detector_figures(network, watched), settings, run, "ap", data)
    resumed, whole = "resumed" if loop.resume() else "started", data["whole photos"]
    counts = f"{whole} whole photos and {len(maker.rows)} people"
    loop.accelerator.print(left_out, f"{resumed} at step {loop.step} with {counts} on {loop.device}", sep="\n")
    if loop.accelerator.is_main_process:  # not before: another width is refused, and leaves the run as it is
        begin_provenance(run, settings, arguments.init_from, maker.source, maker.names, scenes=whole)
        write_atomically(run / CONFIG_FILE, json.dumps(dataclasses.asdict(config), indent=1))
    return 0 if loop.run() else 1


def _batches(
    settings: DetectorTrainConfig, maker: CompositeMaker, sampler: SceneSampler | None
) -> Callable[[int, slice], list[Composite]]:
    """Gives the pictures of some rows of a step, each drawn from seed, step and row, and has the next ones drawn."""
    pool, ahead, scenes = ThreadPoolExecutor(1), {}, settings.scene_fraction if sampler else 0.0

    def draw(generator: np.random.Generator) -> Composite:
        return sampler.make(generator) if generator.random() < scenes else maker.make(generator, _WHOLE_PHOTOS)

    def pictures(step: int, rows: slice) -> list[Composite]:
        return [draw(np.random.default_rng([settings.seed, step, row])) for row in range(rows.start, rows.stop)]

    def batch(step: int, rows: slice) -> list[Composite]:
        drawn = ahead.pop((step, rows.start), None) or pool.submit(pictures, step, rows)
        ahead[step + 1, rows.start] = pool.submit(pictures, step + 1, rows)
        return drawn.result()

    return batch


def read_detector(source: Path) -> PersonDetector:
    """The detector of a run of ``train.detector``, or of a checkpoint that has one.

    Raises:
        FileNotFoundError: if there is neither.
        ValueError: if the checkpoint has no detector, or the tensors do not fit; says so.
    """
    path = source / CONFIG_FILE
    if not path.is_file():
        detector = PoseEstimator.from_pretrained(source, device="cpu").detector
        if detector is None:
            raise ValueError(f"{source} is a checkpoint without a detector: name a run of train.detector instead")
        return detector
    try:
        config = build_config(DetectorConfig, json.loads(path.read_text(encoding="utf-8")), CONFIG_FILE)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}): run train.detector again") from error
    network, weights = PersonDetector(config), read_weights(source)
    check_state(network, weights)
    network.load_state_dict(weights)
    return network


def _start_backbone(detector: PersonDetector, hourglass: Path) -> str:
    """Copy a hourglass's first layers and its way down; returns a sentence, or ValueError for one of another width."""
    ways = ["hourglasses.0." + "inner." * level for level in range(len(detector.down) + 1)]
    prefixes = {f"{way}down.": f"down.{level}." for level, way in enumerate(ways[:-1])}
    prefixes |= {"front.": "front.", f"{ways[-1]}norm": "deeper.3.0.norm", f"{ways[-1]}conv": "deeper.3.0.conv"}
    taken = {
        new + name.removeprefix(old): tensor
        for name, tensor in read_weights(hourglass, "hourglass").items()
        for old, new in prefixes.items()
        if name.startswith(old)
    }
    own, width = detector.state_dict(), detector.config.width
    if not taken or any(own[name].shape != tensor.shape for name, tensor in taken.items()):
        raise ValueError(f"{hourglass} has no hourglass of {width} channels, which the backbone starts from")
    detector.load_state_dict(taken, strict=False)
    return f"backbone from {hourglass}: {len(taken)} tensors"


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


def stack(composites: list[Composite]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Images (N, 3, S, S) uint8, boxes (N, K, 4), axes (N, K, 2), who is there (N, K), trust (N, S / 8, S / 8)."""
    images = torch.from_numpy(np.stack([composite.image for composite in composites])).permute(0, 3, 1, 2)
    trust = torch.from_numpy(np.stack([composite.trust for composite in composites]))
    columns = zip(*((torch.from_numpy(one.boxes), torch.from_numpy(one.axes)) for one in composites), strict=True)
    one_place = torch.zeros(1, 4), torch.zeros(1, 2)  # even where nobody is in any picture
    boxes, axes = (
        pad_sequence([*column, place], batch_first=True)[:-1] for column, place in zip(columns, one_place, strict=True)
    )
    there = torch.arange(boxes.shape[1]) < torch.tensor([len(one.boxes) for one in composites])[:, None]
    return images, boxes, axes, there, trust


def recolour(images: Tensor, noise: RowNoise) -> Tensor:
    """Vary colour, contrast, noise and sharpness."""
    uniform, normal = noise.uniform, noise.normal
    images = images * (1 + 0.2 * normal(3, 1, 1)).clamp(0.6, 1.5) + 0.06 * normal(1, 1, 1)
    grey = images.mean(1, keepdim=True)
    images = torch.where(uniform(1, 1, 1) < 0.1, grey.expand_as(images), images)
    dull = uniform() < 0.25
    images[dull] = functional.avg_pool2d(images[dull], 3, 1, 1, count_include_pad=False)
    noisy = uniform() < 0.2
    images[noisy] += 0.04 * normal(*images.shape[1:], rows=noisy)
    return images.clamp(0, 1)


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
