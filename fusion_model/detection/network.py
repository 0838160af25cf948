"""The detector's network: a small convolutional network that looks at a whole photo in one pass.

At each cell of an 8-pixel grid it says how likely the middle of a person's box lies there, how far the box's four
sides are, and which way the body stands (as CenterNet and FCOS do, with the body axis added).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from fusion_model.config import DetectorConfig
from fusion_model.hourglass import Residual, make_front

STRIDE = 8  # pixels of the input a cell
_SIDE_UNIT = 32.0  # pixels of the input: the distance of a box's side where the network says 0
_RARE = -4.6  # first guess of the logit: one cell in a hundred


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
                for parameter in block.conv3.parameters():
                    parameter.zero_()  # nothing is added at first: the backbone starts as the hourglass's
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


def flip_averaged(output: Tensor) -> Tensor:
    """Mean (N, 7, H, W) of the output of N pictures and that of their mirror images after them, turned back."""
    plain, mirrored = output.chunk(2)
    mirrored = torch.flip(mirrored, dims=(3,))[:, [0, 3, 2, 1, 4, 5, 6]]  # left and right are exchanged
    mirrored[:, 6] *= -1
    return (plain + mirrored) / 2


def _convolution(low: int, high: int) -> nn.Sequential:
    """3x3 convolution, batch normalisation, ReLU."""
    return nn.Sequential(nn.Conv2d(low, high, 3, padding=1, bias=False), nn.BatchNorm2d(high), nn.ReLU(inplace=True))
