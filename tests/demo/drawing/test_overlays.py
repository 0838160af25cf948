"""Skeleton and maps on the photo."""

import dataclasses

import numpy as np
import pytest

from demo.drawing.overlays import draw_people, joint_opacity, line_width, map_pictures, map_sheet
from fusion_model.drawing import SIDE_COLOURS, bone_side
from fusion_model.skeletons import HUMAN36M_17, MPII_16

WRIST, ELBOW, ANKLE = (HUMAN36M_17.index(f"left_{name}") for name in ("wrist", "elbow", "ankle"))


def pixel(picture, point):
    x, y = np.round(point).astype(int)
    return picture[y, x].astype(int)


def test_left_and_right_have_their_own_colours_and_the_photo_itself_stays_as_it_is(photo, pose):
    mirrored = dataclasses.replace(pose, joints_2d=pose.joints_2d[[*HUMAN36M_17.mirror]])
    for people, other_way in (([pose], 1), ([pose, mirrored], 1), ([mirrored, pose], -1)):  # the first is on top
        picture = draw_people(photo, people)
        for bone in HUMAN36M_17.bones:
            if (side := bone_side(HUMAN36M_17, bone)) != "middle":
                drawn, other = pixel(picture, pose.joints_2d[[*bone]].mean(0)), {"left": "right", "right": "left"}[side]
                nearer = [np.abs(drawn - SIDE_COLOURS[one]).sum() for one in (side, other)[::other_way]]
                assert nearer[0] < nearer[1] / 1.6
    x, y = pose.joints_2d[[ANKLE, ANKLE - 1]].mean(0).astype(int)
    assert (draw_people(photo, [pose])[y, x - 6 : x + 7].max(1) < 80).any()  # a rim
    assert (photo == 90).all()


def test_lines_are_as_wide_as_the_person_is_large_whoever_is_far_outside(pose, change_pose):
    points = pose.joints_2d
    assert [line_width(pose, scale * points) for scale in (0.1, 1, 2, 20)] == [2, 3, 6, 14]
    points = points.copy()
    points[WRIST] = (900, 0)
    for wrist, width in (("outside", 3), ("guessed", 8)):
        status = tuple(wrist if joint == WRIST else "seen" for joint in range(17))
        assert line_width(change_pose(status=status), points) == width


def test_surer_is_stronger_guessed_is_faded_and_outside_or_below_the_minimum_is_not_drawn(photo, pose, change_pose):
    def drawn(status, confidence):
        status = tuple(status if joint == WRIST else "seen" for joint in range(17))
        changed = change_pose(status=status, confidence=np.full(17, confidence, np.float32))
        middle = (pose.joints_2d[WRIST] + pose.joints_2d[ELBOW]) / 2
        return np.abs(pixel(draw_people(photo, [changed]), middle) - 90).sum()

    assert drawn("seen", 1.0) > drawn("seen", 0.2) > drawn("guessed", 1.0) > drawn("outside", 1.0) == 0
    dots = [change_pose(status=(status,) * 17) for status in ("seen", "guessed")]
    filled, ring = (pixel(draw_people(photo, [one]), pose.joints_2d[WRIST]).max() for one in dots)
    assert ring + 60 < filled
    least = pose.confidence[8]
    assert ((joint_opacity(pose, min_confidence=least) > 0) == (pose.confidence >= least)).all()
    opacity = joint_opacity(change_pose(status=("seen", "guessed", *("outside",) * 15)))
    assert opacity == pytest.approx([0.5 + 0.5 * 0.6, 0.35, *[0] * 15])
    assert (draw_people(photo, [pose], min_confidence=1.01) == photo).all()
    far = pose.joints_2d.copy()
    far[ANKLE] = (3e8, -4e8)
    assert draw_people(photo, [change_pose(joints_2d=far)]).shape == photo.shape  # far beyond does no harm


def test_boxes_are_drawn_where_they_are_with_their_names_and_shrink_with_photo_and_skeleton(photo, pose):
    box = np.array([50, 40, 200, 250])
    plain, named = (draw_people(photo, [], {name: box}) for name in ("", "1"))
    assert (pixel(plain, (50, 150)) > 200).all()
    assert (pixel(plain, (120, 250)) > 200).all()
    assert (pixel(plain, (120, 150)) == 90).all()
    assert (named != plain)[41:70, 51:80].any()
    assert not (named != plain)[:, 90:].any()
    large = draw_people(np.full((900, 1200, 3), 90, np.uint8), [], {"": box})
    assert pixel(large, (51, 150)).min() > 200  # as wide as the photo is large
    assert large[150, 40:60].max(1).min() < 80  # with a rim
    plain, named = (draw_people(photo, [], {name: np.array([-90, -60, 200, 250])}) for name in ("", "1"))
    assert (named != plain)[:30, :30].any(), "of a box that begins beyond the photo, too"
    small = draw_people(photo, [pose], {"1": np.array([-500, -20, 100, 700]), "": box}, max_side=200)
    assert small.shape == (150, 200, 3)
    dot = dataclasses.replace(pose, status=tuple("seen" if joint == ANKLE else "outside" for joint in range(17)))
    changed = np.abs(draw_people(photo, [dot], max_side=100).astype(float) - 90).sum(2)
    place = [4 * (np.average(at, weights=changed) + 0.5) - 0.5 for at in np.indices(changed.shape)]
    assert place[::-1] == pytest.approx(pose.joints_2d[ANKLE], abs=0.7)
    assert (pixel(small, (25, 75)) > 200).all()
    assert np.abs(pixel(small, (pose.joints_2d[ANKLE] + 0.5) / 2 - 0.5) - SIDE_COLOURS["left"]).sum() < 60


def test_maps_glow_where_their_joint_is(photo, pose):
    height = np.linspace(0.5, 1, 16, dtype=np.float32)
    pose = dataclasses.replace(pose, heatmaps=pose.heatmaps * height[:, None, None])
    (every, _), *pictures = map_pictures(photo, pose, size=128)
    for name, (picture, caption) in zip(MPII_16.joints, pictures, strict=True):
        glow = picture.astype(int).sum(2)
        assert (every.astype(int).sum(2) + 12 >= glow).all()
        assert caption == f"{name.replace('_', ' ')} {pose.heatmaps[MPII_16.index(name)].max():.2f}"
        assert picture[2, 2].tolist() == pytest.approx([45] * 3, abs=4)  # half as bright
        if name in HUMAN36M_17.joints:
            place = pose.joints_2d[HUMAN36M_17.index(name)]
            expected = (place - pose.box[:2]) / (pose.box[2] - pose.box[0]) * 128 - 0.5
            row, column = np.unravel_index(glow.argmax(), glow.shape)
            assert np.linalg.norm([column - expected[0], row - expected[1]]) < 4
            assert picture[row, column, 0] > picture[row, column, 2] + 40  # warm
    photo[:, :150] = 250
    ((lying, _), *_) = map_pictures(photo, dataclasses.replace(pose, angle=90.0), size=64)
    assert lying[48:].mean() > lying[:16].mean() + 50, "the photo is turned as its maps are: its left is below"
    captions = [caption for _, caption in map_pictures(photo, pose, size=64, joints=("left_wrist", "neck"))]
    assert [caption.rsplit(" ", 1)[0] for caption in captions] == ["these", "left wrist", "neck"]
    sheet, small = map_sheet(photo, pose, size=64), map_pictures(photo, pose, size=64)
    assert sheet.shape == (3 * 68 + 4, 6 * 68 + 4, 3)
    assert small[0][1] == "all joints"
    for number, (picture, _) in enumerate(small):
        row, column = 4 + 68 * (number // 6), 4 + 68 * (number % 6)
        np.testing.assert_array_equal(sheet[row : row + 64, column : column + 64], picture)
