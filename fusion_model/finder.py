"""The finder: a small convolutional network that points at every person of a photo, which it sees in two sizes.

At each cell of an 8-pixel grid it says how likely the middle of a person's box lies there, how far the box's four
sides are, and which way the body stands (as CenterNet and FCOS do, with the body axis added).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from fusion_model.config import FinderConfig
from fusion_model.crops import letterbox

STRIDE = 8  # pixels of the input a cell
_SIDE_UNIT = 32.0  # pixels of the input: the distance of a box's side where the network says 0
_MOST_SIGHTINGS = 60  # cells taken before boxes that overlap are dropped
_RARE = -4.6  # first guess of the logit: one cell in a hundred
_COARSEST = 64  # pixels of the input: the coarsest cell, of which its side must be a multiple
_SCALES = (1.0, 1.5)  # sides that a photo is given, one after the other, in the network's input size
_SAME = 0.4  # IoU from which boxes of two looks are of one person


@dataclass(frozen=True)
class Sighting:
    """Where the finder sees somebody.

    Attributes:
        box: (4,) float64 x0, y0, x1, y1 in photo pixels, round the body as far as it is seen.
        angle: of the body axis, degrees, as :attr:`fusion_model.crops.Crop.angle`.
        score: probability in [0, 1].
    """

    box: np.ndarray
    angle: float
    score: float


class _Residual(nn.Module):
    """Two 3x3 convolutions beside the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _convolution(width, width)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        return torch.relu(x + self.second(self.first(x)))


class FinderNetwork(nn.Module):
    """Photo -> grid of people.

    Args:
        config: width and input size.
    """

    def __init__(self, config: FinderConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.stem = nn.Sequential(_convolution(3, width // 2, 5, 2), _convolution(width // 2, width // 2, 3, 2))
        plan = ((width // 2, width, 2), (width, 2 * width, 2), (2 * width, 2 * width, 2), (2 * width, 2 * width, 1))
        self.down = nn.ModuleList(
            nn.Sequential(_convolution(low, high, 3, 2), *[_Residual(high) for _ in range(blocks)])
            for low, high, blocks in plan
        )
        head = 2 * (2 * width // 3)
        self.across = nn.ModuleList(nn.Conv2d(high, head, 1) for _, high, _ in plan)
        self.merge = nn.ModuleList(_convolution(head, head) for _ in plan[:-1])
        self.output = nn.Conv2d(head, 7, 1)
        with torch.no_grad():
            self.output.bias.zero_()
            self.output.bias[0] = _RARE

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, S, S) in [0, 1] -> (N, 7, S / 8, S / 8): logit, four sides (log), cosine and sine of the body axis."""
        x, levels = self.stem(images - 0.5), []
        for stage in self.down:
            x = stage(x)
            levels.append(x)
        x = self.across[-1](levels[-1])
        for number in reversed(range(len(self.merge))):
            x = functional.interpolate(x, scale_factor=2.0) + self.across[number](levels[number])
            x = self.merge[number](x)
        return self.output(x)


def cell_boxes(output: Tensor) -> Tensor:
    """The box that each cell sees, (N, 4, H, W) x0, y0, x1, y1 in pixels of the input; from the network's output."""
    height, width = output.shape[-2:]
    side = _SIDE_UNIT * output[:, 1:5].float().clamp(-6, 4).exp()
    y = torch.arange(height, device=output.device)[:, None] * STRIDE + (STRIDE - 1) / 2
    x = torch.arange(width, device=output.device)[None, :] * STRIDE + (STRIDE - 1) / 2
    left, top, right, bottom = side.unbind(1)
    return torch.stack((x - left, y - top, x + right, y + bottom), 1)


def sightings(output: Tensor, least: float, overlap: float) -> list[tuple[np.ndarray, float, float]]:
    """Box, angle and score of everybody in one picture's output, best first.

    Args:
        output: (7, H, W) of the network.
        least: score below which a cell is passed over.
        overlap: IoU from which the worse of two boxes is dropped.
    """
    heat = output[0].float().sigmoid()
    top = functional.max_pool2d(heat[None, None], 3, 1, 1)[0, 0]
    score = torch.where((heat >= top) & (heat >= least), heat, 0.0).flatten()
    score, order = score.sort(descending=True, stable=True)
    order = order[score > 0][:_MOST_SIGHTINGS].cpu()
    boxes = cell_boxes(output[None])[0].flatten(1).cpu()[:, order].T.double().numpy()
    axis = output[5:7].float().flatten(1).cpu()[:, order].T.numpy()
    angle = np.rad2deg(np.arctan2(axis[:, 1], axis[:, 0]))
    kept: list[int] = []
    for number in range(len(order)):
        if not kept or iou(boxes[number], boxes[kept]).max() < overlap:
            kept.append(number)
    return [(boxes[number], float(angle[number]), float(score[number])) for number in kept]


def iou(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(K,) intersection over union of one box (4,) with others (K, 4)."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    common = np.clip(high - low, 0, None).prod(-1)
    areas = (box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(-1)
    return common / np.maximum(areas - common, 1e-9)


def find(network: FinderNetwork, photo: np.ndarray) -> list[Sighting]:
    """Everybody whom the finder sees in a photo, best first: the mean of what it sees at each of several sizes.

    Args:
        network: in evaluation mode.
        photo: (H, W, 3) uint8 RGB.
    """
    sizes = [_COARSEST * math.ceil(scale * network.config.input_size / _COARSEST) for scale in _SCALES]
    return fuse([_find_at(network, photo, size) for size in sizes])


def fuse(looks: list[list[Sighting]]) -> list[Sighting]:
    """What several looks at one photo say together, best first, as in weighted boxes fusion (Solovyev et al., 2021).

    Boxes are means weighed by score, the turn is that of the surest look, and the score the mean over the looks, of
    which those that miss somebody count as 0.

    Args:
        looks: sightings of each.
    """
    people: list[list[Sighting]] = []
    for look in looks:
        known = _matched([one.box for one in look], [_mean_box(seen) for seen in people])
        for number, one in enumerate(look):
            if number in known:
                people[known[number]].append(one)
            else:
                people.append([one])
    found = []
    for seen in people:
        surest = max(seen, key=lambda one: one.score)
        found.append(Sighting(_mean_box(seen), surest.angle, sum(one.score for one in seen) / len(looks)))
    return sorted(found, key=lambda one: -one.score)


def _matched(boxes: list[np.ndarray], others: list[np.ndarray]) -> dict[int, int]:
    """Which of the others each box is, by number; greedy by IoU, each of them at most once."""
    pairs: dict[int, int] = {}
    if not boxes or not others:
        return pairs
    overlap = np.array([iou(box, np.array(others)) for box in boxes])
    while overlap.max() >= _SAME:
        box, other = np.unravel_index(overlap.argmax(), overlap.shape)
        pairs[int(box)] = int(other)
        overlap[box], overlap[:, other] = 0, 0
    return pairs


def _mean_box(seen: list[Sighting]) -> np.ndarray:
    """Box (4,) of one person's sightings, weighed by score."""
    return np.average([one.box for one in seen], axis=0, weights=[one.score for one in seen])


@torch.inference_mode()
def _find_at(network: FinderNetwork, photo: np.ndarray, size: int) -> list[Sighting]:
    """What the finder sees in a photo whose longer side is made ``size`` pixels."""
    config, device = network.config, next(network.parameters()).device
    height, width = photo.shape[:2]
    window = letterbox(width, height, size)
    image = torch.from_numpy(window.cut(photo)).permute(2, 0, 1)[None].float().div(255).to(device)
    output = network(image.contiguous(memory_format=torch.channels_last))[0]
    found = []
    for box, angle, score in sightings(output, config.least, config.overlap):
        corners = window.to_photo(box.reshape(2, 2))
        corners = np.clip(corners, -0.5, [width - 0.5, height - 0.5])
        if (corners[1] - corners[0]).min() >= 1:
            found.append(Sighting(corners.ravel(), angle, score))
    return found


def _convolution(low: int, high: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution, batch normalisation, ReLU."""
    convolution = nn.Conv2d(low, high, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(high), nn.ReLU())
