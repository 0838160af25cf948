"""The commands that time the page and take its picture, for real."""

import re

import pytest
from PIL import Image

from scripts import page_picture, page_timing
from scripts.page_timing import Timing, report


def test_the_report_has_the_medians_and_the_range():
    timings = [Timing(0.5, 1.0, 0.02, 2000), Timing(0.5, 3.0, 0.04, 2000), Timing(0.5, 1.5, 0.03, 2000)]
    said = report(390, timings)
    assert "390 pixels wide, 3 visits: first result after 1.50 s (1.00 s to 3.00 s)" in said
    assert "upload to skeleton 0.50 s, largest layout shift 0.030 (0.020 to 0.040)" in said
    assert "sent until the first result 2000 kB" in said


@pytest.mark.slow
@pytest.mark.browser
def test_a_page_is_timed_at_both_widths(capsys):
    assert page_timing.main(["--visits", "1"]) == 0
    form = r"(\d+) pixels .* after ([\d.]+) s, upload to skeleton ([\d.]+) s, .* shift ([\d.]+), .* ([\d.]+) kB"
    found = re.findall(form, capsys.readouterr().out)
    assert [int(width) for width, *_ in found] == [1440, 390]
    for _, first, upload, shift, kilobytes in found:
        assert 0 < float(first) < 120
        assert 0 < float(upload) < 120
        assert 0 <= float(shift) < 1
        assert 500 < float(kilobytes) < 4000


@pytest.mark.slow
@pytest.mark.browser
def test_the_picture_is_that_of_the_screen(tmp_path):
    assert page_picture.main(["--width", "390", "--out", str(tmp_path / "page.webp")]) == 0
    with Image.open(tmp_path / "page.webp") as picture:
        assert picture.size == (390, 844)
        assert len(picture.convert("RGB").getcolors(10**6)) > 1000
