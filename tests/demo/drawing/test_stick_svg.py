"""Small drawings of people: all inside, to one scale, the nearer limb over the farther."""

import re

import numpy as np
import pytest

from demo.drawing.shades import side_css
from demo.drawing.stick_svg import Frame
from fusion_model.skeletons import HUMAN36M_17


@pytest.fixture
def joints(pose):
    return pose.joints_3d.astype(float)


def paths(svg, kind):
    """(M, 2) corners of the lines of a kind, one array a line."""
    found = re.findall(rf"<path class='{kind}'[^>]* d='([^']+)'", svg)
    return [np.array(re.findall(r"(-?\d+) (-?\d+)", one), int) for one in found]


def test_a_person_is_drawn_from_the_front_and_from_the_side(joints):
    svg = Frame([joints], HUMAN36M_17).draw(joints, name="Somebody & co")
    width, height = map(int, re.search(r"viewBox='0 0 (\d+) (\d+)'", svg).groups())
    assert "aria-label='Somebody &amp; co'" in svg
    for part, right in zip(svg.split("<g ")[1:], (0, 2), strict=True):
        points = np.unique(np.concatenate(paths(part, "limb")), axis=0)
        assert (points >= 0).all()
        assert (points <= [width / 2, height]).all()
        assert np.ptp(points, axis=0) == pytest.approx(np.ptp(joints[:, [right, 1]], axis=0), abs=1)


@pytest.mark.parametrize(("axis", "view", "nearer"), [(2, 0, -1), (0, 1, 1)])
def test_the_nearer_limb_lies_over_the_farther(joints, axis, view, nearer):
    arms = [HUMAN36M_17.joints.index(f"left_{name}") for name in ("shoulder", "elbow", "wrist")]
    for shift, place in ((3000, -1), (-3000, 0)):
        moved = joints.copy()
        moved[arms, axis] += nearer * shift
        drawn = Frame([moved], HUMAN36M_17).draw(moved, name="").split("<g ")[1:][view]
        assert re.findall(r"stroke='([^']+)'", drawn)[place] == side_css("left")
