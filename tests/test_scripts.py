"""The commands that make the README's picture, time the page and take its picture, for real."""

import re

import numpy as np
import pytest
from PIL import Image

from fusion_model.drawing import SIDE_COLOURS
from scripts import overview, page_picture, page_timing
from scripts.page_timing import Timing, report
from tests.helpers.stand_in import make_pose


def middle_of(degrees, side):
    """Mean x of the pixels in the colour of a side, from the middle of the panel, after a turn."""
    panel = overview.turned(make_pose(np.zeros((300, 400, 3), np.uint8)), degrees)
    return np.argwhere((panel == SIDE_COLOURS[side]).all(-1))[:, 1].mean() - overview.SIDE / 2


def test_the_skeleton_turns():
    """The person faces the camera, the left arm to the right of the picture and towards us."""
    assert middle_of(0, "left") > 0 > middle_of(0, "right")
    assert middle_of(180, "left") < 0 < middle_of(180, "right")
    assert middle_of(90, "left") > 0, "from the left of the picture, what is towards the camera lies to the right"


@pytest.mark.slow
def test_the_overview_has_three_panels_and_moves(tmp_path):
    overview.main(["--out", str(tmp_path / "picture.webp")])
    with Image.open(tmp_path / "picture.webp") as picture:
        assert picture.size == (3 * overview.SIDE, overview.SIDE)
        assert picture.n_frames == overview.STEPS
        first = np.asarray(picture.convert("RGB"), int)
        picture.seek(9)
        moved = np.abs(np.asarray(picture.convert("RGB"), int) - first).mean((0, 2))
    assert moved[2 * overview.SIDE :].max() > 20
    assert moved[: 2 * overview.SIDE].max() < 4  # nothing but the rounding of the format


def test_the_report_has_the_medians_and_the_range():
    timings = [Timing(0.5, first, shift, 2000) for first, shift in ((1.0, 0.02), (3.0, 0.04), (1.5, 0.03))]
    assert report(390, timings) == (
        "390 pixels wide, 3 visits: first result after 1.50 s (1.00 s to 3.00 s), upload to skeleton 0.50 s, "
        "largest layout shift 0.030 (0.020 to 0.040), sent until the first result 2000 kB"
    )


@pytest.mark.slow
@pytest.mark.browser
def test_the_page_is_timed_at_both_widths_and_its_picture_is_that_of_the_screen(capsys, tmp_path):
    assert page_timing.main(["--visits", "1"]) == 0
    form = r"(\d+) pixels .* after ([\d.]+) s, upload to skeleton ([\d.]+) s, .* shift ([\d.]+), .* ([\d.]+) kB"
    found = [[float(number) for number in row] for row in re.findall(form, capsys.readouterr().out)]
    assert [width for width, *_ in found] == [1440, 390]
    for _, first, upload, shift, kilobytes in found:
        assert 0 < min(first, upload) <= max(first, upload) < 120
        assert 0 <= shift < 1
        assert 500 < kilobytes < 4000
    assert page_picture.main(["--width", "390", "--out", str(tmp_path / "page.webp")]) == 0
    with Image.open(tmp_path / "page.webp") as picture:
        assert picture.size == (390, 844)
        assert len(picture.convert("RGB").getcolors(10**6)) > 1000
