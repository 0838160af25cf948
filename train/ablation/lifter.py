"""The baseline that a fusion network has to beat: 3D from the decoded joints alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fusion_model.config import FusionConfig
from fusion_model.heatmaps import decode_smoothed

WIDTH, DROPOUT = 1024, 0.5


class Lifter(nn.Module):
    """Two residual blocks on the decoded joints (Martinez et al., ICCV 2017), trained as a fusion network is.

    It reads what the library shows as 2D joints: x, y and height of each map's peak. The photo does not count.

    Args:
        config: of the fusion networks beside it; number of maps, joint set and unit of the output count.

    Attributes:
        alpha: None, and so is ``beta``: nothing is mixed.
        is_soft: False, likewise.
    """

    alpha = beta = None
    is_soft = False

    def __init__(self, config: FusionConfig) -> None:
        super().__init__()
        self.config = config
        self.input = _layer(3 * config.map_joints)
        self.blocks = nn.ModuleList(nn.Sequential(_layer(WIDTH), _layer(WIDTH)) for _ in range(2))
        self.output = nn.Linear(WIDTH, 3 * config.joints)

    def forward(self, _image: Tensor, maps: Tensor) -> Tensor:
        """(N, joints, 3) mm from maps (N, map_joints, S, S), as :meth:`fusion_model.fusion.FusionNetwork.forward`."""
        points, heights = decode_smoothed(maps)
        points = 2 * (points + 0.5) / maps.shape[-1] - 1
        x = self.input(torch.cat((points.flatten(1), heights), 1))
        for block in self.blocks:
            x = x + block(x)
        return self.output(x).unflatten(1, (self.config.joints, 3)) * self.config.output_unit_mm

    def fusion_penalty(self, _sharpness: float) -> Tensor:
        """() zero: there is no alpha."""
        return self.output.weight.new_zeros(())


def _layer(inputs: int) -> nn.Sequential:
    """Linear map to the common width, normalisation, ReLU, dropout."""
    return nn.Sequential(nn.Linear(inputs, WIDTH), nn.BatchNorm1d(WIDTH), nn.ReLU(), nn.Dropout(DROPOUT))
