"""The detector: a small convolutional network that points at every person of a photo in one pass.

At each cell of an 8-pixel grid it says how likely the middle of a person's box lies there, how far the box's four
sides are, and which way the body stands (as CenterNet and FCOS do, with the body axis added).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from fusion_model.boxes import iou
from fusion_model.config import DetectorConfig
from fusion_model.crops import letterbox
from fusion_model.hourglass import Residual, make_front
from fusion_model.threads import Threads

STRIDE = 8  # pixels of the input a cell
_SIDE_UNIT = 32.0  # pixels of the input: the distance of a box's side where the network says 0
_RARE = -4.6  # first guess of the logit: one cell in a hundred


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


class PersonDetector(nn.Module):
    """Photo -> grid of people.

    The backbone is that of a hourglass, its first layers and its way down, deeper where that costs little, so that it
    can start from the weights of a trained one; a pyramid brings its levels together (Lin et al., CVPR 2017).

    Args:
        config: channels, depth and input size.
    """

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        self.config = config
        width, head = config.width, config.head
        self.front = make_front(width)
        self.down = nn.ModuleList(Residual(width, width) for _ in config.depths)
        self.deeper = nn.ModuleList(
            nn.Sequential(*(Residual(width, width) for _ in range(depth))) for depth in config.depths
        )
        self.across = nn.ModuleList(nn.Conv2d(width, head, 1) for _ in config.depths)
        self.merge = nn.ModuleList(_convolution(head, head) for _ in config.depths[:-1])
        self.output = nn.Conv2d(head, 7, 1)
        with torch.no_grad():
            for block in (block for level in self.deeper for block in level):
                block.conv3.weight.zero_()  # nothing is added at first: the backbone starts as the hourglass's
            self.output.bias.zero_()
            self.output.bias[0] = _RARE

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, S, S) in [0, 1] -> (N, 7, S / 8, S / 8): logit, four sides (log), cosine and sine of the body axis."""
        x, levels = self.front(images - 0.5), []
        for down, deeper in zip(self.down, self.deeper, strict=True):
            x = deeper(down(functional.max_pool2d(x, 2)))
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
    network: nn.Module, photo: np.ndarray, config: DetectorConfig, threads: Threads | None = None
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


def flip_averaged(output: Tensor) -> Tensor:
    """Mean (N, 7, H, W) of the output of N pictures and that of their mirror images after them, turned back."""
    plain, mirrored = output.chunk(2)
    mirrored = torch.flip(mirrored, dims=(3,))[:, [0, 3, 2, 1, 4, 5, 6]]  # left and right are exchanged
    mirrored[:, 6] *= -1
    return (plain + mirrored) / 2


def _convolution(low: int, high: int) -> nn.Sequential:
    """3x3 convolution, batch normalisation, ReLU."""
    return nn.Sequential(nn.Conv2d(low, high, 3, padding=1, bias=False), nn.BatchNorm2d(high), nn.ReLU(inplace=True))
