"""The networks of the fusion lab in their folder: strictly read, small, and refused beside another hourglass."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from fusion_model import PoseEstimator
from fusion_model.hub import strategies
from fusion_model.hub.checkpoints import weights_fingerprint
from fusion_model.hub.strategies import COMPARED, load_strategies, save_strategies, strategy_figures
from tests.helpers.estimators import fusion_inputs, strategy_networks

OTHER = PoseEstimator.random("tiny", seed=1)
FIGURES = {name: {"n": 8, "photos_mpjpe": 120.0 + number} for number, name in enumerate(COMPARED)}


@pytest.fixture(scope="module")
def estimator():
    return PoseEstimator.random("tiny")


@pytest.fixture(scope="module")
def networks(estimator):
    return strategy_networks(estimator.config.fusion)


@pytest.fixture
def folder(tmp_path, estimator, networks):
    return save_strategies(tmp_path / "strategies", networks, estimator.hourglass, FIGURES)


def test_what_is_saved_is_loaded_beside_the_same_hourglass(folder, estimator, networks, tmp_path):
    estimator.save_pretrained(tmp_path / "model")  # in half precision
    loaded = load_strategies(folder, PoseEstimator.from_pretrained(tmp_path / "model", device="cpu"))
    assert (list(loaded), strategy_figures(folder)) == (list(COMPARED), FIGURES)
    for name, network in loaded.items():
        assert not network.training
        assert network.config == networks[name].config
        with torch.inference_mode():
            expected = networks[name](*fusion_inputs())
            assert torch.allclose(network(*fusion_inputs()), expected, rtol=0.01, atol=1)
    assert loaded["trainable"].config.merge_after is not None
    assert load_file(folder / "late.safetensors")["output.weight"].dtype == torch.float16
    own, other = (weights_fingerprint(one.hourglass, torch.float16) for one in (estimator, OTHER))
    words = f"belong to the hourglass {own}, but random-tiny has {other}: load"
    with pytest.raises(strategies.OtherHourglassError, match=words):
        load_strategies(folder, OTHER)


def test_a_folder_is_replaced_by_networks_of_every_way_alone(folder, estimator, networks, tmp_path):
    before = (folder / "config.json").read_bytes()
    for others in ({**networks, "early": networks["late"]}, {"early": networks["early"]}):
        with pytest.raises(ValueError, match=r"one network of each of image-only, .* is needed"):
            save_strategies(folder, others, estimator.hourglass)
    assert (folder / "config.json").read_bytes() == before
    assert strategy_figures(save_strategies(folder, networks, estimator.hourglass)) == {}
    (folder / "notes.txt").touch()
    with pytest.raises(ValueError, match=r"holds other files: notes\.txt"):
        save_strategies(folder, networks, estimator.hourglass)
    save_strategies(tmp_path / "new" / "folder", networks, estimator.hourglass)


def test_the_bundled_ones_are_small_and_belong_to_the_bundled_model():
    folder = strategies.bundled_strategies()
    if folder.is_dir():
        assert sum(path.stat().st_size for path in folder.iterdir()) <= 7_000_000
        loaded = load_strategies(folder, PoseEstimator.from_pretrained("default"))
        assert list(loaded) == list(strategy_figures(folder)) == list(COMPARED)


def test_damaged_folders_are_refused_in_one_sentence(folder, estimator):
    file, state = folder / "config.json", load_file(folder / "early.safetensors")
    entries = json.loads(file.read_text())

    def spoil(**changes):
        file.write_text(json.dumps(entries | changes))

    state.pop("output.bias")
    late, other = (entries["networks"][name] for name in ("late", "image-only"))
    mpii = {"image-only": other | {"skeleton": "mpii_16"}}
    cases = {
        "strategies/early.safetensors: .*missing: output.bias": lambda: save_file(state, folder / "early.safetensors"),
        "is truncated or no safetensors file": lambda: (folder / "image-only.safetensors").write_bytes(b"12"),
        "image-only must be of that strategy": lambda: spoil(networks={"image-only": late}),
        "with the joints human36m_17, got image-only with": lambda: spoil(networks=mpii),
        "gives 16 maps but": lambda: spoil(networks={"image-only": other | {"map_joints": 14}}),
        "image-only.layers must be a list": lambda: spoil(networks={}),
        "must be of format 'fusion-pose-strategies/1', got 'other'": lambda: spoil(format="other"),
    }
    for words, damage in cases.items():
        damage()
        with pytest.raises(ValueError, match=words) as error:
            load_strategies(folder, estimator)
        assert "\n" not in str(error.value)
    file.unlink()
    for missing, words in ((folder, r"has no config.json"), (folder / "no", "there is no checkpoint folder")):
        with pytest.raises(FileNotFoundError, match=words):
            load_strategies(missing, estimator)
