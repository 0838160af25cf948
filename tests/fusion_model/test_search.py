"""Which of several looks at a person counts."""

import numpy as np
import pytest
import torch

from fusion_model.config import PRESETS
from fusion_model.looks import Look
from fusion_model.people import Proposal
from fusion_model.search import Search
from fusion_model.skeletons import MPII_16

# A standing person in the photo's pixels, by the start of a joint's name.
STANDING = {
    "head": (0, -60), "neck": (0, -42), "thorax": (0, -38), "pelvis": (0, 0), "shoulder": (14, -36), "elbow": (20, -15),
    "wrist": (22, 5), "hip": (9, 0), "knee": (10, 30), "ankle": (10, 60),
}  # fmt: skip


def standing():
    points = []
    for joint in MPII_16.joints:
        x, y = next(place for name, place in STANDING.items() if name in joint)
        points.append((100 + (-x if joint.startswith("right") else x), 100 + y))
    return np.array(points, float)


class Scripted:
    """In place of the hourglass: every window shows the same person; the confidence is as written."""

    def __init__(self, *confidences):
        self.confidences = list(confidences)

    def look(self, _photos, crops):
        """One look for each window."""
        looks = []
        for crop in crops:
            sure = self.confidences.pop(0)
            maps = torch.zeros(16, 16, 16)
            looks.append(Look(crop, torch.zeros(3, 64, 64), maps, standing(), np.full(16, sure, np.float32), sure))
        return looks


@pytest.mark.parametrize(("first", "closer", "chosen"), [(0.7, 0.65, 1), (0.6, 0.8, 1), (0.8, 0.65, 0)])
def test_the_closer_look_counts_unless_the_first_is_a_good_deal_surer(first, closer, chosen):
    looker = Scripted(first, closer)
    photo = np.zeros((220, 200, 3), np.uint8)
    (found,) = Search(PRESETS["tiny"], looker, None)._look_closer(photo, [Proposal((100.0, 100.0), 170.0, 0.0, 0.5)])
    assert not looker.confidences
    assert found.score == pytest.approx((first, closer)[chosen])
