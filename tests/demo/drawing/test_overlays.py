"""Skeleton and maps on the photo."""

import numpy as np

from demo.drawing.overlays import draw_people, joint_opacity, map_pictures, map_sheet
from fusion_model.drawing import SIDE_COLOURS
from fusion_model.skeletons import HUMAN36M_17, MPII_16

WRIST, ELBOW, ANKLE = (HUMAN36M_17.index(f"left_{name}") for name in ("wrist", "elbow", "ankle"))


def pixel(picture, point):
    x, y = np.round(point).astype(int)
    return picture[y, x].astype(int)


def test_left_and_right_have_their_own_colours_and_the_photo_itself_stays_as_it_is(photo, pose):
    before = photo.copy()
    picture = draw_people(photo, [pose])
    for side in ("left", "right"):
        knee, ankle = (pose.joints_2d[HUMAN36M_17.index(f"{side}_{name}")] for name in ("knee", "ankle"))
        drawn = pixel(picture, (knee + ankle) / 2)
        other = SIDE_COLOURS["right" if side == "left" else "left"]
        assert np.abs(drawn - SIDE_COLOURS[side]).sum() < np.abs(drawn - other).sum() / 2
    assert (photo == before).all()


def test_surer_is_stronger_guessed_is_faded_and_outside_is_not_drawn(photo, change_pose):
    def drawn(status, confidence):
        status = tuple(status if joint == WRIST else "seen" for joint in range(17))
        pose = change_pose(status=status, confidence=np.full(17, confidence, np.float32))
        middle = (pose.joints_2d[WRIST] + pose.joints_2d[ELBOW]) / 2
        return np.abs(pixel(draw_people(photo, [pose]), middle) - 90).sum()

    assert drawn("seen", 1.0) > drawn("seen", 0.2) > drawn("guessed", 1.0) > drawn("outside", 1.0) == 0


def test_what_is_outside_far_beyond_or_below_the_minimum_confidence_does_no_harm(photo, pose, change_pose):
    nowhere = change_pose(status=("outside",) * 17, joints_2d=np.full((17, 2), 1e7, np.float32))
    assert (draw_people(photo, [nowhere]) == photo).all()
    far = pose.joints_2d.copy()
    far[ANKLE] = (3e8, -4e8)
    assert draw_people(photo, [change_pose(joints_2d=far)]).shape == photo.shape
    assert ((joint_opacity(pose, min_confidence=0.8) > 0) == (pose.confidence >= 0.8)).all()
    assert (draw_people(photo, [pose], min_confidence=1.01) == photo).all()


def test_a_large_photo_is_shrunk_with_its_skeleton_and_boxes(pose):
    photo = np.full((300, 400, 3), 90, np.uint8)
    small = draw_people(photo, [pose], max_side=200)
    assert small.shape == (150, 200, 3)
    ankle = (pose.joints_2d[ANKLE] + 0.5) / 2 - 0.5
    assert np.abs(pixel(small, ankle) - SIDE_COLOURS["left"]).sum() < 60
    boxed = draw_people(photo, [], {"": np.array([100, 100, 300, 200])}, max_side=200)
    assert (pixel(boxed, (50, 75)) > 200).all()


def test_boxes_are_drawn_where_they_are_with_their_names(photo):
    box = np.array([50, 40, 200, 250])
    plain, named = (draw_people(photo, [], {name: box}) for name in ("", "1"))
    assert (pixel(plain, (50, 150)) > 200).all()
    assert (pixel(plain, (120, 250)) > 200).all()
    assert (pixel(plain, (120, 150)) == 90).all()
    assert (named != plain)[41:70, 51:80].any()
    assert draw_people(photo, [], {"1": np.array([-500, -20, 900, 700])}).shape == photo.shape


def test_maps_glow_where_their_joint_is(photo, pose):
    pictures = map_pictures(photo, pose, size=128)
    assert len(pictures) == 17
    every = pictures[0][0].astype(int).sum(2)
    for name, (picture, caption) in zip(MPII_16.joints, pictures[1:], strict=True):
        glow = picture.astype(int).sum(2)
        assert (every + 3 >= glow).mean() > 0.95
        assert caption.startswith(name.replace("_", " "))
        if name in HUMAN36M_17.joints:
            place = pose.joints_2d[HUMAN36M_17.index(name)]
            expected = (place - pose.box[:2]) / (pose.box[2] - pose.box[0]) * 128 - 0.5
            row, column = np.unravel_index(glow.argmax(), glow.shape)
            assert np.linalg.norm([column - expected[0], row - expected[1]]) < 4


def test_some_maps_only_or_a_sheet_of_all(photo, pose):
    captions = [caption for _, caption in map_pictures(photo, pose, size=64, joints=("left_wrist", "neck"))]
    assert [caption.rsplit(" ", 1)[0] for caption in captions] == ["these", "left wrist", "neck"]
    assert map_sheet(photo, pose, size=64).shape == (3 * 68 + 4, 6 * 68 + 4, 3)
