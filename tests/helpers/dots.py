"""Photos of dots, sixteen colours for sixteen joints, and networks whose answers about them are known."""

import cv2
import numpy as np
import torch
from torch import nn

from fusion_model.heatmaps import encode, to_map_coordinates
from fusion_model.presets import PRESETS
from fusion_model.skeletons import HUMAN36M_17, MPII_16, conversion_matrix
from tests.helpers.fake_data import figure

INPUT_SIZE = 128
PERSON = figure(MPII_16, 0, 1)  # 2.2 high and 1.1 wide; the two sides differ, so that a wrong mirror shows
TO_17 = conversion_matrix(MPII_16, HUMAN36M_17)
DEPTH = 50.0 * np.minimum(np.arange(17), HUMAN36M_17.mirror)  # mm, the same on both sides, 0 at the pelvis


def colours():
    """(16, 3) fully saturated colours, hues 22.5 degrees apart."""
    hue = np.arange(16) * 22.5
    return cv2.cvtColor(np.stack((hue, np.ones(16), np.ones(16)), 1).astype(np.float32)[None], cv2.COLOR_HSV2RGB)[0]


def place(center, size):
    return np.asarray(center, float) + size * PERSON


def paint(photo, joints, radius):
    """Draw one dot a joint, in place."""
    for point, colour in zip(joints, colours(), strict=True):
        rows, columns = np.indices(photo.shape[:2])
        inside = (columns - point[0]) ** 2 + (rows - point[1]) ** 2 <= radius**2
        photo[inside] = (255 * colour).round()
    return photo


def photo_of(*people, width=360, height=360, size=120):
    photo = np.zeros((height, width, 3), np.uint8)
    for center in people:
        paint(photo, place(center, size), size / 18)
    return photo


def mirrored(maps):
    """Whether the dots of a body that faces us show that its crop was mirrored: then left is right."""
    names = ("thorax", "pelvis", "right_shoulder", "left_shoulder")
    corners = [np.array(divmod(maps[MPII_16.index(name)].argmax().item(), maps.shape[-1])) for name in names]
    down, across = corners[1] - corners[0], corners[3] - corners[2]
    return down[1] * across[0] - down[0] * across[1] > 0


class DotHourglass(nn.Module):
    """Draws a peak at the middle of each patch of a joint's colour, the higher the more upright the body stands."""

    def __init__(self):
        super().__init__()
        self.anything = nn.Parameter(torch.zeros(1))
        self.colours = nn.functional.normalize(torch.from_numpy(colours()), dim=1)

    def maps_and_features(self, image):
        """As forward, and nothing (N, 1, H / 32, W / 32)."""
        return self(image), torch.zeros(len(image), 1, image.shape[-2] // 32, image.shape[-1] // 32)

    def forward(self, image):
        """One (N, 16, H / 4, W / 4) a stack, the last one right."""
        side = image.shape[-1] // 4
        brightness = image.amax(1)
        nearest = torch.einsum("nchw,jc->njhw", nn.functional.normalize(image, dim=1), self.colours).argmax(1)
        maps = torch.zeros(len(image), 16, side, side)
        for row in range(len(image)):
            for joint in range(16):
                weight = torch.where((nearest[row] == joint) & (brightness[row] > 0.3), brightness[row], 0.0).numpy()
                count, labels = cv2.connectedComponents((weight > 0).astype(np.uint8))
                for label in range(1, count):
                    y, x = np.nonzero(labels == label)
                    if len(y) < 3:
                        continue
                    middle = torch.tensor([np.average(x, weights=weight[y, x]), np.average(y, weights=weight[y, x])])
                    peak = encode(to_map_coordinates(middle.float()), (side, side), 1.25)
                    maps[row, joint] = torch.maximum(maps[row, joint], peak)
            if mirrored(maps[row]):
                maps[row] = maps[row, list(MPII_16.mirror)]
            thorax, pelvis = (torch.argmax(maps[row, MPII_16.index(name)]) // side for name in ("thorax", "pelvis"))
            maps[row] = (maps[row] * (1.0 if thorax < pelvis else 0.9)).clamp_min(0.02)
        return [torch.zeros_like(maps), maps]


class FlatFusion(nn.Module):
    """Reads the pose off the maps: 10 mm a pixel of its input, depth by joint; knows where hidden joints are."""

    config = PRESETS["tiny"].fusion

    def forward(self, image, maps, _readings):
        """(N, 17, 3) mm."""
        assert (image.shape[1:], maps.shape[1:]) == ((3, 32, 32), (16, 32, 32))
        axis = torch.arange(32, dtype=torch.float32)
        weight = (maps - 0.06).clamp_min(1e-9)
        total = weight.sum((2, 3))
        points = torch.stack(((weight.sum(2) * axis).sum(2) / total, (weight.sum(3) * axis).sum(2) / total), 2)
        pelvis, thorax = points[:, MPII_16.index("pelvis")], points[:, MPII_16.index("thorax")]
        figure = torch.from_numpy(PERSON - PERSON[MPII_16.index("pelvis")]).float()
        guess = pelvis[:, None] + figure * (thorax - pelvis).norm(dim=1)[:, None, None] / 0.73
        points = torch.where((maps.amax((2, 3)) > 0.3)[:, :, None], points, guess)
        flat = torch.from_numpy(TO_17) @ points
        return torch.cat((10 * flat, torch.from_numpy(DEPTH).float().expand(len(image), 17)[:, :, None]), 2)
