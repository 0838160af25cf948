"""Both networks of a checkpoint trained together."""

import dataclasses

import pytest
import torch
from safetensors.torch import load_file

from fusion_model.estimator import PoseEstimator
from fusion_model.fusion import FusionNetwork
from fusion_model.hourglass import StackedHourglass
from fusion_model.presets import PRESETS
from fusion_model.pruning import prune
from train.joint import BothNetworks


@pytest.fixture
def networks():
    torch.manual_seed(0)
    hourglass, fusion = StackedHourglass(PRESETS["tiny"].hourglass), FusionNetwork(PRESETS["tiny"].fusion)
    fusion.harden()
    return hourglass, prune(fusion)


@pytest.fixture
def options(tmp_path, networks, data_folder):
    """Those of a tiny checkpoint and fake people."""
    hourglass, fusion = networks
    config = dataclasses.replace(PRESETS["tiny"], fusion=fusion.config)
    PoseEstimator(config, hourglass, fusion, name="start").save_pretrained(tmp_path / "start", card="# The start")
    usual = ("--checkpoint", tmp_path / "start", "--data", data_folder, "--run", tmp_path / "run")
    return (*usual, "--batch", 4, "--validate-every", 2, "--steps", 4, "--save-every", 2)


def test_the_error_of_the_pose_reaches_the_hourglass(networks):
    both = BothNetworks(*networks)
    size = PRESETS["tiny"].hourglass.input_size
    _, pose = both(torch.rand(2, 3, size, size))
    assert pose.shape == (2, 17, 3)
    pose.square().sum().backward()
    assert max(p.grad.abs().max() for p in both.hourglass.parameters() if p.grad is not None) > 0


def test_both_networks_move_and_the_rest_of_the_checkpoint_stays(options, printed, tmp_path):
    printed("joint", *options, "--lr", 1e-2)
    folder = tmp_path
    before, after = (load_file(folder / place / "model.safetensors") for place in ("start", "run/checkpoint"))
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert any(name.startswith("hourglass.") for name in moved)
    assert any(name.startswith("fusion.") for name in moved)
    assert not any("running_" in name or name.endswith("hardened_at") for name in moved)
    assert (folder / "run/checkpoint/README.md").read_text() == "# The start"
    config = (folder / "start/config.json").read_text()
    assert (folder / "run/checkpoint/config.json").read_text().replace('"run"', '"start"') == config
    assert PoseEstimator.from_pretrained(folder / "run/checkpoint", device="cpu").fusion.pruned


@pytest.mark.slow
def test_a_cut_run_goes_on_and_another_weight_is_refused(options, printed, refused, tmp_path):
    printed("joint", *options)
    card = tmp_path / "run" / "checkpoint" / "README.md"
    card.write_text("# Calibrated since\n")
    out = printed("joint", *options)
    assert "resumed at step 4" in out
    assert "finished before" in out
    assert card.read_text() == "# Calibrated since\n"
    assert "pose_weight" in refused("joint", *options, "--pose-weight", 1)
