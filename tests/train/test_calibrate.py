"""Data and networks that leave little to calibrate by."""

import argparse
import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fusion_model.config import CalibrationConfig
from fusion_model.crop_inference import calibrated
from fusion_model.estimator import PoseEstimator
from fusion_model.heatmaps import encode
from fusion_model.hub.checkpoints import read_metrics
from tests.helpers.fake_data import make_source
from train import calibrate
from train.calibrate import fit_calibration
from train.evaluation.end_to_end import truth_of


@pytest.mark.parametrize("rendered_alone", [False, True])
def test_calibration_leaves_the_odd_people_to_test_it_on(tmp_path, monkeypatch, rendered_alone):
    """Rendered people are used where no photo is held out; joints on which teachers agree are too easy."""
    PoseEstimator.random("tiny").save_pretrained(tmp_path / "model", metrics={"kept": 1})
    (tmp_path / "model" / "README.md").write_text("# As it was\n")
    photos, rendered = (make_source(name, count=6) for name in ("mpii", "synthetic"))
    rendered.pose_weight[:], read, posed = 1, set(), []
    monkeypatch.setattr(calibrate, "_with_poses", lambda one, kinds: posed.extend(*kinds) or one)
    watched = {"read": lambda row: read.add(row) or photos.read(row)}
    unread = dataclasses.replace(make_source("everyday", count=6), read=None)
    sources = [dataclasses.replace(photos, **watched), unread, dataclasses.replace(rendered, read=None)]
    if rendered_alone:
        none = dataclasses.replace(photos, read=None, validation=np.zeros(6, bool))
        sources = [none, dataclasses.replace(rendered, **watched)]
    monkeypatch.setattr(calibrate, "find_sources", lambda _data: sources)
    assert calibrate.main(argparse.Namespace(data=tmp_path, checkpoint=tmp_path / "model")) == 0
    assert read == {0, 2, 4} == {row for _, row in posed}
    assert (tmp_path / "model" / "README.md").read_text() == "# As it was\n"
    assert read_metrics(tmp_path / "model") == {"kept": 1}


def test_each_person_is_compared_with_their_own_labels(monkeypatch):
    source = make_source("mpii", count=6)
    maps = encode(torch.tensor([[20.0, 30]]), (64, 64), 1.25) + 0.5 * encode(torch.tensor([[50.0, 30]]), (64, 64), 1.25)
    maps = maps.repeat(16, 1, 1)
    right = [SimpleNamespace(points=joints, maps=maps * n) for n, joints in enumerate(source.joints, 1)]
    monkeypatch.setattr(calibrate, "predictions", lambda _, members: [[right[row] for _, row in members]])
    *heights, hits = calibrate._heights_and_hits(None, source, truth_of(source))
    assert hits.tolist() == [True] * 3 * 12
    for height, lowest in zip(heights, (1, 0.5), strict=True):  # of the even people, 1, 3 and 5 times as high
        np.testing.assert_allclose(height / height[0], np.repeat([1, 3, 5], 12), rtol=1e-4)
        assert height[0] == pytest.approx(lowest, rel=0.1)


def test_knots_rise_through_the_fractions_of_hits():
    fitted = calibrate.fit_knots(np.array([0.4, 0.1, 0.3, 0.2]), np.array([True, False, False, True]))
    assert fitted == CalibrationConfig((0, 0.1, 0.2, 0.3, 0.4), (0, 0, 0.5, 0.5, 1), seen=0.5)


def test_maps_that_are_higher_elsewhere_can_be_calibrated():
    """As those of a network that has hardly learned: a rival that outweighs every peak is no evidence."""
    generator = np.random.default_rng(0)
    peaks = generator.uniform(0.05, 0.2, 500)
    hits = generator.uniform(0, 1, 500) < 0.1
    calibration = fit_calibration(peaks, peaks + 0.2, hits)
    assert calibrated(peaks, peaks + 0.2, calibration).mean() == pytest.approx(hits.mean(), abs=0.02)
    assert fit_calibration(np.zeros(500), np.zeros(500), hits) == CalibrationConfig()


def test_calibration_learns_what_a_rival_costs():
    """Joints whose map is high elsewhere are right less often, and the confidence says so."""
    generator = np.random.default_rng(0)
    peaks, rivals = generator.uniform(0.4, 1, 20_000), generator.uniform(0, 0.8, 20_000)
    hits = generator.uniform(0, 1, 20_000) < peaks - 0.5 * rivals
    calibration = fit_calibration(peaks, rivals, hits)
    assert calibration.rival == pytest.approx(0.5, abs=0.1)
    for group in (rivals < 0.2, rivals > 0.6):
        confidence = calibrated(peaks[group], rivals[group], calibration)
        assert confidence.mean() == pytest.approx(hits[group].mean(), abs=0.02)
    assert fit_calibration(peaks, rivals, generator.uniform(0, 1, 20_000) < peaks).rival == pytest.approx(0, abs=0.05)
