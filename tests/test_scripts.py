"""The commands that time the page and take its picture, for real."""

import re

import pytest
from PIL import Image

from scripts import page_picture, page_timing


@pytest.mark.slow
@pytest.mark.browser
def test_the_page_is_timed_at_both_widths_and_its_picture_is_that_of_the_screen(capsys, tmp_path):
    assert page_timing.main(["--visits", "1"]) == 0
    time, rest = r"([\d.]+) s.*?", r"shift ([\d.]+), .* ([\d.]+) kB"
    form = rf"(\d+) pixels .*? after {time} after {time} skeleton {time} view {time} {rest}"
    found = [[float(number) for number in row] for row in re.findall(form, capsys.readouterr().out)]
    assert [width for width, *_ in found] == [1440, 390]
    for _, sight, figure, skeleton, upload, shift, kilobytes in found:
        assert 0 < sight < figure < 120
        assert 0 < skeleton <= upload < 120
        assert shift < 0.1
        assert 500 < kilobytes < 3000
    assert page_picture.main(["--width", "390", "--out", str(tmp_path / "page.webp")]) == 0
    with Image.open(tmp_path / "page.webp") as picture:
        assert picture.size == (390, 844)
        assert len(picture.convert("RGB").getcolors(10**6)) > 1000
