"""What the loop is made of: warm starts, seeds and noise, weights on disk."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from fusion_model.estimator import PoseEstimator
from fusion_model.hourglass import StackedHourglass
from fusion_model.presets import PRESETS
from train.engine.checkpoints import read_weights
from train.engine.optimiser import warm_start
from train.engine.seeds import RowNoise, derive_seed, draw_seeds
from train.fusion_stage.training import load_hourglass

ROOT = Path(__file__).parents[3]


def test_a_warm_start_across_presets_says_what_it_skipped(tmp_path):
    small, large = (StackedHourglass(PRESETS[name].hourglass) for name in ("tiny", "compact"))
    save_file(small.state_dict(), tmp_path / "small.safetensors")
    same = StackedHourglass(PRESETS["tiny"].hourglass)
    words = warm_start(same, tmp_path / "small.safetensors")
    assert words.endswith(f"{len(small.state_dict())} of {len(small.state_dict())} tensors; skipped: nothing")
    words = warm_start(large, tmp_path / "small.safetensors")
    assert "of another shape (" in words
    assert f" of {len(large.state_dict())} tensors; skipped: " in words
    other = StackedHourglass(dataclasses.replace(PRESETS["tiny"].hourglass, joints=14))
    words = warm_start(other, tmp_path / "small.safetensors")
    assert "for (14," in words, "another skeleton: all but the layers of the maps"
    save_file({"nothing": torch.zeros(1)}, tmp_path / "strange.safetensors")
    with pytest.raises(ValueError, match="no tensor fits this network"):
        warm_start(other, tmp_path / "strange.safetensors")


def test_a_warm_start_from_a_released_checkpoint_takes_the_part_that_is_meant(tmp_path):
    estimator = PoseEstimator.random("tiny")
    estimator.save_pretrained(tmp_path / "checkpoint")
    for part, network in (("hourglass", estimator.hourglass), ("fusion", estimator.fusion_network)):
        fresh = type(network)(network.config)
        words = warm_start(fresh, tmp_path / "checkpoint", part)
        assert words.endswith("skipped: nothing")
        torch.testing.assert_close(fresh.state_dict(), network.state_dict(), rtol=1e-3, atol=1e-6)  # stored as float16
    hourglass = load_hourglass(estimator.config, tmp_path / "checkpoint")
    for name, tensor in estimator.hourglass.state_dict().items():
        assert torch.equal(hourglass.state_dict()[name].half(), tensor.half()), name


@pytest.mark.skipif(sys.platform != "linux", reason="glibc alone is told to keep memory")
def test_freed_memory_is_kept():
    code = (
        "import resource, train.engine.machine as memory\n"
        "def faults():\n"
        "    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "    for _ in range(5): b'x' * 64_000_000\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before\n"
        "before = faults()\n"
        "print(memory.keep_freed_memory(), before, (faults(), faults())[1])"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=clean, capture_output=True, text=True, check=True)
    kept, before, after = done.stdout.split()
    assert kept == "True"
    assert int(after) * 10 < int(before)


def test_seeds_are_the_same_everywhere_and_noise_is_a_samples_own():
    assert derive_seed(0, 1) == 4059051691542397301
    assert len({derive_seed(*numbers) for numbers in ((0,), (0, 0), (0, 1), (1, 0), (-1, 0))}) == 5
    seeds = draw_seeds(64, torch.Generator().manual_seed(0))
    whole, part = RowNoise(seeds), RowNoise(seeds[20:30])
    for shape in ((), (3,), (2, 5)):
        assert torch.equal(whole.normal(*shape)[20:30], part.normal(*shape))
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
