"""Skeleton and maps on the photo."""

import dataclasses

import numpy as np

from demo.drawing.overlays import draw_people, joint_opacity, map_pictures, map_sheet
from fusion_model.drawing import SIDE_COLOURS
from fusion_model.skeletons import HUMAN36M_17, MPII_16

WRIST, ELBOW, ANKLE = (HUMAN36M_17.index(f"left_{name}") for name in ("wrist", "elbow", "ankle"))


def pixel(picture, point):
    x, y = np.round(point).astype(int)
    return picture[y, x].astype(int)


def test_left_and_right_have_their_own_colours_and_the_photo_itself_stays_as_it_is(photo, pose):
    picture = draw_people(photo, [pose])
    for side, other in (("left", "right"), ("right", "left")):
        knee, ankle = (pose.joints_2d[HUMAN36M_17.index(f"{side}_{name}")] for name in ("knee", "ankle"))
        drawn = pixel(picture, (knee + ankle) / 2)
        assert np.abs(drawn - SIDE_COLOURS[side]).sum() < np.abs(drawn - SIDE_COLOURS[other]).sum() / 2
    assert (photo == 90).all()


def test_surer_is_stronger_guessed_is_faded_and_outside_or_below_the_minimum_is_not_drawn(photo, pose, change_pose):
    def drawn(status, confidence):
        status = tuple(status if joint == WRIST else "seen" for joint in range(17))
        changed = change_pose(status=status, confidence=np.full(17, confidence, np.float32))
        middle = (pose.joints_2d[WRIST] + pose.joints_2d[ELBOW]) / 2
        return np.abs(pixel(draw_people(photo, [changed]), middle) - 90).sum()

    assert drawn("seen", 1.0) > drawn("seen", 0.2) > drawn("guessed", 1.0) > drawn("outside", 1.0) == 0
    assert ((joint_opacity(pose, min_confidence=0.8) > 0) == (pose.confidence >= 0.8)).all()
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
    plain, named = (draw_people(photo, [], {name: np.array([-90, -60, 200, 250])}) for name in ("", "1"))
    assert (named != plain)[:30, :30].any(), "of a box that begins beyond the photo, too"
    small = draw_people(photo, [pose], {"1": np.array([-500, -20, 100, 700]), "": box}, max_side=200)
    assert small.shape == (150, 200, 3)
    assert (pixel(small, (25, 75)) > 200).all()
    assert np.abs(pixel(small, (pose.joints_2d[ANKLE] + 0.5) / 2 - 0.5) - SIDE_COLOURS["left"]).sum() < 60


def test_maps_glow_where_their_joint_is(photo, pose):
    (every, _), *pictures = map_pictures(photo, pose, size=128)
    for name, (picture, caption) in zip(MPII_16.joints, pictures, strict=True):
        glow = picture.astype(int).sum(2)
        assert (every.astype(int).sum(2) + 3 >= glow).mean() > 0.95
        assert caption.startswith(name.replace("_", " "))
        if name in HUMAN36M_17.joints:
            place = pose.joints_2d[HUMAN36M_17.index(name)]
            expected = (place - pose.box[:2]) / (pose.box[2] - pose.box[0]) * 128 - 0.5
            row, column = np.unravel_index(glow.argmax(), glow.shape)
            assert np.linalg.norm([column - expected[0], row - expected[1]]) < 4
    photo[:, :150] = 250
    ((lying, _), *_) = map_pictures(photo, dataclasses.replace(pose, angle=90.0), size=64)
    assert lying[48:].mean() > lying[:16].mean() + 50, "the photo is turned as its maps are: its left is below"
    captions = [caption for _, caption in map_pictures(photo, pose, size=64, joints=("left_wrist", "neck"))]
    assert [caption.rsplit(" ", 1)[0] for caption in captions] == ["these", "left wrist", "neck"]
    assert map_sheet(photo, pose, size=64).shape == (3 * 68 + 4, 6 * 68 + 4, 3)
