"""Small drawings of people: all inside, to one scale, the nearer limb over the farther."""

import re

import numpy as np
import pytest

from demo.drawing.shades import side_css
from demo.drawing.stick_svg import Frame
from fusion_model.skeletons import HUMAN36M_17


def test_a_person_is_drawn_from_the_front_and_from_the_side(pose):
    joints = pose.joints_3d.astype(float)
    other = joints + np.array([-50, 30, 20])
    frame = Frame([joints, other], HUMAN36M_17)
    svg = frame.draw(joints, name="Somebody & co")
    width, height = map(int, re.search(r"viewBox='0 0 (\d+) (\d+)'", svg).groups())
    assert "aria-label='Somebody &amp; co'" in svg
    assert [width, height] == pytest.approx(
        [2 * (np.ptp(joints[:, 0]) + 50 + 220), np.ptp(joints[:, 1]) + 30 + 220], abs=2
    )
    assert re.findall(r"translate\((\d+) 0\)", svg) == ["0", str(width // 2)]
    for part, right in zip(svg.split("<g ")[1:], (0, 2), strict=True):
        limbs = re.findall(r"<path class='limb'[^>]* d='([^']+)'", part)
        points = np.array(re.findall(r"(-?\d+) (-?\d+)", " ".join(limbs)), int)
        assert (points >= 0).all()
        assert (points <= [width / 2, height]).all()
        wrist = joints[HUMAN36M_17.index("left_wrist"), [right, 1]] - joints[:, [right, 1]].min(0)
        end = np.array(limbs[-1].split("L")[-1].split(), int) - points.min(0)
        assert end == pytest.approx(wrist, abs=1), "the left arm is nearest in both, and drawn last"
        assert np.ptp(points, axis=0) == pytest.approx(np.ptp(joints[:, [right, 1]], axis=0), abs=1)
        colours = dict(re.findall(r"<path class='limb' stroke='(\S+)' d='M[^']*L([^'L]+)'", part))
        assert colours[side_css("left")] == limbs[-1].split("L")[-1]
        assert len(re.findall(rf"stroke='{re.escape(side_css('right'))}'", part)) == 2
        neck, top = (joints[HUMAN36M_17.index(name), [right, 1]] for name in ("neck", "head_top"))
        head = np.array(re.search(r"cx='(-?\d+)' cy='(-?\d+)'", part).groups(), int) - points.min(0)
        assert head == pytest.approx(0.4 * neck + 0.6 * top - joints[:, [right, 1]].min(0), abs=1.5)
    for dashed, order in ((False, "under.*limb.*head"), (True, "limb.*head.*dashed")):
        views = frame.draw(joints, joints, name="", dashed=dashed).split("<g ")[1:]
        assert all(re.search(order, view) for view in views)

    def grey(under):
        """Where the other person's pelvis is in both drawings."""
        return np.array(re.findall(r"class='under' d='M(\d+) (\d+)", frame.draw(joints, under, name="")), int)

    assert grey(other) - grey(joints) == pytest.approx(np.array([(-50, 30), (20, 30)]), abs=1)
