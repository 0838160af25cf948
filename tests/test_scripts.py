"""The commands that time the page, take its picture, and draw that of the README."""

import re

import numpy as np
import pytest
from PIL import Image

from demo.drawing.overlays import draw_people, map_pictures
from scripts import overview, page_picture, page_timing
from tests.helpers.earlier import assert_as_before
from tests.helpers.stand_in import make_pose


def test_the_readme_s_picture_is_photo_maps_and_a_person_who_turns_to_and_fro(tmp_path, monkeypatch):
    monkeypatch.setattr(overview.PoseEstimator, "from_pretrained", lambda _: make_pose)
    photo, out = np.full((300, 400, 3), 90, np.uint8), tmp_path / "out.webp"
    Image.fromarray(photo).save(tmp_path / "photo.png")
    overview.main([str(tmp_path / "photo.png"), "--out", str(out)])
    pose, side = make_pose(photo), overview.SIDE
    with Image.open(out) as film:
        assert (film.n_frames, film.size) == (36, (3 * side, side))
        for number, degrees in ((0, 0), (9, 40), (27, -40)):
            film.seek(number)
            still = np.hstack((overview.square(draw_people(photo, [pose])), map_pictures(photo, pose, side)[0][0]))
            wanted = np.hstack((still, overview.turned(pose, degrees))).astype(int)
            off = np.abs(np.asarray(film.convert("RGB")) - wanted)
            assert (off.mean() < 4, off[:, 2 * side :].mean() < 2) == (True, True)
    panels = [overview.square(np.zeros((200, 100, 3), np.uint8)), *(overview.turned(pose, angle) for angle in (0, 90))]
    assert_as_before("overview", panels, file="page.json")


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
