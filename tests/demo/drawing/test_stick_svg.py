"""Small drawings of people: all inside, to one scale, the nearer limb over the farther."""

import re

import numpy as np
import pytest

from demo.drawing.stick_svg import Frame
from fusion_model.skeletons import HUMAN36M_17


def test_a_person_is_drawn_from_the_front_and_from_the_side(pose):
    joints = pose.joints_3d.astype(float)
    svg = Frame([joints], HUMAN36M_17).draw(joints, name="Somebody & co")
    width, height = map(int, re.search(r"viewBox='0 0 (\d+) (\d+)'", svg).groups())
    assert "aria-label='Somebody &amp; co'" in svg
    for part, right in zip(svg.split("<g ")[1:], (0, 2), strict=True):
        limbs = re.findall(r"<path class='limb'[^>]* d='([^']+)'", part)
        points = np.array(re.findall(r"(-?\d+) (-?\d+)", " ".join(limbs)), int)
        assert (points >= 0).all()
        assert (points <= [width / 2, height]).all()
        wrist = joints[HUMAN36M_17.index("left_wrist"), [right, 1]] - joints[:, [right, 1]].min(0)
        end = np.array(limbs[-1].split("L")[-1].split(), int) - points.min(0)
        assert end == pytest.approx(wrist, abs=1), "the left arm is nearest in both, and drawn last"
        assert np.ptp(points, axis=0) == pytest.approx(np.ptp(joints[:, [right, 1]], axis=0), abs=1)
