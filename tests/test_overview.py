"""The picture of the README: three panels, of which the last one turns the right way."""

import numpy as np
import pytest
from PIL import Image

from fusion_model.drawing import SIDE_COLOURS
from scripts import overview
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
def test_the_picture_has_three_panels_and_moves(tmp_path):
    overview.main(["--out", str(tmp_path / "picture.webp")])
    with Image.open(tmp_path / "picture.webp") as picture:
        assert picture.size == (3 * overview.SIDE, overview.SIDE)
        assert picture.n_frames == overview.STEPS
        first = np.asarray(picture.convert("RGB"), int)
        picture.seek(9)
        moved = np.abs(np.asarray(picture.convert("RGB"), int) - first).mean((0, 2))
    assert moved[2 * overview.SIDE :].max() > 20
    assert moved[: 2 * overview.SIDE].max() < 4  # nothing but the rounding of the format
