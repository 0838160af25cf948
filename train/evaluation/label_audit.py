"""Exchanged sides among training labels, as a network sees them that finds joints in the crop and in its mirror image.

A network that saw the labels in training may repeat their mistakes, and one that mistakes left for right accuses right
labels. So a pair of limbs counts only if it is confidently found on the other side in both pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from tqdm import tqdm

from fusion_model.crop_inference import CropPredictor, calibrated
from fusion_model.crops import crop_of_box
from fusion_model.estimator import PoseEstimator
from fusion_model.heatmaps import decode_smoothed, to_crop_coordinates
from fusion_model.skeletons import MPII_16
from train.data.readers.label_repair import exchanged_sides
from train.data.source import Source

_BATCH = 16  # people, each in two pictures
_CONFIDENT = 0.7  # of a joint whose place counts


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
    size, margin = estimator.config.hourglass.input_size, estimator.config.crop.margin
    points, confidence = np.zeros((2, len(rows), 16, 2)), np.zeros((2, len(rows), 16))
    for start in tqdm(range(0, len(rows), _BATCH), desc=source.name, unit="batch", leave=False):
        part = rows[start : start + _BATCH]
        crops = [crop_of_box(source.box[row], size, margin) for row in part]
        cuts = np.stack([crop.cut(source.photo(row)) for crop, row in zip(crops, part, strict=True)])
        images = torch.from_numpy(cuts).permute(0, 3, 1, 2).float().div(255)
        for view, maps in enumerate(_both_ways(estimator.predictor, images)):
            found, heights = decode_smoothed(maps)
            in_crop = to_crop_coordinates(found).numpy()
            mine = slice(start, start + len(part))
            points[view, mine] = [crop.to_photo(joints) for crop, joints in zip(crops, in_crop, strict=True)]
            confidence[view, mine] = calibrated(heights.numpy(), estimator.config.calibration)
    return Opinion(points, confidence)


def _both_ways(predictor: CropPredictor, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Maps (N, 16, M, M) of images, and those of their mirror images, mirrored back."""
    mirrored = predictor.maps(torch.flip(images, dims=(3,)))
    return predictor.maps(images), torch.flip(mirrored, dims=(3,))[:, list(MPII_16.mirror)]


def contradicted(
    opinion: Opinion, joints: np.ndarray, weight: np.ndarray, confident: float = _CONFIDENT
) -> dict[str, np.ndarray]:
    """People whose labels (N, 16, 2), weighted (N, 16), both pictures contradict: (N,) bool for arms and for legs."""
    views = [
        exchanged_sides(joints, weight, points, (confidence >= confident).astype(float))
        for points, confidence in zip(opinion.points, opinion.confidence, strict=True)
    ]
    return {name: views[0][name] & views[1][name] for name in views[0]}
