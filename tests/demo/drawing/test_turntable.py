"""Bodies of triangles, and people on a turntable, drawn without a browser."""

import dataclasses

import numpy as np
import pytest

from demo.drawing.body_mesh import TRUNK_PLACES, body_parts, capsule, vertex_normals
from demo.drawing.shades import shade
from demo.drawing.stage import upright
from demo.drawing.turntable import turntable
from demo.exports import as_mp4
from fusion_model.drawing import bone_side
from fusion_model.skeletons import HUMAN36M_17
from fusion_model.video.clips import open_clip, read_frames

NECK, HEAD, SHOULDER = (HUMAN36M_17.index(name) for name in ("neck", "head_top", "left_shoulder"))


def test_a_limb_is_a_rod_with_a_ring_of_its_own_radius_and_shade_round_each_end():
    start, way = np.array([5.0, 0, 9]), np.array([0.6, 0.8, 0])
    rod = capsule(np.stack((start, start + 500 * way)), np.array([20.0, 50]), [7, 90], steps=8)
    along, off = (rod.corners - start) @ way, np.linalg.norm(np.cross(rod.corners - start, way), axis=1)
    assert (along.min(), along.max()) == pytest.approx((-20, 550))
    for place, radius, tone in ((0, 20, 7), (500, 50, 90)):
        ring = np.isclose(along, place)
        assert off[ring] == pytest.approx(np.full(8, radius))
        assert rod.corners[ring].mean(0) == pytest.approx(start + place * way)
        assert {*rod.shades[ring]} == {tone}
    out = vertex_normals(rod.corners, rod.faces[:, ::-1]) @ way
    assert [*out[[0, -1]]] == pytest.approx([-1, 1], abs=0.06)
    assert vertex_normals(np.zeros((3, 3)), np.array([[0, 1, 2]])).tolist() == [[0, 1, 0]] * 3  # of no size


def test_each_joint_bone_and_trunk_is_a_closed_part_in_its_shade_that_grows_with_the_person(pose):
    points, opacity = upright(pose.joints_3d), np.linspace(0.3, 1, 17)
    opacity[SHOULDER] = 0
    own = [(joint,) for joint in range(17) if joint != HEAD] + [*HUMAN36M_17.bones]
    parts = body_parts(HUMAN36M_17, points, opacity, 1700, 8)
    assert [joints for joints, _ in parts] == [one for one in own if SHOULDER not in one]  # no trunk without it
    opacity[SHOULDER] = 0.2
    parts = body_parts(HUMAN36M_17, points, opacity, 1700, 8)
    for joints, mesh in parts:
        side = "middle" if len(joints) > 2 else bone_side(HUMAN36M_17, joints)
        assert {*mesh.shades} == {shade(side, opacity[[*joints]].min())}
        if len(joints) < 3 and HEAD not in joints:
            assert mesh.corners.mean(0) == pytest.approx(points[[*joints]].mean(0), abs=9)
        out = vertex_normals(mesh.corners, mesh.faces[:, ::-1])
        assert (out * (mesh.corners - mesh.corners.mean(0))).sum(1).mean() > 20, joints
    big = body_parts(HUMAN36M_17, 2 * points, opacity, 3400, 8)
    for (_, one), (_, other) in zip(parts, big, strict=True):
        np.testing.assert_allclose(other.corners, 2 * one.corners, atol=9)


def test_the_head_ends_at_its_top_and_the_trunk_bends_with_the_spine_wide_across_and_flat_in_depth(pose):
    points = upright(pose.joints_3d).astype(float)
    for shift in (0, 150):  # seen along the neck, a head has its size, too
        points[HEAD, 2] -= shift
        egg = dict(body_parts(HUMAN36M_17, points, np.ones(17), 1700, 12))[NECK, HEAD].corners - points[HEAD]
        along = egg @ (points[HEAD] - points[NECK]) / np.linalg.norm(points[HEAD] - points[NECK])
        assert along.max() == pytest.approx(8)
        assert np.ptp(egg[along > np.median(along), 0]) == pytest.approx(2 * 74)  # wider above
    points += np.random.default_rng(0).normal(0, 60, points.shape)
    joints, mesh = body_parts(HUMAN36M_17, points, np.ones(17), 1700, 8)[-1]
    assert [HUMAN36M_17.joints[joint] for joint in joints[-3:]] == ["thorax", "spine", "pelvis"]
    left, right, left_hip, right_hip, _, waist, _ = points[[*joints]]
    rings = mesh.corners.reshape(len(TRUNK_PLACES), 16, 3)
    middles, across = rings.mean(1), (rings[:, 0] - rings[:, 8]) / 2
    upper, lower = (left + right) / 2, (left_hip + right_hip) / 2
    for row, place in {2: upper, 5: waist, 9: lower + 0.32 * (lower - waist)}.items():
        assert middles[row] == pytest.approx(place)
    for row, span in {2: (left - right) / 2, 7: (left_hip - right_hip) / 2}.items():
        assert np.linalg.norm(across[row] - span) < 0.3 * np.linalg.norm(span)
    thick = np.linalg.norm(rings[2:8, 4] - rings[2:8, 12], axis=1) / 2
    assert (thick.min(), thick.max()) == pytest.approx((68, 92))


def colourful(picture):
    return np.ptp(picture.astype(int), axis=2) > 60


def pixels_of(picture, side):
    """Rows and columns of what has the hue of a side."""
    warm = picture[..., 0].astype(int) - picture[..., 2]
    return np.nonzero(warm < -60 if side == "left" else warm > 60)


@pytest.mark.usefixtures("quick_turn")
def test_the_clip_of_a_turn_lasts_three_seconds_and_goes_round_from_the_camera_s_side(pose, photo, tmp_path):
    (tmp_path / "turn.mp4").write_bytes(as_mp4.encode(pose, photo))
    clip = open_clip(tmp_path / "turn.mp4")
    assert (clip.width, clip.height, clip.frames, clip.seconds) == (96, 96, 12, pytest.approx(3, abs=0.05))
    frames = [frame for _, _, frame in read_frames(clip)]
    middles = [[pixels_of(frames[number], side)[1].mean() for side in ("left", "right")] for number in (0, 6)]
    assert middles[0][0] > 48 > middles[0][1]
    assert middles[1][0] < 48 < middles[1][1]
    areas = [[len(pixels_of(frames[number], side)[0]) for side in ("left", "right")] for number in (3, 9)]
    assert areas[0][0] > 3 * areas[0][1]  # seen from the person's left, which hides the right
    assert areas[1][1] > 2 * areas[1][0]
    assert frames[0][:4].min() > 200  # the background, over the head


def test_the_person_fills_the_picture_lit_from_the_upper_left_over_a_shadow_seen_from_above(photo, pose):
    (picture,) = turntable([pose], photo, 240, 1)
    rows, columns = np.nonzero(colourful(picture))
    assert (rows.min() > 12, columns.min() > 12, rows.max() < 228, columns.max() < 228) == (True,) * 4
    assert np.ptp(rows) > 150
    bright = picture.mean(2)
    assert bright[:4, :4].mean() + 10 < bright[115:125, 150:160].mean()
    trunk = np.where((bright < 200) & ~colourful(picture), bright, np.nan)[60:118]
    assert np.nanmean(trunk[:, 85:104]) > np.nanmean(trunk[:, 104:125]) + 15
    assert np.nanmean(trunk[:6]) > np.nanmean(trunk[-8:]) + 15
    beside = bright[200:226, 135:180]  # of the arm, which is nearer than the feet
    assert beside.min() < bright[200:226, 20:60].min() - 8
    assert 200 + beside.argmin() // 45 > rows.max()


def test_several_people_and_somebody_cut_off_are_drawn(photo, pose):
    beside = dataclasses.replace(pose, joints_2d=pose.joints_2d + np.float32([250, 0]))
    (two,), (one,) = turntable([pose, beside], photo, 160, 1), turntable([pose], photo, 160, 1)
    assert colourful(two).any(0).sum() > colourful(one).any(0).sum()
    assert not colourful(two)[:, [0, -1]].any()
    nobody = dataclasses.replace(pose, status=("outside",) * 17)
    assert not colourful(next(turntable([nobody], photo, 80, 1))).any()
