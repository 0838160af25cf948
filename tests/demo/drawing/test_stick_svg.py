"""Small drawings of people: all inside, to one scale, the nearer limb over the farther."""

import re

import numpy as np
import pytest

from demo.drawing.shades import side_css
from demo.drawing.stick_svg import Frame
from fusion_model.skeletons import HUMAN36M_17, SKELETONS


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
    front, side = (paths(part, "limb") for part in svg.split("<g ")[1:])
    assert len(front) == len(side) == 6  # arms, legs, trunk, head
    assert "aria-label='Somebody &amp; co'" in svg
    for view, right in ((front, 0), (side, 2)):
        points = np.unique(np.concatenate(view), axis=0)
        assert (points >= 0).all()
        assert (points <= [width / 2, height]).all()
        assert np.ptp(points[:, 0]) == pytest.approx(np.ptp(joints[:, right]), abs=1)
        assert np.ptp(points[:, 1]) == pytest.approx(np.ptp(joints[:, 1]), abs=1)


def test_the_nearer_limb_lies_over_the_farther(joints):
    arms = [HUMAN36M_17.joints.index(f"left_{name}") for name in ("shoulder", "elbow", "wrist")]

    def order(moved):
        """Colours of the limbs as they are drawn from the front and from the side."""
        parts = Frame([moved], HUMAN36M_17).draw(moved, name="").split("<g ")[1:]
        return [re.findall(r"stroke='([^']+)'", part) for part in parts]

    for axis, view, nearer in ((2, 0, -1), (0, 1, 1)):
        moved = joints.copy()
        moved[arms, axis] += nearer * 3000
        assert order(moved)[view][-1] == side_css("left")
        moved[arms, axis] -= nearer * 6000
        assert order(moved)[view][0] == side_css("left")


def test_the_other_person_lies_behind_or_over_it(joints):
    frame = Frame([joints, joints + 200], HUMAN36M_17)
    behind = frame.draw(joints, joints + 200, name="")
    over = frame.draw(joints, joints + 200, name="", dashed=True)
    assert behind.index("class='under'") < behind.index("class='limb'")
    assert over.rindex("class='dashed'") > over.rindex("class='limb'")
    assert paths(behind, "under")[0].min() >= 0


@pytest.mark.parametrize("name", SKELETONS)
def test_every_bone_of_every_joint_set_is_drawn_once(name):
    skeleton = SKELETONS[name]
    joints = np.random.default_rng(0).normal(0, 300, (len(skeleton), 3))
    front = Frame([joints], skeleton).draw(joints, name="").split("<g ")[1]
    assert sum(len(line) - 1 for line in paths(front, "limb")) == len(skeleton.bones)
