"""Bodies of triangles, and people on a turntable, drawn without a browser."""

import dataclasses

import numpy as np
import pytest

from demo.drawing.body_mesh import body_parts, vertex_normals
from demo.drawing.stage import upright
from demo.drawing.turntable import turntable
from demo.exports import as_mp4
from fusion_model.skeletons import HUMAN36M_17
from fusion_model.video.clips import open_clip, read_frames
from tests.helpers.drawn import coarse, odd_pose
from tests.helpers.earlier import assert_as_before

NECK, HEAD, SHOULDER = (HUMAN36M_17.index(name) for name in ("neck", "head_top", "left_shoulder"))


def test_bodies_are_made_of_the_same_parts_as_before(photo):
    points = upright(odd_pose(photo).joints_3d)
    opacity = np.random.default_rng(1).uniform(0.2, 1, 17)
    for hidden, factor in ((SHOULDER, 1), (None, 1), (None, 2)):
        strength = np.where(np.arange(17) == hidden, 0, opacity)
        parts = body_parts(HUMAN36M_17, factor * points, strength, factor * 1700, 8)
        thing = [[joints, mesh.corners / 1000, mesh.faces, mesh.shades] for joints, mesh in parts]
        assert_as_before(f"body: {hidden} x {factor}", thing, file="drawing.json")
    short = odd_pose(photo).joints_3d.copy()
    short[NECK] = short[HEAD] + 30  # seen along the neck, a head has its size, too
    head = dict(body_parts(HUMAN36M_17, upright(short), opacity, 1700, 12))[NECK, HEAD]
    assert_as_before("short neck", head.corners / 1000, file="drawing.json")
    assert vertex_normals(np.zeros((3, 3)), np.array([[0, 1, 2]])).tolist() == [[0, 1, 0]] * 3  # of no size


@pytest.mark.usefixtures("quick_turn")
def test_the_clip_of_a_turn_lasts_three_seconds(pose, photo, tmp_path):
    (tmp_path / "turn.mp4").write_bytes(as_mp4.encode(pose, photo))
    clip = open_clip(tmp_path / "turn.mp4")
    assert (clip.width, clip.height, clip.frames, clip.seconds) == (96, 96, 12, pytest.approx(3, abs=0.05))
    for (_, _, frame), picture in zip(read_frames(clip), turntable([pose], photo, 96, 12), strict=True):
        assert np.abs(frame.astype(float) - picture).mean() < 6


def test_everybody_who_is_seen_is_drawn_with_light_and_shadow_as_before(photo):
    pose = odd_pose(photo)
    beside = dataclasses.replace(pose, joints_2d=pose.joints_2d + np.float32([250, 0]))
    nobody = dataclasses.replace(pose, status=("outside",) * 17)
    for name, people in (("one", [pose]), ("three", [pose, beside, pose]), ("nobody", [nobody])):
        pictures = [coarse(picture) for picture in turntable(people, photo, 160, 3)]
        assert_as_before(f"turntable: {name}", pictures, near=0.02, file="drawing.json")
