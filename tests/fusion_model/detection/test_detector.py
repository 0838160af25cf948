"""The detector: what its output means, what is dropped, and when nobody is seen."""

import dataclasses

import numpy as np
import pytest
import torch

from fusion_model.detection.detector import decode_detections, detect
from fusion_model.detection.network import PersonDetector, cell_boxes
from tests.helpers.estimators import Seeing, output_with, smooth_photo

CONFIG = Seeing.config


def test_a_cell_gives_a_box_round_its_middle_and_an_angle():
    # Cell (2, 3) has its middle at x = 3 * 8 + 3.5, y = 2 * 8 + 3.5.
    least = dataclasses.replace(CONFIG, min_score=0.5)
    (one,) = decode_detections(output_with((2, 3, 0.0, 10, 12, 14, 20, -135)), least)
    assert np.allclose(one.box, (17.5, 7.5, 41.5, 39.5), atol=1e-4)
    assert one.angle == pytest.approx(-135, abs=1e-3)
    assert one.score == pytest.approx(0.5)


def test_people_come_best_first_and_overlapping_boxes_once():
    large, same, other = (2, 2, 1.0, 16, 16, 16, 16, 0), (4, 2, 2.0, 16, 30, 16, 3, 0), (6, 6, 0.5, 5, 5, 5, 5, 0)
    output = output_with(large, same, other)
    scores = [round(one.score, 3) for one in decode_detections(output, CONFIG)]
    assert scores == [0.881, 0.622], "sigmoids of 2 and 0.5; 1.0 is the same body"
    for changes, count in (({}, 3), ({"min_score": 0.7}, 2), ({"max_detections": 1}, 1)):
        assert len(decode_detections(output, dataclasses.replace(CONFIG, nms_iou=0.95, **changes))) == count
    best, *others = (6, 6, 3.0, 5, 5, 5, 5, 0), (2, 2, 2.0, 16, 16, 16, 16, 0), (4, 2, 1.0, 16, 30, 16, 3, 0)
    assert len(decode_detections(output_with(best, *others), CONFIG)) == 2, "not only duplicates of the best go"
    between = (2, 2, 3.0, 16, 16, 16, 16, 0), (6, 6, 2.0, 5, 5, 5, 5, 0), (4, 2, 1.0, 16, 30, 16, 3, 0)
    assert len(decode_detections(output_with(*between), CONFIG)) == 2, "nor only those of the one before"


def test_boxes_come_back_to_a_photo_that_is_not_square_and_end_at_it():
    one = detect(Seeing((4, 4, 3.0, 8, 8, 8, 8, 90)), np.zeros((100, 200, 3), np.uint8), CONFIG)[0]
    # 200 pixels wide in 64: a scale of 3.125; the cell's middle 35.5 lies 4 right of and below the input's middle 31.5.
    assert np.allclose((one.box[:2] + one.box[2:]) / 2, (99.5 + 4 * 3.125, 49.5 + 4 * 3.125))
    assert np.allclose(one.box[2:] - one.box[:2], 16 * 3.125)
    assert one.angle == pytest.approx(90)
    wide, beyond = Seeing((4, 4, 3.0, 60, 60, 60, 60, 0)), Seeing((0, 4, 3.0, 9, 9, 9, 9, 0))  # in the black margin
    assert detect(wide, np.zeros((100, 200, 3), np.uint8), CONFIG)[0].box.tolist() == [-0.5, -0.5, 199.5, 99.5]
    assert detect(beyond, np.zeros((100, 200, 3), np.uint8), CONFIG) == []


def test_a_photo_and_its_mirror_image_show_the_same_people():
    torch.manual_seed(0)
    network, photo = PersonDetector(CONFIG).eval(), smooth_photo()[:80]
    network.output.bias.data[0] = 1.0  # it sees people everywhere
    found, mirrored = (detect(network, one, CONFIG) for one in (photo, photo[:, ::-1]))
    assert len(found) == len(mirrored) > 1
    for one, other in zip(found, mirrored, strict=True):
        x0, y0, x1, y1 = other.box
        assert one.box == pytest.approx((127 - x1, y0, 127 - x0, y1), abs=1e-3)
        assert one.angle == pytest.approx(-other.angle, abs=1e-2)


def test_an_untrained_network_has_one_output_a_cell_and_sees_no_person():
    torch.manual_seed(0)
    network = PersonDetector(CONFIG).eval()
    output = network(torch.zeros(2, 3, 64, 64))
    assert (output.shape, cell_boxes(output).shape) == ((2, 7, 8, 8), (2, 4, 8, 8))
    assert cell_boxes(torch.full((1, 7, 1, 1), 99.0)).isfinite().all()
    assert not any(block.conv3.weight.any() for level in network.deeper for block in level), "it starts as a hourglass"
    assert detect(network, np.zeros((30, 40, 3), np.uint8), CONFIG) == []
