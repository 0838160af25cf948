"""Boxes, and box -> crop -> photo: exact round trips, and absolute tests of where pixels land."""

import numpy as np
import pytest

from fusion_model.boxes import areas, check_box, intersections, iou, joint_box, same_person
from fusion_model.crops import Crop, body_angle, crop_of_box, letterbox
from fusion_model.skeletons import MPII_16
from tests.helpers.earlier import assert_as_before

RNG = np.random.default_rng(0)


def test_crops_of_boxes_are_as_before_and_borders_lie_on_borders():
    generator, found = np.random.default_rng(0), []
    for size in (64, 128, 192, 256) * 8:
        corner, extent, points = *generator.uniform(5, 1500, (2, 2)), generator.uniform(-100, 2100, (20, 3))
        crop = crop_of_box(np.concatenate((corner, corner + extent)), size, 1.25, generator.uniform(-360, 360))
        pixels = crop.to_crop(points[:, :2])
        assert np.abs(crop.to_photo(pixels) - points[:, :2]).max() < 0.01
        found.append([crop, pixels, crop.turn_back(points)])
    assert_as_before("crops", found, file="model.json")
    crop = letterbox(100, 100, 32)  # the photo spans -0.5 to W - 0.5, and so does its crop
    assert np.allclose(crop.to_crop([[-0.5, -0.5], [99.5, 99.5]]), [[-0.5, -0.5], [31.5, 31.5]])
    assert np.allclose(letterbox(200, 100, 64).to_crop([[-0.5, -0.5], [199.5, 99.5]]), [[-0.5, 15.5], [63.5, 47.5]])


def test_whole_pixels_are_cut_exactly_others_are_averaged_and_beyond_the_photo_is_black():
    photo = RNG.integers(0, 256, (90, 120, 3), np.uint8)
    assert np.array_equal(Crop((50 + 31.5, 20 + 31.5), 64.0, 0.0, 64).cut(photo), photo[20:84, 50:114])
    square = RNG.integers(0, 256, (64, 64, 3), np.uint8)
    turned = Crop((31.5, 31.5), 64.0, 90.0, 64).cut(square)
    assert np.abs(turned.astype(int) - np.rot90(square)).max() <= 1, "what pointed right points up"
    blocks = np.repeat(np.repeat(RNG.integers(0, 256, (32, 32, 3), np.uint8), 2, 0), 2, 1)
    assert np.array_equal(letterbox(64, 64, 32).cut(blocks), blocks[::2, ::2])
    noise = RNG.integers(0, 256, (512, 512, 3), np.uint8)
    assert letterbox(512, 512, 64).cut(noise).std() < 18  # of 74; sampling alone leaves 37
    assert letterbox(192, 192, 64).cut(noise[:192, :192]).std() < 40  # of 74; sampling alone leaves all of it
    photo = np.full((50, 50, 3), 200, np.uint8)
    wide, far = np.pad(noise, ((0, 0), (40_000, 9), (0, 0))), Crop((250.3, 260.9), 90.0, 40.0, 64)
    moved = Crop((40_250.3, 260.9), 90.0, 40.0, 64).cut(wide)
    assert np.abs(moved.astype(int) - far.cut(noise)).max() <= 1, "wider than some versions of OpenCV warp"
    crop = crop_of_box(np.array([-50.0, 0.0, 50.0, 50.0]), 64, 1.0).cut(photo)
    assert crop[:, :30].max() == 0
    assert (crop[20:44, 36:60] == 200).all()


@pytest.mark.parametrize("angle", [0.0, 30.0, -135.0])
@pytest.mark.parametrize("side", [100.0, 200.0, 400.0, 520.0])
def test_a_dot_lands_where_it_is_predicted(angle, side):
    """Enlarged, shrunk twice, four times (with the averaging before sampling) and more; upright and turned."""
    crop, (rows, columns) = Crop((170.3, 140.8), side, angle, 100), np.indices((300, 400))
    for x, y in ((170, 140), (151, 128)):
        dot = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * max(2.0, side / 70) ** 2))
        weight = crop.cut(np.repeat(dot.round().astype(np.uint8)[:, :, None], 3, axis=2))[:, :, 0].astype(float)
        found = [(weight * place).sum() / weight.sum() for place in np.indices(weight.shape)[::-1]]
        assert np.abs(found - crop.to_crop([x, y])).max() < 0.05  # half a pixel wrong would be 0.25 and more


def test_turning_back_by_hand_and_a_crop_turned_by_the_body_axis_shows_the_body_upright():
    up = Crop((0.0, 0.0), 1.0, 90.0, 64).turn_back(np.array([[0.0, -1.0, 5.0]]))  # up in the crop
    assert np.allclose(up, [[1.0, 0.0, 5.0]])  # is right in the photo
    pelvis = np.array([5, 7])
    for thorax, angle in (((0, -1), 0), ((3**0.5, -3), 30), ((1, 0), 90), ((-1, -1), -45), ((0, 1), 180)):
        found = body_angle(np.add(thorax, pelvis), pelvis)
        assert found == pytest.approx(angle)
        top, bottom = Crop((5.0, 7.0), 200.0, found, 100).to_crop([np.add(thorax, pelvis), pelvis])
        assert top[0] == pytest.approx(bottom[0])
        assert bottom[1] > top[1]


AWAY = [(99.5, 0, 110, 20), (0, 49.5, 20, 60), (-20, 0, -0.5, 20), (0, -20, 20, -0.5)]
NAN = (0, 0, 10, float("nan"))
WRONG = {"touch the photo, which is 100 x 50": AWAY, "four finite numbers": [NAN], "four numbers": ["all of it"]}


def test_bad_boxes_are_refused_with_what_was_found():
    for message, boxes in {**WRONG, "no area": [(10, 20, 30, 20), (30, 20, 30, 40)]}.items():
        for box in boxes:
            with pytest.raises(ValueError, match=rf"\A.*{message}.*\Z"):
                check_box(box, 100, 50)
    for box in ((-9, -9, -0.4, -0.4), (99.4, 49.4, 110, 60)):
        assert check_box(box, 100, 50).tolist() == list(box), "they just touch the photo"


def test_areas_overlaps_and_the_box_tight_round_the_trusted_joints_by_hand():
    assert areas(np.array([[0, 0, 2, 3.0], [5, 5, 5, 9]])).tolist() == [6, 0]
    assert intersections(np.array([0, 0, 1, 1.0]), np.array([2, 2, 3, 3.0])) == 0, "apart in both directions"
    boxes, others = np.array([[0, 0, 2, 2.0], [1, 1, 3, 3]]), np.array([[0, 0, 2, 2.0], [2, 2, 4, 4], [1, 1, 2, 2]])
    assert iou(boxes[:, None], others) == pytest.approx(np.array([[1, 0, 1 / 4], [1 / 7, 1 / 7, 1 / 4]]))
    points = np.array([[10.0, 20.0], [30.0, 120.0], [50.0, 60.0], [999.0, 999.0]])
    assert joint_box(points, np.array([True, True, True, False])).tolist() == [6, 16, 54, 124]  # 4 % of 100 around
    assert joint_box(points, np.array([True, True, False, False])) is None


def test_same_person():
    person, sure, mirror = np.random.default_rng(0).uniform(50, 250, (16, 2)), np.ones(16, bool), list(MPII_16.mirror)
    assert same_person(person, person + 3, sure, reach=5)
    assert same_person(person, person[mirror], sure, reach=5)
    assert not same_person(person, person, np.zeros(16, bool), reach=5)
    for moved, same in ((7, True), (8, False)):  # 8 of 16 joints are no majority
        assert same_person(person, person + 100 * (np.arange(16) < moved)[:, None], sure, reach=5) == same
    right = np.array([MPII_16.side(joint) == "right" for joint in range(16)])
    assert same_person(person, person[mirror] + 100 * right[:, None], right, reach=5), "the others see no left side"
