"""Train the detector: ``python -m train.detector --data DIR --run runs/detector``.

Run the same command again to continue a run that was cut; ``train.attach_detector`` puts the best network into a
checkpoint.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from fusion_model.config import DetectorConfig
from fusion_model.detection.detector import STRIDE, PersonDetector, cell_boxes
from fusion_model.estimator import PoseEstimator
from fusion_model.hub.config_json import to_dict
from train.attach_detector import CONFIG_FILE
from train.command import common_arguments, loop_settings, positive, run_command, start_warm
from train.data.people import load_people
from train.data.sources import find_sources
from train.detector_stage.composites import Composite, CompositeMaker
from train.detector_stage.rendered_groups import find_groups
from train.engine.loop import Loop
from train.engine.provenance import begin_provenance
from train.evaluation.detection import detection_figures

_LEAST_SPREAD = 0.7  # cells, of the target's bell round the middle of a box
_SPREAD = 0.1  # of the bell, in sides of the box
_NEAR = 0.5  # height of the bell from which a cell learns the box
_WHOLE_PHOTOS = 0.2  # of the pictures
_VALIDATION = 300  # pictures


def stack(composites: list[Composite], device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Images (N, 3, S, S) in [0, 1], boxes (N, K, 4), axes (N, K, 2), who is there (N, K), trust (N, S / 8, S / 8)."""
    most = max(1, *(len(composite.boxes) for composite in composites))
    boxes, axes = torch.zeros(len(composites), most, 4), torch.zeros(len(composites), most, 2)
    there = torch.zeros(len(composites), most, dtype=torch.bool)
    for number, composite in enumerate(composites):
        count = len(composite.boxes)
        boxes[number, :count], axes[number, :count] = (
            torch.from_numpy(composite.boxes),
            torch.from_numpy(composite.axes),
        )
        there[number, :count] = True
    images = torch.from_numpy(np.stack([composite.image for composite in composites])).to(device)
    trust = torch.from_numpy(np.stack([composite.trust for composite in composites]))
    images = images.permute(0, 3, 1, 2).float().div(255)
    return images, boxes.to(device), axes.to(device), there.to(device), trust.to(device)


def bells(boxes: Tensor, there: Tensor, side: int) -> Tensor:
    """(N, K, side, side): a bell of height 1 at the cell of each box's middle, the wider the larger the box."""
    middle = (boxes[..., :2] + boxes[..., 2:]) / 2
    cell = ((middle + 0.5) / STRIDE).floor().clamp(0, side - 1)
    spread = (_SPREAD * (boxes[..., 2:] - boxes[..., :2]) / STRIDE).clamp_min(_LEAST_SPREAD)
    axis = torch.arange(side, device=boxes.device)
    x = ((axis - cell[..., :1]) / spread[..., :1]).square()
    y = ((axis - cell[..., 1:]) / spread[..., 1:]).square()
    bell = torch.exp(-(y[..., :, None] + x[..., None, :]) / 2)
    return torch.where(there[..., None, None], bell, 0.0)


def detector_loss(
    output: Tensor, boxes: Tensor, axes: Tensor, there: Tensor, trust: Tensor
) -> tuple[Tensor, dict[str, float]]:
    """Focal loss of the heat map as in CenterNet, generalised IoU of the boxes, squared error of the body axis.

    Args:
        output: (N, 7, H, W) of the network.
        boxes: (N, K, 4) pixels.
        axes: (N, K, 2), zeros where unknown.
        there: (N, K) bool.
        trust: (N, H, W), how far "nobody here" is to be believed.
    """
    output = output.float()
    bell = bells(boxes, there, output.shape[-1])
    height, nearest = bell.max(1)
    logit = output[:, 0]
    chance = logit.sigmoid()
    yes = -(1 - chance).square() * functional.logsigmoid(logit)
    no = -((1 - height) ** 4) * trust * chance.square() * functional.logsigmoid(-logit)
    people = there.sum().clamp_min(1)
    heat = torch.where(height == 1, yes, no).sum() / people
    weight = torch.where(height >= _NEAR, height, 0.0)
    picture = torch.arange(len(output), device=output.device)[:, None, None]
    overlap = generalised_iou(cell_boxes(output).permute(0, 2, 3, 1), boxes[picture, nearest])
    total = weight.sum().clamp_min(1e-6)
    box = (weight * (1 - overlap)).sum() / total
    axis = axes[picture, nearest]
    known = weight * axis.abs().amax(-1).gt(0)
    turn = (known * (output[:, 5:7].permute(0, 2, 3, 1) - axis).square().sum(-1)).sum() / total
    return heat + 2 * box + 0.3 * turn, {"heat": heat.item(), "box": box.item(), "turn": turn.item()}


def generalised_iou(boxes: Tensor, others: Tensor) -> Tensor:
    """(...) of boxes (..., 4) pair by pair, from -1 to 1."""
    low, high = torch.maximum(boxes[..., :2], others[..., :2]), torch.minimum(boxes[..., 2:], others[..., 2:])
    common = (high - low).clamp_min(0).prod(-1)
    areas = [(one[..., 2:] - one[..., :2]).clamp_min(0).prod(-1) for one in (boxes, others)]
    union = (areas[0] + areas[1] - common).clamp_min(1e-6)
    hull = torch.maximum(boxes[..., 2:], others[..., 2:]) - torch.minimum(boxes[..., :2], others[..., :2])
    hull = hull.prod(-1).clamp_min(1e-6)
    return common / union - (hull - union) / hull


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


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = argparse.ArgumentParser(prog="python -m train.detector", description=__doc__)
    common_arguments(arguments, batch=32, learning_rate=2e-3, warmup=100, presets=False)
    arguments.add_argument(
        "--width", type=positive(int), default=DetectorConfig.width, help="channels; a multiple of 6"
    )
    arguments.add_argument(
        "--input-size", type=positive(int), default=DetectorConfig.input_size, help="pixels of the photo's side"
    )
    arguments.add_argument(
        "--checkpoint", type=Path, help="estimator that sorts out backgrounds with unlabelled bystanders"
    )
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    config = DetectorConfig(width=arguments.width, input_size=arguments.input_size)
    sources = find_sources(arguments.data)
    photos = [source for source in sources if source.name != "synthetic"]
    torch.manual_seed(arguments.seed)  # of the initial weights
    module = PersonDetector(config).to(memory_format=torch.channels_last)
    start_warm(module, arguments, "detector")
    size = config.input_size
    held_out = CompositeMaker(load_people(photos, validation=True), find_groups(arguments.data, held_out=True), size)
    estimator = PoseEstimator.from_pretrained(arguments.checkpoint, device="cpu") if arguments.checkpoint else None
    if estimator:
        held_out.sort_out(estimator.predictor)
    generator = np.random.default_rng(0)
    tests = [held_out.make(generator, kinds=(0.3, 0.0)) for _ in range(_VALIDATION)]
    del held_out
    people = load_people(photos, validation=False)
    maker = CompositeMaker(people, find_groups(arguments.data, held_out=False), size)
    source, names = people.source[torch.from_numpy(maker.rows)], people.names  # rendered groups are not counted
    del people  # the maker has a copy of the photos
    if estimator:
        maker.sort_out(estimator.predictor)

    ahead: dict[tuple[int, int], Future[list[Composite]]] = {}
    pool = ThreadPoolExecutor(1)  # draws the next batch while the network learns from this one

    def draw(step: int, share: slice) -> list[Composite]:
        kinds = (arguments.synthetic_fraction, _WHOLE_PHOTOS)
        generators = (np.random.default_rng([arguments.seed, step, row]) for row in range(share.start, share.stop))
        return [maker.make(generator, kinds=kinds) for generator in generators]

    def loss(network: nn.Module, step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        share = loop.local_slice(arguments.batch)
        composites = ahead.pop((step, share.start), None) or pool.submit(draw, step, share)
        ahead[step + 1, share.start] = pool.submit(draw, step + 1, share)
        images, *labels = stack(composites.result(), loop.device)
        images = recolour(images, generator).contiguous(memory_format=torch.channels_last)
        return detector_loss(network(images), *labels)

    loop = Loop(
        module,
        loss,
        lambda network: detection_figures(network, tests),
        dataclasses.replace(loop_settings(arguments), clip=10.0),
        arguments.run,
        better="recall",
        fingerprint={"width": config.width, "input_size": size, "synthetic_fraction": arguments.synthetic_fraction},
    )
    resumed = "resumed" if loop.resume() else "started"
    loop.accelerator.print(f"{resumed} at step {loop.step} with {len(maker.rows)} people on {loop.device}")
    if loop.accelerator.is_main_process:  # not before: another width is refused, and leaves the run as it is
        begin_provenance(arguments, "detector", source, names)
        (arguments.run / CONFIG_FILE).write_text(json.dumps(to_dict(config), indent=1), encoding="utf-8")
    return 0 if loop.run() else 1


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
