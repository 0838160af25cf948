"""The detector: what its output means, what is dropped, and how it serves the estimator."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from fusion_model.config import DetectorConfig
from fusion_model.detection.detector import decode_detections, detect
from fusion_model.detection.network import PersonDetector, cell_boxes
from fusion_model.estimator import PoseEstimator
from fusion_model.hourglass import Residual
from fusion_model.hub.config_json import model_config_from_dict
from tests.helpers.estimators import Seeing, output_with

CONFIG = Seeing.config


def test_a_cell_gives_a_box_round_its_middle_and_an_angle():
    # Cell (2, 3) has its middle at x = 3 * 8 + 3.5, y = 2 * 8 + 3.5.
    (one,) = decode_detections(output_with((2, 3, 0.0, 10, 12, 14, 20, -135)), CONFIG)
    assert np.allclose(one.box, (17.5, 7.5, 41.5, 39.5), atol=1e-4)
    assert one.angle == pytest.approx(-135, abs=1e-3)
    assert one.score == pytest.approx(0.5)


def test_people_come_best_first_and_overlapping_boxes_once():
    large, same, other = (2, 2, 1.0, 16, 16, 16, 16, 0), (4, 2, 2.0, 16, 30, 16, 3, 0), (6, 6, 0.5, 5, 5, 5, 5, 0)
    output = output_with(large, same, other)
    scores = [round(one.score, 3) for one in decode_detections(output, CONFIG)]
    assert scores == [0.881, 0.622], "sigmoids of 2 and 0.5; 1.0 is the same body"
    loose = dataclasses.replace(CONFIG, nms_iou=0.95)
    assert len(decode_detections(output, loose)) == 3
    assert len(decode_detections(output, dataclasses.replace(loose, min_score=0.7))) == 2
    assert len(decode_detections(output, dataclasses.replace(loose, max_detections=1))) == 1


def test_every_duplicate_is_dropped_not_only_those_of_the_best():
    best, other, again = (6, 6, 3.0, 5, 5, 5, 5, 0), (2, 2, 2.0, 16, 16, 16, 16, 0), (4, 2, 1.0, 16, 30, 16, 3, 0)
    assert len(decode_detections(output_with(best, other, again), CONFIG)) == 2


def test_boxes_come_back_to_a_photo_that_is_not_square():
    one = detect(Seeing((4, 4, 3.0, 8, 8, 8, 8, 90)), np.zeros((100, 200, 3), np.uint8), CONFIG)[0]
    # 200 pixels wide in 64: a scale of 3.125; the cell's middle 35.5 lies 4 right of and below the input's middle 31.5.
    assert np.allclose((one.box[:2] + one.box[2:]) / 2, (99.5 + 4 * 3.125, 49.5 + 4 * 3.125))
    assert np.allclose(one.box[2:] - one.box[:2], 16 * 3.125)
    assert one.angle == pytest.approx(90)


def test_a_box_ends_at_the_photo():
    wide = Seeing((0, 0, 3.0, 60, 60, 40, 40, 0))
    assert (detect(wide, np.zeros((128, 128, 3), np.uint8), CONFIG)[0].box[:2] == -0.5).all()


def test_an_untrained_network_has_one_output_a_cell_and_sees_no_person():
    torch.manual_seed(0)
    network = PersonDetector(CONFIG).eval()
    output = network(torch.zeros(2, 3, 64, 64))
    assert output.shape == (2, 7, 8, 8)
    assert cell_boxes(output).shape == (2, 4, 8, 8)
    assert detect(network, np.zeros((30, 40, 3), np.uint8), CONFIG) == []


@pytest.mark.parametrize(
    "wrong", [{"width": 10}, {"depths": (1, 1)}, {"input_size": 100}, {"min_score": 0.0}, {"nms_iou": 1.5}]
)
def test_impossible_sizes_are_refused(wrong):
    with pytest.raises(ValueError, match="detector"):
        DetectorConfig(**wrong)


@pytest.fixture
def estimator():
    plain = PoseEstimator.random("tiny")
    torch.manual_seed(1)
    config = dataclasses.replace(plain.config, detector=CONFIG)
    return PoseEstimator(config, plain.hourglass, plain.fusion_network, "with a detector", PersonDetector(CONFIG))


def test_the_configuration_carries_the_detector_or_none(estimator):
    assert model_config_from_dict(dataclasses.asdict(estimator.config)) == estimator.config
    without = dataclasses.replace(estimator.config, detector=None)
    assert model_config_from_dict(dataclasses.asdict(without)) == without


def test_a_checkpoint_keeps_the_detector(estimator, tmp_path):
    estimator.save_pretrained(tmp_path / "model")
    loaded = PoseEstimator.from_pretrained(tmp_path / "model", device="cpu")
    image = torch.rand(1, 3, 64, 64)
    expected = estimator.detector(image)
    assert torch.allclose(loaded.detector(image), expected, atol=0.02 * expected.abs().max().item())
    assert loaded.config.detector == CONFIG


def test_the_search_runs_the_detector_without_its_norms(estimator):
    for _ in range(3):  # statistics that are not those of the start
        estimator.detector.train()(torch.rand(4, 3, 64, 64))
    used = PoseEstimator(
        estimator.config, estimator.hourglass, estimator.fusion_network, detector=estimator.detector
    ).search.detector
    image = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(used(image), estimator.detector(image), rtol=1e-4, atol=1e-4)
    norms, blocks = (sum(isinstance(one, kind) for one in used.modules()) for kind in (nn.BatchNorm2d, Residual))
    assert norms == blocks, "only those that come first in a block are left: what they read is needed beside them"


def test_a_checkpoint_without_a_detector_still_works(tmp_path):
    PoseEstimator.random("tiny").save_pretrained(tmp_path / "model")
    loaded = PoseEstimator.from_pretrained(tmp_path / "model", device="cpu")
    assert loaded.detector is None
    boxes, scores = loaded.find_people(np.zeros((60, 80, 3), np.uint8))
    assert boxes.shape == (0, 4)
    assert scores.shape == (0,)


def test_detector_and_configuration_belong_together(estimator):
    wider = dataclasses.replace(CONFIG, head=12)
    with pytest.raises(ValueError, match="with_config changes no network, but detector differs"):
        estimator.with_config(dataclasses.replace(estimator.config, detector=wider))
    looser = dataclasses.replace(CONFIG, nms_iou=0.9)
    assert estimator.with_config(dataclasses.replace(estimator.config, detector=looser)).config.detector == looser
    with pytest.raises(ValueError, match=r"both a detector and config\.detector"):
        PoseEstimator(estimator.config, estimator.hourglass, estimator.fusion_network)


def test_the_first_crop_is_where_the_detector_points(estimator, monkeypatch):
    estimator.search.detector, crops = Seeing((4, 4, 3.0, 12, 24, 12, 24, 90)), []
    plain = estimator.predictor.predict
    monkeypatch.setattr(
        estimator.predictor,
        "predict",
        lambda photos, some, **options: crops.extend(some) or plain(photos, some, **options),
    )
    estimator.find_people(np.random.default_rng(0).integers(0, 256, (128, 128, 3)).astype(np.uint8))
    first = crops[0]
    # The letterbox doubles: middle 35.5 of 64 is 4 beside 31.5, so 8 beside 63.5; the box is 48 x 96 in the photo.
    assert np.allclose(first.center, (71.5, 71.5))
    assert first.side == pytest.approx(96 * estimator.config.crop.margin)
    assert first.angle == 0
