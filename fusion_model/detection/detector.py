"""From the network's output to detections: the boxes of people in a photo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from fusion_model.boxes import iou
from fusion_model.config import DetectorConfig
from fusion_model.crops import letterbox
from fusion_model.detection.network import PersonDetector, cell_boxes, flip_averaged
from fusion_model.threads import Threads


@dataclass(frozen=True)
class Detection:
    """Where the detector sees somebody.

    Attributes:
        box: (4,) float64 x0, y0, x1, y1 in photo pixels, round the body as far as it is seen.
        angle: of the body axis, degrees, as :attr:`fusion_model.crops.Crop.angle`.
        score: probability in [0, 1].
    """

    box: np.ndarray
    angle: float
    score: float


def decode_detections(output: Tensor, config: DetectorConfig) -> list[Detection]:
    """Everyone in one picture's output, best first, in pixels of the input.

    Args:
        output: (7, H, W) of the network.
        config: the scores and the overlap that count.
    """
    heat = output[0].float().sigmoid()
    top = functional.max_pool2d(heat[None, None], 3, 1, 1)[0, 0]
    score = torch.where((heat >= top) & (heat >= config.min_score), heat, 0.0).flatten()
    score, order = score.sort(descending=True, stable=True)
    order = order[score > 0][: config.max_detections].cpu()
    boxes = cell_boxes(output[None])[0].flatten(1).cpu()[:, order].T.double().numpy()
    axis = output[5:7].float().flatten(1).cpu()[:, order].T.numpy()
    angle = np.rad2deg(np.arctan2(axis[:, 1], axis[:, 0]))
    kept: list[int] = []
    for number in range(len(order)):
        if not kept or iou(boxes[number], boxes[kept]).max() < config.nms_iou:
            kept.append(number)
    return [Detection(boxes[number], float(angle[number]), float(score[number])) for number in kept]


@torch.inference_mode()
def detect(
    network: PersonDetector, photo: np.ndarray, config: DetectorConfig, threads: Threads | None = None
) -> list[Detection]:
    """Everyone whom the detector sees in a photo and in its mirror image, best first.

    Args:
        network: in evaluation mode.
        photo: (H, W, 3) uint8 RGB.
        config: input size, and the scores and overlap that count.
        threads: that share photo and mirror image; None for one after the other.
    """
    device = next(network.parameters()).device
    height, width = photo.shape[:2]
    square = letterbox(width, height, config.input_size)
    image = torch.from_numpy(square.cut(photo)).permute(2, 0, 1)[None].float().div(255).to(device)
    both = torch.cat((image, torch.flip(image, dims=(3,)))).contiguous(memory_format=torch.channels_last)
    output = flip_averaged(threads.run(network, both) if threads else network(both))[0]
    found = []
    for one in decode_detections(output, config):
        corners = square.to_photo(one.box.reshape(2, 2))
        corners = np.clip(corners, -0.5, [width - 0.5, height - 0.5])
        if (corners[1] - corners[0]).min() >= 1:
            found.append(Detection(corners.ravel(), one.angle, one.score))
    return found
