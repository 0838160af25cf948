"""The picture of the README: three panels, of which the last one turns the right way."""

import numpy as np
import pytest
from PIL import Image

from fusion_model.drawing import SIDE_COLOURS
from fusion_model.pose import Pose
from fusion_model.skeletons import HUMAN36M_17
from scripts import overview


def t_pose():
    """Somebody who faces the camera with the arms out, the left one to the right of the picture and towards it."""
    joints = np.zeros((17, 3), np.float32)
    heights = {"ankle": 800, "knee": 400, "spine": -250, "thorax": -500, "neck": -600, "head": -850, "shoulder": -500}
    for number, name in enumerate(HUMAN36M_17.joints):
        sign = {"left": 1, "right": -1}.get(name.split("_")[0], 0)
        part = name.removeprefix("left_").removeprefix("right_").split("_")[0]
        reach = {"shoulder": 180, "elbow": 450, "wrist": 700}.get(part, 120)
        joints[number] = sign * reach, heights.get(part, -500 if part in ("elbow", "wrist") else 0), -sign * reach / 4
    nothing = np.zeros((17, 2), np.float32)
    return Pose(joints, nothing, nothing[:, 0], ("seen",) * 17, nothing, nothing, nothing, 0, 1, "human36m_17", 1700)


def middle_of(panel, side):
    """Mean x of the pixels in the colour of a side."""
    return np.argwhere((panel == SIDE_COLOURS[side]).all(-1))[:, 1].mean()


def test_the_skeleton_turns():
    ahead, behind, aside = (overview.turned(t_pose(), degrees) for degrees in (0, 180, 90))
    half = overview.SIDE / 2
    assert middle_of(ahead, "left") > half > middle_of(ahead, "right")
    assert middle_of(behind, "left") < half < middle_of(behind, "right")
    # from the left of the picture, what is towards the camera lies to the right
    assert middle_of(aside, "left") > half > middle_of(aside, "right")


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
