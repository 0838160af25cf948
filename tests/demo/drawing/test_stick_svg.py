"""Small drawings of people: all inside, to one scale, the nearer limb over the farther."""

import re

import numpy as np

from demo.drawing.stick_svg import Frame
from fusion_model.skeletons import HUMAN36M_17
from tests.helpers.drawn import odd_pose
from tests.helpers.earlier import assert_as_before


def test_a_person_is_drawn_from_the_front_and_from_the_side_as_before(photo):
    joints = odd_pose(photo).joints_3d.astype(float)
    other = joints + np.array([-50, 30, 20])
    frame = Frame([joints, other], HUMAN36M_17)
    for name, under, dashed in (("alone", None, False), ("under", other, False), ("dashed", other, True)):
        svg = frame.draw(joints, under, name="Somebody & co", dashed=dashed)
        assert "aria-label='Somebody &amp; co'" in svg
        numbers, words = np.array(re.findall(r"-?\d+", svg), float), re.sub(r"-?\d+", "", svg)
        assert_as_before(f"sticks: {name}", [numbers[None] / 1000, re.split("(?=<)", words)], file="drawing.json")
        width, height = numbers[2:4]
        for x, y in re.findall(r"[ML](-?\d+) (-?\d+)", svg):
            assert 0 <= int(x) <= width / 2
            assert 0 <= int(y) <= height
