"""Skeleton and maps on the photo."""

import numpy as np

from demo.drawing.overlays import draw_people, joint_opacity, map_pictures, map_sheet
from fusion_model.drawing import SIDE_COLOURS
from fusion_model.skeletons import HUMAN36M_17, MPII_16


def pixel(picture, point):
    x, y = np.round(point).astype(int)
    return picture[y, x].astype(int)


def test_left_and_right_have_their_own_colours(photo, pose):
    picture = draw_people(photo, [pose])
    for side in ("left", "right"):
        knee, ankle = (pose.joints_2d[HUMAN36M_17.index(f"{side}_{name}")] for name in ("knee", "ankle"))
        drawn = pixel(picture, (knee + ankle) / 2)
        other = SIDE_COLOURS["right" if side == "left" else "left"]
        assert np.abs(drawn - SIDE_COLOURS[side]).sum() < np.abs(drawn - other).sum() / 2


def test_the_photo_itself_stays_as_it_is(photo, pose):
    before = photo.copy()
    draw_people(photo, [pose])
    assert (photo == before).all()


def test_surer_is_stronger_guessed_is_faded_and_outside_is_not_drawn(photo, change_pose):
    wrist, elbow = (HUMAN36M_17.index(f"left_{name}") for name in ("wrist", "elbow"))

    def drawn(status, confidence):
        status = tuple(status if joint == wrist else "seen" for joint in range(17))
        pose = change_pose(status=status, confidence=np.full(17, confidence, np.float32))
        middle = (pose.joints_2d[wrist] + pose.joints_2d[elbow]) / 2
        return np.abs(pixel(draw_people(photo, [pose]), middle) - 90).sum()

    assert drawn("seen", 1.0) > drawn("seen", 0.2) > drawn("guessed", 1.0) > drawn("outside", 1.0) == 0


def test_nothing_is_drawn_if_all_is_outside(photo, change_pose):
    pose = change_pose(status=("outside",) * 17, joints_2d=np.full((17, 2), 1e7, np.float32))
    assert (draw_people(photo, [pose]) == photo).all()


def test_joints_far_beyond_the_photo_do_no_harm(photo, change_pose):
    far = change_pose().joints_2d.copy()
    far[HUMAN36M_17.index("left_ankle")] = (3e8, -4e8)
    assert draw_people(photo, [change_pose(joints_2d=far)]).shape == photo.shape


def test_a_large_photo_is_shrunk_with_its_skeleton(pose):
    photo = np.full((300, 400, 3), 90, np.uint8)
    small = draw_people(photo, [pose], max_side=200)
    assert small.shape == (150, 200, 3)
    ankle = (pose.joints_2d[HUMAN36M_17.index("left_ankle")] + 0.5) / 2 - 0.5
    assert np.abs(pixel(small, ankle) - SIDE_COLOURS["left"]).sum() < 60


def test_opacity_follows_status_and_confidence(change_pose):
    status = ("seen", "guessed", "outside") + ("seen",) * 14
    opacity = joint_opacity(change_pose(status=status, confidence=np.linspace(0, 1, 17, dtype=np.float32)))
    assert opacity[2] == 0
    assert 0 < opacity[1] < opacity[0] < opacity[-1] == 1


def test_joints_below_the_minimum_confidence_are_not_drawn(photo, pose):
    opacity = joint_opacity(pose, min_confidence=0.8)
    assert ((opacity > 0) == (pose.confidence >= 0.8)).all()
    assert (draw_people(photo, [pose], min_confidence=1.01) == photo).all()


def test_boxes_are_drawn_where_they_are_with_their_names(photo):
    box = np.array([50, 40, 200, 250])
    plain, named = (draw_people(photo, [], {name: box}) for name in ("", "1"))
    assert (pixel(plain, (50, 150)) > 200).all()
    assert (pixel(plain, (120, 250)) > 200).all()
    assert (pixel(plain, (120, 150)) == 90).all()
    assert (named != plain)[41:70, 51:80].any()
    beyond = draw_people(photo, [], {"1": np.array([-500, -20, 900, 700])})
    assert beyond.shape == photo.shape


def test_boxes_shrink_with_the_photo(photo):
    small = draw_people(photo, [], {"": np.array([100, 100, 300, 200])}, max_side=200)
    assert (pixel(small, (50, 75)) > 200).all()


def test_some_maps_only(photo, pose):
    pictures = map_pictures(photo, pose, size=64, joints=("left_wrist", "neck"))
    assert [caption.rsplit(" ", 1)[0] for _, caption in pictures[1:]] == ["left wrist", "neck"]
    assert pictures[0][1] == "these joints"


def test_maps_glow_where_their_joint_is(photo, pose):
    pictures = map_pictures(photo, pose, size=128)
    assert len(pictures) == 17
    for name, (picture, caption) in zip(MPII_16.joints, pictures[1:], strict=True):
        assert picture.shape == (128, 128, 3)
        assert caption.startswith(name.replace("_", " "))
        if name not in HUMAN36M_17.joints:
            continue
        place = pose.joints_2d[HUMAN36M_17.index(name)]
        expected = (place - pose.box[:2]) / (pose.box[2] - pose.box[0]) * 128 - 0.5
        row, column = np.unravel_index(picture.astype(int).sum(2).argmax(), (128, 128))
        assert np.linalg.norm([column - expected[0], row - expected[1]]) < 4
    every = pictures[0][0].astype(int).sum(2)
    assert all((every + 3 >= picture.astype(int).sum(2)).mean() > 0.95 for picture, _ in pictures[1:])


def test_the_sheet_holds_all_maps(photo, pose):
    sheet = map_sheet(photo, pose, size=64)
    assert sheet.dtype == np.uint8
    assert sheet.shape == (3 * 68 + 4, 6 * 68 + 4, 3)
