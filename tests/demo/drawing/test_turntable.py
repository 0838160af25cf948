"""People on a turntable, drawn without a browser."""

import dataclasses

import numpy as np
import pytest

from demo.drawing.shades import side_rgb
from demo.drawing.turntable import turntable
from demo.exports import as_mp4
from fusion_model.video.clips import open_clip, read_frames


def middle_of(picture, side):
    """Mean x of what has the hue of a side."""
    blue, orange = picture[..., 2].astype(int) - picture[..., 0], np.array(side_rgb(side))
    coloured = blue > 60 if orange[2] > orange[0] else blue < -60
    return np.nonzero(coloured)[1].mean()


def test_people_turn_once_from_the_camera_s_side(pose):
    ahead, aside, behind, _ = turntable([pose], None, 160, 4)
    assert middle_of(ahead, "left") > 80 > middle_of(ahead, "right")
    assert middle_of(behind, "left") < 80 < middle_of(behind, "right")
    assert abs(middle_of(aside, "left") - middle_of(aside, "right")) < 15
    for picture in (ahead, aside, behind):
        assert picture.shape == (160, 160, 3)
        assert picture[:8].min() > 215  # the background, over the head


def test_a_lamp_over_the_left_shoulder_of_the_eye_shades_the_body(pose):
    (picture,) = turntable([pose], None, 240, 1)
    grey = np.ptp(picture.astype(int), axis=2) < 24
    bright = picture[100].mean(1)[(grey & (picture.max(2) < 190))[100]]
    assert len(bright) > 12
    assert bright[: len(bright) // 3].mean() > bright[-len(bright) // 3 :].mean() + 8
    assert np.abs(np.diff(bright)).max() < 20  # smooth, not in facets


def test_several_people_and_somebody_cut_off_are_drawn(photo, pose):
    beside = dataclasses.replace(pose, joints_2d=pose.joints_2d + np.float32([90, 0]))
    (two,) = turntable([pose, beside], photo, 160, 1)
    (one,) = turntable([pose], photo, 160, 1)
    assert (np.ptp(two.astype(int), axis=2) > 60).any(0).sum() > (np.ptp(one.astype(int), axis=2) > 60).any(0).sum()
    nobody = dataclasses.replace(pose, status=("outside",) * 17)
    assert next(turntable([nobody], photo, 80, 1)).shape == (80, 80, 3)


@pytest.mark.usefixtures("quick_turn")
def test_the_clip_lasts_three_seconds(pose, photo, tmp_path):
    (tmp_path / "turn.mp4").write_bytes(as_mp4.encode(pose, photo))
    clip = open_clip(tmp_path / "turn.mp4")
    assert (clip.width, clip.height, clip.frames, clip.seconds) == (96, 96, 12, pytest.approx(3, abs=0.05))
    frames = [frame for _, _, frame in read_frames(clip)]
    assert middle_of(frames[0], "left") > 48 > middle_of(frames[0], "right")
    assert middle_of(frames[6], "left") < 48 < middle_of(frames[6], "right")
