"""Sample pictures for the logs: what a fusion network in training makes of a few validation people."""

from __future__ import annotations

import numpy as np
import torch

from fusion_model.drawing import draw_bones
from fusion_model.fusion import FusionNetwork
from fusion_model.skeletons import HUMAN36M_17, SKELETONS, conversion_matrix
from train.fusion_stage.samples import FusionSamples
from train.hourglass_stage.pictures import PANEL, even_rows, panels, side_by_side

_GREY = (110, 110, 110)
_REACH_MM = 1100.0  # from the pelvis to the edge of a panel


@torch.inference_mode()
def pose_sheet(network: FusionNetwork, samples: FusionSamples, count: int = 6) -> np.ndarray:
    """A fusion network on a few people: (3 P, n P, 3) uint8, crops, found poses from ahead, found poses from the side.

    The true pose lies under the found one, in grey.
    """
    rows = even_rows(len(samples), count).to(samples.source.device)
    images, maps = samples.inputs(rows)
    carried = conversion_matrix(SKELETONS[network.config.skeleton], HUMAN36M_17)
    found, truth = carried @ network(images, maps).float().cpu().numpy(), samples.pose[rows].cpu().numpy()
    poses = []
    for axes in ((0, 1), (2, 1)):
        row = []
        for pose, true in zip(found, truth, strict=True):
            panel = np.full((PANEL, PANEL, 3), 30, np.uint8)
            for joints, colour in ((true, _GREY), (pose, None)):
                flat = (joints[:, axes] / _REACH_MM + 1) * PANEL / 2
                draw_bones(panel, HUMAN36M_17, flat, carried.any(1), colour=colour)
            row.append(panel)
        poses.append(side_by_side(row))
    return np.concatenate((side_by_side(panels(images)), *poses))
