"""Count exchanged sides among training labels: ``python -m train.audit --data DIR --checkpoint DIR``.

Of each set, the people whose labels of the whole body, of the arms alone or of the legs alone lie on the other side: by
the teacher, where labels are by hand (those of LSP-extended are repaired by then), and by the checkpoint's hourglass,
confidently and in the mirror image too: a network that saw the labels may repeat their mistakes, and one that mistakes
left for right accuses right labels. Rendered people, whose sides are exact, show how often it errs.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from fusion_model.crop_inference import CropPredictor, calibrated
from fusion_model.crops import crop_of_box
from fusion_model.estimator import PoseEstimator
from fusion_model.heatmaps import decode_smoothed, rival_heights, to_crop_coordinates
from fusion_model.skeletons import MPII_16
from train.command import new_parser, run_command
from train.data.readers.label_repair import exchanged_sides
from train.data.source import Source
from train.data.sources import find_sources
from train.engine.arguments import at_least, positive
from train.evaluation.tables import markdown_table

_BATCH = 16  # people, each in two pictures
_CONFIDENT = 0.6  # of a joint whose place counts


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = new_parser("audit", __doc__)
    arguments.add_argument("--data", type=Path, required=True, help="folder of data sets")
    arguments.add_argument("--checkpoint", type=Path, default=Path("assets/checkpoints/default"), help="what to ask")
    arguments.add_argument("--people", type=positive(int), default=500, help="at most so many of each set")
    arguments.add_argument("--seed", type=at_least(0, int), default=0, help="of who they are")
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    sources = find_sources(arguments.data)
    print(audit(PoseEstimator.from_pretrained(arguments.checkpoint), sources, arguments.people, arguments.seed))
    return 0


@dataclass(frozen=True)
class Opinion:
    """Joints that a network finds in the crops of N people, once as they are and once in their mirror images.

    Attributes:
        points: (2, N, 16, 2) photo pixels, sides as in the photo.
        confidence: (2, N, 16) calibrated.
    """

    points: np.ndarray
    confidence: np.ndarray


def opinion_of(estimator: PoseEstimator, source: Source, rows: np.ndarray) -> Opinion:
    """The hourglass's joints of these people in their labelled boxes."""
    predictor = estimator.predictor
    size, margin = estimator.config.hourglass.input_size, estimator.config.crop.margin
    points, confidence = np.zeros((2, len(rows), 16, 2)), np.zeros((2, len(rows), 16))
    for start in tqdm(range(0, len(rows), _BATCH), desc=source.name, unit="batch", leave=False):
        part = rows[start : start + _BATCH]
        crops = [crop_of_box(source.box[row], size, margin) for row in part]
        cuts = np.stack([crop.cut(source.photo(row)) for crop, row in zip(crops, part, strict=True)])
        images = torch.from_numpy(cuts).permute(0, 3, 1, 2).float().div(255)
        for view, maps in enumerate(_both_ways(predictor, images)):
            found, peaks = decode_smoothed(maps)
            rivals = rival_heights(maps, found)
            in_crop = to_crop_coordinates(found).numpy()
            mine = slice(start, start + len(part))
            points[view, mine] = [crop.to_photo(joints) for crop, joints in zip(crops, in_crop, strict=True)]
            confidence[view, mine] = calibrated(peaks.numpy(), rivals.numpy(), estimator.config.calibration)
    return Opinion(points, confidence)


def _both_ways(predictor: CropPredictor, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Maps (N, 16, M, M) of images, and those of their mirror images, mirrored back."""
    mirrored = predictor.maps(torch.flip(images, dims=(3,)))
    return predictor.maps(images), torch.flip(mirrored, dims=(3,))[:, list(MPII_16.mirror)]


def contradicted(opinion: Opinion, joints: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(N, 2) bool: people whose labels (N, 16, 2), weighted (N, 16), both pictures contradict, of arms and of legs."""
    both = np.ones((len(joints), 2), bool)
    for points, confidence in zip(opinion.points, opinion.confidence, strict=True):
        exchanged = exchanged_sides(joints, weight, points, confidence >= _CONFIDENT)
        both &= np.stack([exchanged["arms"], exchanged["legs"]], 1)
    return both


def counts(exchanged: np.ndarray) -> tuple[int, int, int]:
    """People (N, 2) whose whole body is exchanged, the arms alone and the legs alone."""
    arms, legs = exchanged.T
    return int((arms & legs).sum()), int((arms & ~legs).sum()), int((legs & ~arms).sum())


def audit(estimator: PoseEstimator, sources: list[Source], people: int, seed: int = 0) -> str:
    """Exchanges among the training labels of each set, as a Markdown table.

    Args:
        estimator: whose hourglass is the second opinion.
        sources: the data sets.
        people: at most so many of each, drawn at random.
        seed: of the draw.
    """
    rows = []
    for source in sources:
        training = np.flatnonzero(~source.validation)
        chosen = np.sort(np.random.default_rng(seed).permutation(training)[:people])
        if not len(chosen):
            continue
        teacher = ("-",) * 3 if source.contradicted is None else counts(source.contradicted[chosen])
        opinion = opinion_of(estimator, source, chosen)
        network = counts(contradicted(opinion, source.joints[chosen], source.weight[chosen]))
        rows.append((source.name, len(chosen), *teacher, *network))
    if not rows:
        raise ValueError("there are no training people to audit")
    columns = [f"{judge}: {part}" for judge in ("teacher", "network") for part in ("whole body", "arms", "legs")]
    return markdown_table(("set", "people", *columns), rows)


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
