"""Pairs of 2D and 3D joints without pictures."""

import numpy as np
import pytest
import torch

from fusion_model.heatmaps import decode
from fusion_model.readings import read_maps
from fusion_model.skeletons import HUMAN36M_17, MPII_16
from tests.helpers.fake_data import make_people
from train.fusion_stage import data
from train.fusion_stage.data import pair_samples
from train.fusion_stage.map_errors import MapErrors
from train.synthesis.labels import body_azimuth
from train.synthesis.pairs import PairSampler

SIZE = 128


@pytest.fixture(scope="module")
def sampler(pack, library):
    return PairSampler(pack, library, "train", SIZE, 1.25)


def test_pairs_fill_the_crop_as_people_in_their_box_do(sampler):
    pairs = sampler.draw(np.random.default_rng(0), 64)
    assert pairs.points.shape == (64, 16, 2)
    assert pairs.poses.shape == (64, 17, 3)
    side = (pairs.points.max(1) - pairs.points.min(1)).max(1) / SIZE
    assert np.median(side) == pytest.approx(1 / 1.25, rel=0.1)
    np.testing.assert_array_equal(pairs.poses[:, 0], 0)


def test_2d_and_3d_agree_seen_from_far_away(sampler):
    pairs = sampler.draw(np.random.default_rng(1), 64)
    mpii = [HUMAN36M_17.index(name) for name in MPII_16.joints]
    errors = []
    for points, pose in zip(pairs.points, pairs.poses, strict=True):
        flat, seen = pose[mpii, :2] - pose[mpii, :2].mean(0), points - points.mean(0)
        scale = (flat * seen).sum() / (flat**2).sum()
        assert scale > 0
        errors.append(np.linalg.norm(seen - scale * flat, axis=1).mean() / np.linalg.norm(seen, axis=1).mean())
    assert np.median(errors) < 0.1, "perspective explains a few percent, no more"


def test_views_come_from_all_sides_and_repeat_with_the_seed(sampler):
    one, other = (sampler.draw(np.random.default_rng(2), 96) for _ in range(2))
    np.testing.assert_array_equal(one.points, other.points)
    azimuth = np.array([body_azimuth(pose) for pose in one.poses])
    counts = np.histogram(azimuth, [-180, -90, 0, 90, 180])[0]
    assert counts.min() >= 8


@pytest.mark.parametrize(("names", "watched"), [(("synthetic", "mpii"), 1), (("synthetic", "synthetic"), 2)])
def test_errors_are_those_on_photos_where_there_are_any(names, watched, library, monkeypatch):
    people = make_people(2)
    people.source, people.names = torch.arange(2), names
    seen = []
    monkeypatch.setattr(data, "measure_errors", lambda _network, people, *_: seen.append(len(people)))
    monkeypatch.setattr(data, "pair_samples", lambda *_: "rows")
    assert data._pairs(people, None, data.SampleSettings(SIZE, 1.25, 48, crops=1, pairs=5), library) == "rows"
    assert seen == [watched]


def test_a_missing_library_is_refused_before_any_photo_is_read(tmp_path):
    settings = data.SampleSettings(SIZE, 1.25, 48, crops=1, pairs=5, motions=str(tmp_path / "none.npz"))
    with pytest.raises(FileNotFoundError, match=r"none\.npz not found: make it with python -m train\.synthesis"):
        data.fusion_data(tmp_path / "no data", settings, None, torch.device("cpu"))


def test_pairs_become_rows_for_the_fusion_network(sampler):
    exact = MapErrors(
        offset=torch.zeros(16), height=torch.ones(16, 9), sigma=torch.full((16,), 1.25), missed=torch.zeros(16),
        swapped=torch.zeros(16), lost=torch.zeros(16), count=torch.ones(16),
    )  # fmt: skip
    samples = pair_samples(sampler, exact, count=10, size=SIZE, fusion_size=48, source=3, seed=5, batch=4)
    assert len(samples) == 10
    assert set(samples.source.tolist()) == {3}
    images, maps, readings = samples.inputs(torch.arange(10))
    torch.testing.assert_close(readings[:, :32], read_maps(maps)[:, :32], atol=0.05, rtol=0)  # x and y
    assert images.std() < 0.01, "there is no picture"
    joint = MPII_16.index("pelvis")
    found, peaks = decode(maps[:, joint])
    assert peaks.min() > 0.5
    np.testing.assert_allclose(found, samples.points[:, joint], atol=0.5)
    mpii = [HUMAN36M_17.index(name) for name in MPII_16.joints]
    across = [
        np.corrcoef(points[:, 0], pose[mpii, 0])[0, 1]
        for points, pose in zip(samples.points, samples.pose, strict=True)
    ]
    assert min(across) > 0.9, "rows keep their pose"
