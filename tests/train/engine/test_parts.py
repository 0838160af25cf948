"""What the loop is made of: warm starts, memory, seeds and noise, weights on disk."""

import dataclasses
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from fusion_model.estimator import PoseEstimator
from fusion_model.hourglass import StackedHourglass
from fusion_model.presets import PRESETS
from train.engine.checkpoints import read_weights, warm_start
from train.engine.seeds import RowNoise, derive_seed, draw_seeds
from train.fusion_stage.training import load_hourglass

ROOT = Path(__file__).parents[3]


def test_a_warm_start_takes_what_fits_and_says_what_it_skipped(tmp_path):
    estimator = PoseEstimator.random("tiny")
    estimator.save_pretrained(tmp_path / "checkpoint")
    for part, network in (("hourglass", estimator.hourglass), ("fusion", estimator.fusion_network)):
        fresh = type(network)(network.config)
        assert warm_start(fresh, tmp_path / "checkpoint", part).endswith("skipped: nothing")
        torch.testing.assert_close(fresh.state_dict(), network.state_dict(), rtol=1e-3, atol=1e-6)  # stored as float16
    hourglass = load_hourglass(estimator.config, tmp_path / "checkpoint").state_dict()
    assert all(torch.equal(hourglass[k].half(), one.half()) for k, one in estimator.hourglass.state_dict().items())
    other = StackedHourglass(dataclasses.replace(PRESETS["tiny"].hourglass, joints=14))  # all but the maps' layers fit
    count = len(other.state_dict())
    words = warm_start(other, tmp_path / "checkpoint", "hourglass")
    skipped = words.partition("skipped: ")[2].split(", ")
    assert f": {count - len(skipped)} of {count} tensors" in words
    assert skipped == [name for name, one in sorted(other.state_dict().items()) if one.shape != hourglass[name].shape]
    save_file({"nothing": torch.zeros(1)}, tmp_path / "strange.safetensors")
    with pytest.raises(ValueError, match="no tensor fits this network"):
        warm_start(other, tmp_path / "strange.safetensors")


def test_seeds_are_the_same_everywhere_and_noise_is_a_samples_own():
    assert derive_seed(0, 1) == 4059051691542397301
    assert len({derive_seed(*numbers) for numbers in ((0,), (0, 0), (0, 1), (1, 0), (-1, 0))}) == 5
    seeds = draw_seeds(64, torch.Generator().manual_seed(0))
    whole, part = RowNoise(seeds), RowNoise(seeds[20:30])
    for shape in ((), (3,), (2, 5)):
        assert torch.equal(whole.normal(*shape)[20:30], part.normal(*shape))
    assert RowNoise(torch.tensor([7])).uniform(2)[0].tolist() == pytest.approx([0.3672001, 0.4849326])
    twice = RowNoise(seeds)
    assert not torch.equal(twice.uniform(9), twice.uniform(9))
    rows = torch.arange(10) % 3 == 0
    assert torch.equal(whole.normal(7)[20:30][rows], part.normal(7, rows=rows))
    numbers, levels = whole.normal(999), whole.uniform(999)
    part.normal(999)
    assert torch.equal(levels[20:30], part.uniform(999))
    for found, mean, std in ((numbers, 0, 1), (levels, 0.5, 12**-0.5)):
        assert found.mean().item() == pytest.approx(mean, abs=0.02)
        assert found.std().item() == pytest.approx(std, abs=0.02)
        assert torch.corrcoef(found[:8]).fill_diagonal_(0).abs().max() < 0.15


def test_weights_that_are_not_there_or_damaged(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"expected a run's folder with best/model\.safetensors"):
        read_weights(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"not tensors")
    with pytest.raises(ValueError, match=r"model\.safetensors is truncated or no safetensors file"):
        read_weights(tmp_path / "model.safetensors")
