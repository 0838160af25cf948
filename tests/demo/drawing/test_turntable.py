"""Bodies of triangles, and people on a turntable, drawn without a browser."""

import dataclasses

import numpy as np
import pytest

from demo.drawing.body_mesh import body_mesh
from demo.drawing.shades import side_rgb
from demo.drawing.stage import upright
from demo.drawing.turntable import turntable
from demo.exports import as_mp4
from fusion_model.skeletons import HUMAN36M_17
from fusion_model.video.clips import open_clip, read_frames


def test_the_body_is_flat_across_the_chest_and_ends_at_the_head(pose):
    mesh = body_mesh(HUMAN36M_17, upright(pose.joints_3d), np.ones(17), 1700)
    assert mesh.corners[:, 2].max() == pytest.approx(760, abs=12)
    waist = mesh.corners[np.abs(mesh.corners[:, 2] - 400) < 40]
    chest = waist[np.abs(waist[:, 0]) < 200]
    assert np.ptp(chest[:, 0]) > 1.3 * np.ptp(chest[:, 1])  # faces the camera: wide to the right, flat in depth


def colourful(picture):
    return np.ptp(picture.astype(int), axis=2) > 60


def middle_of(picture, side):
    """Mean x of what has the hue of a side."""
    blue, orange = picture[..., 2].astype(int) - picture[..., 0], np.array(side_rgb(side))
    coloured = blue > 60 if orange[2] > orange[0] else blue < -60
    return np.nonzero(coloured)[1].mean()


@pytest.mark.usefixtures("quick_turn")
def test_the_clip_of_a_turn_lasts_three_seconds_and_starts_on_the_camera_s_side(pose, photo, tmp_path):
    (tmp_path / "turn.mp4").write_bytes(as_mp4.encode(pose, photo))
    clip = open_clip(tmp_path / "turn.mp4")
    assert (clip.width, clip.height, clip.frames, clip.seconds) == (96, 96, 12, pytest.approx(3, abs=0.05))
    frames = [frame for _, _, frame in read_frames(clip)]
    assert middle_of(frames[0], "left") > 48 > middle_of(frames[0], "right")
    assert middle_of(frames[6], "left") < 48 < middle_of(frames[6], "right")
    assert frames[0][:4].min() > 200  # the background, over the head


def test_several_people_and_somebody_cut_off_are_drawn(photo, pose):
    beside = dataclasses.replace(pose, joints_2d=pose.joints_2d + np.float32([90, 0]))
    (two,), (one,) = turntable([pose, beside], photo, 160, 1), turntable([pose], photo, 160, 1)
    assert colourful(two).any(0).sum() > colourful(one).any(0).sum()
    nobody = dataclasses.replace(pose, status=("outside",) * 17)
    assert not colourful(next(turntable([nobody], photo, 80, 1))).any()
