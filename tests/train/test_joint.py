"""Both networks of a checkpoint trained together."""

import dataclasses
import sys

import pytest
import torch
from safetensors.torch import load_file

from fusion_model.config import PRESETS
from fusion_model.estimator import PoseEstimator
from fusion_model.fusion import FusionNetwork
from fusion_model.hourglass import StackedHourglass
from fusion_model.pruning import prune
from tests.helpers.fake_data import write_pack
from train import joint
from train.command import run_command
from train.fusion_stage.joint import BothNetworks


@pytest.fixture
def networks():
    torch.manual_seed(0)
    hourglass, fusion = StackedHourglass(PRESETS["tiny"].hourglass), FusionNetwork(PRESETS["tiny"].fusion)
    fusion.harden()
    return hourglass, prune(fusion)


@pytest.fixture
def tune(tmp_path, monkeypatch, networks):
    """Runs the command on a tiny checkpoint and fake people: its status, and the folder of its runs."""
    hourglass, fusion = networks
    config = dataclasses.replace(PRESETS["tiny"], fusion=fusion.config)
    PoseEstimator(config, hourglass, fusion, name="start").save_pretrained(tmp_path / "start", card="# The start")
    write_pack(tmp_path / "data", "made", 8, held_out=2)
    usual = ["--checkpoint", tmp_path / "start", "--data", tmp_path / "data", "--batch", 4, "--validate-every", 2]

    def start(run, *arguments):
        monkeypatch.setattr(sys, "argv", ["joint", *map(str, [*usual, "--run", tmp_path / run, *arguments])])
        return run_command(joint.parser(), joint.main), tmp_path

    return start


def test_the_error_of_the_pose_reaches_the_hourglass(networks):
    both = BothNetworks(*networks)
    size = PRESETS["tiny"].hourglass.input_size
    _, pose = both(torch.rand(2, 3, size, size))
    assert pose.shape == (2, 17, 3)
    pose.square().sum().backward()
    assert max(p.grad.abs().max() for p in both.hourglass.parameters() if p.grad is not None) > 0


def test_both_networks_move_and_the_rest_of_the_checkpoint_stays(tune):
    status, folder = tune("run", "--steps", 4, "--lr", 1e-2)
    assert status == 0
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
def test_a_cut_run_goes_on_and_another_weight_is_refused(tune, tmp_path, capsys):
    tune("run", "--steps", 4, "--save-every", 2)
    card = tmp_path / "run" / "checkpoint" / "README.md"
    card.write_text("# Calibrated since\n")
    assert tune("run", "--steps", 4, "--save-every", 2)[0] == 0
    printed = capsys.readouterr().out
    assert "resumed at step 4" in printed
    assert "finished before" in printed
    assert card.read_text() == "# Calibrated since\n"
    assert tune("run", "--steps", 4, "--save-every", 2, "--pose-weight", 1)[0] == 1
    assert "pose_weight" in capsys.readouterr().err


def test_a_missing_checkpoint_is_one_sentence(tune, tmp_path, capsys):
    assert tune("run", "--steps", 2, "--checkpoint", tmp_path / "none")[0] == 1
    assert f"{tmp_path / 'none'}" in capsys.readouterr().err
