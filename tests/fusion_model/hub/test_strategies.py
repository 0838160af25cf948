"""The networks of the fusion lab in their folder: strictly read, small, and refused beside another hourglass."""

import dataclasses
import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from fusion_model import PRESETS, FusionNetwork, PoseEstimator
from fusion_model.hub.strategies import (
    COMPARED,
    OtherHourglassError,
    bundled_strategies,
    load_strategies,
    save_strategies,
    strategy_figures,
)
from tests.helpers.strategies import strategy_networks

MOST_BYTES = 7_000_000
FIGURES = {name: {"n": 8, "photos_mpjpe": 120.0 + number} for number, name in enumerate(COMPARED)}


@pytest.fixture(scope="module")
def estimator():
    return PoseEstimator.random("tiny")


@pytest.fixture
def networks(estimator):
    return strategy_networks(estimator.config.fusion)


@pytest.fixture
def folder(tmp_path, estimator, networks):
    return save_strategies(tmp_path / "strategies", networks, estimator.hourglass, FIGURES)


def test_what_is_saved_is_loaded(folder, estimator, networks):
    loaded = load_strategies(folder, estimator)
    assert list(loaded) == list(COMPARED)
    assert strategy_figures(folder) == FIGURES
    inputs = torch.rand(2, 3, 32, 32), torch.rand(2, 16, 32, 32)
    for name, network in loaded.items():
        assert not network.training
        assert network.config == networks[name].config
        with torch.inference_mode():
            assert torch.allclose(network(*inputs), networks[name](*inputs), rtol=0.01, atol=1)
    assert loaded["trainable"].config.merge_after is not None
    assert load_file(folder / "late.safetensors")["output.weight"].dtype == torch.float16


def test_a_checkpoint_saved_and_loaded_again_has_the_same_hourglass(folder, estimator, tmp_path):
    estimator.save_pretrained(tmp_path / "model")  # in half precision
    assert len(load_strategies(folder, PoseEstimator.from_pretrained(tmp_path / "model"))) == 5


def test_another_hourglass_is_refused(folder):
    other = PoseEstimator.random("tiny", seed=1)
    with pytest.raises(OtherHourglassError, match=r"belong to the hourglass .*, but random-tiny has .*: load the"):
        load_strategies(folder, other)


@pytest.mark.parametrize("merged_after", range(5))
def test_the_five_of_the_preset_take_7_mb_wherever_the_learnt_one_merges(merged_after):
    config = PRESETS["lab"].fusion
    assert dataclasses.replace(PRESETS["lab"], fusion=PRESETS["released"].fusion) == PRESETS["released"]
    merged = {name: merged_after if name == "trainable" else None for name in COMPARED}
    with torch.device("meta"):
        networks = [
            FusionNetwork(dataclasses.replace(config, strategy=name, merge_after=after))
            for name, after in merged.items()
        ]
    numbers = sum(value.numel() for network in networks for value in network.state_dict().values())
    assert 2 * numbers + 50_000 < MOST_BYTES  # and the headers, and config.json


def test_the_bundled_ones_are_small_and_belong_to_the_bundled_model():
    folder = bundled_strategies()
    if folder.is_dir():
        assert sum(path.stat().st_size for path in folder.iterdir()) <= MOST_BYTES
        assert list(load_strategies(folder, PoseEstimator.from_pretrained("default"))) == list(COMPARED)
        assert set(strategy_figures(folder)) == set(COMPARED)


def test_only_one_of_each_is_saved_and_only_over_its_like(tmp_path, estimator, networks):
    with pytest.raises(ValueError, match=r"one network of each of image-only, .* is needed, got"):
        save_strategies(tmp_path / "new", networks | {"early": networks["late"]}, estimator.hourglass)
    with pytest.raises(ValueError, match="is needed"):
        save_strategies(tmp_path / "new", {"early": networks["early"]}, estimator.hourglass)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ValueError, match=r"replaced as a whole but holds other files: notes.txt"):
        save_strategies(tmp_path, networks, estimator.hourglass)


def spoil_config(folder, **changes):
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def test_damaged_folders_are_refused_in_one_sentence(folder, estimator):
    state = load_file(folder / "early.safetensors")
    cases = {
        "missing: output.bias": lambda: save_file(
            {name: value for name, value in state.items() if name != "output.bias"}, folder / "early.safetensors"
        ),
        "is truncated or no safetensors file": lambda: (folder / "image-only.safetensors").write_bytes(b"12"),
        "image-only must be of that strategy": lambda: spoil_config(
            folder, networks={"image-only": json.loads((folder / "config.json").read_text())["networks"]["late"]}
        ),
        "image-only.layers must be a list": lambda: spoil_config(folder, networks={}),
        "must be of format 'fusion-pose-strategies/1', got 'other'": lambda: spoil_config(folder, format="other"),
    }
    for words, spoil in cases.items():
        spoil()
        with pytest.raises(ValueError, match=words) as error:
            load_strategies(folder, estimator)
        assert "\n" not in str(error.value)
    (folder / "config.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"has no config.json"):
        load_strategies(folder, estimator)
    with pytest.raises(FileNotFoundError, match="there is no checkpoint folder"):
        load_strategies(folder / "no", estimator)


def test_networks_for_other_joints_are_refused(tmp_path, estimator):
    networks = strategy_networks(dataclasses.replace(estimator.config.fusion, skeleton="lsp_14"))
    folder = save_strategies(tmp_path / "strategies", networks, estimator.hourglass)
    with pytest.raises(ValueError, match="with the joints human36m_17, got image-only with lsp_14"):
        load_strategies(folder, estimator)
