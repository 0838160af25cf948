"""Skeleton and maps on the photo, and small drawings of people: all inside, to one scale."""

import dataclasses
import re

import numpy as np
import pytest

from demo.drawing.overlays import draw_people, joint_opacity, line_width, map_pictures, map_sheet
from demo.drawing.stick_svg import Frame
from fusion_model.skeletons import HUMAN36M_17, MPII_16
from tests.helpers.drawn import coarse, odd_pose
from tests.helpers.earlier import assert_as_before

WRIST, ANKLE = (HUMAN36M_17.index(f"left_{name}") for name in ("wrist", "ankle"))


def test_people_boxes_and_maps_are_drawn_as_before_and_the_photo_itself_stays_as_it_is(photo):
    photo[:, :150] = 250  # the left of the photo is below where somebody lies
    pose, before = odd_pose(photo), photo.copy()
    mirrored = dataclasses.replace(pose, joints_2d=pose.joints_2d[[*HUMAN36M_17.mirror]])
    boxes = {"": np.array([50, 40, 200, 250])}
    pictures = {
        "one": draw_people(photo, [pose]),
        "two": draw_people(photo, [pose, mirrored]),
        "other on top": draw_people(photo, [mirrored, pose]),
        "sure": draw_people(photo, [pose], min_confidence=0.8),
        "box": draw_people(photo, [], boxes),
        "large": draw_people(np.full((900, 1200, 3), 90, np.uint8), [], boxes),
        "small": draw_people(photo, [pose], boxes, max_side=200),
        "maps": map_sheet(photo, dataclasses.replace(pose, angle=90.0), size=64),
    }
    for name, picture in pictures.items():
        assert_as_before(f"overlay: {name}", [picture.shape, coarse(picture)], near=0.01, file="drawing.json")
    assert (photo == before).all()


def test_lines_are_as_wide_as_the_person_is_large_whoever_is_far_outside(pose, change_pose):
    points = pose.joints_2d
    assert [line_width(pose, scale * points) for scale in (0.1, 1, 2, 20)] == [2, 3, 6, 14]
    points = points.copy()
    points[WRIST] = (900, 0)
    for wrist, width in (("outside", 3), ("guessed", 8)):
        status = tuple(wrist if joint == WRIST else "seen" for joint in range(17))
        assert line_width(change_pose(status=status), points) == width


def test_surer_is_stronger_guessed_is_faded_and_outside_or_below_the_minimum_is_not_drawn(photo, pose, change_pose):
    least = pose.confidence[8]
    assert ((joint_opacity(pose, min_confidence=least) > 0) == (pose.confidence >= least)).all()
    opacity = joint_opacity(change_pose(status=("seen", "guessed", *("outside",) * 15)))
    assert opacity == pytest.approx([0.5 + 0.5 * 0.6, 0.35, *[0] * 15])
    assert (draw_people(photo, [pose], min_confidence=1.01) == photo).all()
    far = pose.joints_2d.copy()
    far[ANKLE] = (3e8, -4e8)
    assert draw_people(photo, [change_pose(joints_2d=far)]).shape == photo.shape  # far beyond does no harm


def test_a_box_has_its_name_in_its_corner_also_if_it_begins_beyond_the_photo(photo, pose):
    box = np.array([50, 40, 200, 250])
    plain, named = (draw_people(photo, [], {name: box}) for name in ("", "1"))
    assert ((named != plain)[41:70, 51:80].any(), (named != plain)[:, 90:].any()) == (True, False)
    plain, named = (draw_people(photo, [], {name: np.array([-90, -60, 200, 250])}) for name in ("", "1"))
    assert (named != plain)[:30, :30].any()
    one, other = {"1": np.array([195, 135, 390, 290])}, {"2": np.array([100, 142, 300, 290])}
    crossed = draw_people(photo, [pose], one | other)  # the other's frame and the pelvis do not hide it
    assert (crossed[136:147, 196:204] == draw_people(photo, [], one)[136:147, 196:204]).all()


def test_a_shrunken_picture_has_the_joints_in_their_places(photo, pose):
    dot = dataclasses.replace(pose, status=tuple("seen" if joint == ANKLE else "outside" for joint in range(17)))
    changed = np.abs(draw_people(photo, [dot], max_side=100).astype(float) - 90).sum(2)
    place = [4 * (np.average(at, weights=changed) + 0.5) - 0.5 for at in np.indices(changed.shape)]
    assert place[::-1] == pytest.approx(pose.joints_2d[ANKLE], abs=0.7)


def test_maps_glow_where_their_joint_is(photo, pose):
    (_, every), *pictures = map_pictures(photo, pose, size=128)
    assert every == "all joints"
    for name, (picture, caption) in zip(MPII_16.joints, pictures, strict=True):
        assert caption == f"{name.replace('_', ' ')} {pose.confidence[HUMAN36M_17.index(name)]:.2f}"
        if name in HUMAN36M_17.joints:
            place = pose.joints_2d[HUMAN36M_17.index(name)]
            expected = (place - pose.box[:2]) / (pose.box[2] - pose.box[0]) * 128 - 0.5
            row, column = np.unravel_index(picture.astype(int).sum(2).argmax(), picture.shape[:2])
            assert np.linalg.norm([column - expected[0], row - expected[1]]) < 4
    captions = [caption for _, caption in map_pictures(photo, pose, size=64, joints=("left_wrist", "neck"))]
    assert [caption.rsplit(" ", 1)[0] for caption in captions] == ["these", "left wrist", "neck"]


def test_a_person_is_drawn_from_the_front_and_from_the_side_as_before(photo):
    joints = odd_pose(photo).joints_3d.astype(float)
    other = joints + np.array([-50, 30, 20])
    frame = Frame([joints, other], HUMAN36M_17)
    for name, under, dashed in (("alone", None, False), ("under", other, False), ("dashed", other, True)):
        svg = frame.draw(joints, under, name="Somebody & co", dashed=dashed)
        assert "aria-label='Somebody &amp; co'" in svg
        numbers, words = np.array(re.findall(r"-?\d+", svg), float), re.sub(r"-?\d+", "", svg)
        assert_as_before(f"sticks: {name}", [numbers[None] / 1000, re.split("(?=<)", words)], file="drawing.json")
        places = np.array(re.findall(r"[ML](-?\d+) (-?\d+)", svg), float)
        assert ((places >= 0) & (places <= numbers[2:4] / [2, 1])).all()
