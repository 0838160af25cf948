"""Checkpoints: what goes in comes out, and every kind of damage is told in one sentence."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from fusion_model.config import CalibrationConfig
from fusion_model.estimator import PoseEstimator
from fusion_model.fusion import FusionNetwork
from fusion_model.hourglass import StackedHourglass
from fusion_model.hub.checkpoints import (
    build_networks,
    check_state,
    load_checkpoint,
    locate_checkpoint,
    read_metrics,
    save_checkpoint,
    update_checkpoint,
)
from fusion_model.presets import PRESETS
from fusion_model.pruning import prune

CARD = "# A card\n"


def networks(**changes):
    torch.manual_seed(0)
    config = dataclasses.replace(PRESETS["tiny"], fusion=dataclasses.replace(PRESETS["tiny"].fusion, **changes))
    return config, StackedHourglass(config.hourglass), FusionNetwork(config.fusion)


def tensors_of(hourglass, fusion):
    parts = {"hourglass.": hourglass, "fusion.": fusion}
    return {prefix + name: tensor for prefix, net in parts.items() for name, tensor in net.state_dict().items()}


def make(**changes):
    """A configuration and the tensors of its networks."""
    config, *parts = networks(**changes)
    return config, tensors_of(*parts)


def save_another(folder):
    """Save an early-fusion checkpoint over the one in the folder."""
    return save_checkpoint(folder, *make(strategy="early"), "# Another\n")


@pytest.fixture
def folder(tmp_path):
    return save_checkpoint(tmp_path / "model", *make(), CARD, metrics={"pck": 0.5})


@pytest.mark.parametrize(
    "changes", [{}, {"strategy": "free"}, {"strategy": "image-only"}, {"batch_norm": True}], ids=str
)
def test_round_trip_in_float32_is_exact(tmp_path, changes):
    config, tensors = make(**changes)
    save_checkpoint(tmp_path / "a" / "b", config, tensors, CARD, dtype=torch.float32)
    loaded_config, state = load_checkpoint(tmp_path / "a" / "b")
    assert loaded_config == config
    assert state.keys() == tensors.keys()
    assert all(torch.equal(state[name], tensors[name]) for name in tensors)
    assert (tmp_path / "a" / "b" / "README.md").read_text() == CARD
    build_networks(loaded_config).load_state_dict(state)


def test_half_precision_is_the_default_and_keeps_counters_and_scalars(folder):
    stored = load_file(folder / "model.safetensors")
    assert stored["fusion.output.weight"].dtype == torch.float16
    assert stored["fusion.alpha"].dtype == torch.float32
    assert stored["hourglass.front.1.num_batches_tracked"].dtype == torch.int64
    _, state = load_checkpoint(folder)
    assert state["fusion.output.weight"].dtype == torch.float32
    assert state["hourglass.front.1.num_batches_tracked"].dtype == torch.int64
    assert read_metrics(folder) == {"pck": 0.5}


def test_numbers_beyond_half_precision_are_kept(tmp_path):
    config, tensors = make()
    tensors["fusion.output.bias"] = torch.full_like(tensors["fusion.output.bias"], 1e6)
    _, state = load_checkpoint(save_checkpoint(tmp_path / "m", config, tensors, CARD))
    assert state["fusion.output.bias"][0] == 1e6


def test_pruned_network_round_trip(tmp_path):
    config, hourglass, fusion = networks()
    fusion.harden()
    pruned = prune(fusion).eval()
    config = dataclasses.replace(config, fusion=pruned.config)
    save_checkpoint(tmp_path / "m", config, tensors_of(hourglass, pruned), CARD, dtype=torch.float32)
    loaded_config, state = load_checkpoint(tmp_path / "m")
    loaded = build_networks(loaded_config).eval()
    loaded.load_state_dict(state)
    inputs = torch.rand(1, 3, 32, 32), torch.rand(1, 16, 32, 32)
    assert torch.equal(loaded["fusion"](*inputs), pruned(*inputs))


def test_files_can_be_read_by_others(folder):
    plain = folder.parent / "plain"
    plain.mkdir()
    (plain / "file").touch()
    assert folder.stat().st_mode == plain.stat().st_mode
    assert {path.stat().st_mode for path in folder.iterdir()} == {(plain / "file").stat().st_mode}


def test_saving_again_replaces(folder):
    save_another(folder)
    assert load_checkpoint(folder)[0] == make(strategy="early")[0]
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


@pytest.mark.parametrize(
    "step",
    ["fusion_model.hub.checkpoints.save", "fusion_model.hub.checkpoints._write_texts", "fusion_model.files._swap"],
)
def test_a_save_that_fails_leaves_the_old_checkpoint(folder, monkeypatch, step):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(step, fail)
    for target in (folder, folder.parent / "new"):
        with pytest.raises(OSError, match="disk full"):
            save_another(target)
    assert (folder / "README.md").read_text() == CARD
    assert load_checkpoint(folder)[0].fusion.strategy == "trainable"
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_a_rename_that_fails_brings_the_old_checkpoint_back(folder, monkeypatch):
    rename = type(folder).rename

    def fail_for_parts(path, target):
        if path.suffix == ".part":
            raise OSError("busy")
        return rename(path, target)

    monkeypatch.setattr(type(folder), "rename", fail_for_parts)
    with pytest.raises(OSError, match="busy"):
        save_another(folder)
    assert load_checkpoint(folder)[0].fusion.strategy == "trainable"
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_saving_refuses_to_replace_other_things(tmp_path):
    (tmp_path / "thesis.tex").write_text("...")
    for target, message in ((tmp_path, r"holds other files: thesis\.tex"), (tmp_path / "thesis.tex", "is a file")):
        with pytest.raises(ValueError, match=message):
            save_another(target)
    assert (tmp_path / "thesis.tex").read_text() == "..."


def test_saving_refuses_what_could_not_be_loaded(tmp_path):
    config, tensors = make()
    del tensors["fusion.alpha"]
    with pytest.raises(ValueError, match=r"missing: fusion\.alpha"):
        save_checkpoint(tmp_path / "m", config, tensors, CARD)
    tensors["fusion.alpha"] = torch.tensor(float("nan"))
    with pytest.raises(ValueError, match=r"fusion\.alpha holds numbers that are not finite"):
        save_checkpoint(tmp_path / "m", config, tensors, CARD)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("fusion.output.bias"), r"missing: fusion\.output\.bias \(51,\)"),
        (lambda t: t.update(extra=torch.zeros(2)), r"unexpected: extra \(2,\)"),
        (lambda t: t.update({"fusion.output.bias": torch.zeros(50)}), r"output\.bias must be \(51,\), got \(50,\)"),
        (lambda t: t.update({"fusion.alpha": torch.tensor(1)}), r"alpha must be torch\.float32, got torch\.int64"),
        (
            lambda t: t.update({"fusion.gamma": t.pop("fusion.alpha")}),
            r"missing: fusion\.alpha.*unexpected: fusion\.gamma",
        ),
    ],
)
def test_loading_names_the_tensor_that_does_not_fit(folder, change, message):
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(ValueError, match=message):
        load_checkpoint(folder)


def test_long_lists_of_problems_are_cut():
    module = FusionNetwork(PRESETS["tiny"].fusion)
    with pytest.raises(ValueError, match=r"; and \d+ more$"):
        check_state(module, {})
    check_state(module, module.state_dict())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: e.pop("format"), "must be of format 'fusion-pose-checkpoint/3', got None"),
        (lambda e: e.update(format="fusion-pose-checkpoint/1"), "got 'fusion-pose-checkpoint/1'"),
        (lambda e: e.pop("hourglass"), "no entry 'hourglass'"),
        (lambda e: e.update(colour="red"), "unknown entries: colour"),
        (lambda e: e["fusion"].update(strategy="middle"), "strategy must be one of"),
        (lambda e: e["fusion"].update(beta=3), "fusion has unknown fields: beta"),
    ],
)
def test_other_schemas_are_refused(folder, change, message):
    entries = json.loads((folder / "config.json").read_text())
    change(entries)
    (folder / "config.json").write_text(json.dumps(entries))
    with pytest.raises(ValueError, match=rf"config\.json .*{message}"):
        load_checkpoint(folder)


@pytest.mark.parametrize("text", ['{"format": ', "", "[1, 2]", '"text"'])
def test_malformed_json_is_refused(folder, text):
    (folder / "config.json").write_text(text)
    with pytest.raises(ValueError, match=r"config\.json (is not valid JSON|must be of format)"):
        load_checkpoint(folder)


@pytest.mark.parametrize("size", [0, 4, 100, 5000])
def test_truncated_tensors_are_refused(folder, size):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ValueError, match=r"model\.safetensors is truncated or no safetensors file"):
        load_checkpoint(folder)


def test_a_pickle_is_refused_unread(folder):
    torch.save({"fusion.alpha": torch.zeros(1)}, folder / "model.safetensors")
    with pytest.raises(ValueError, match="no safetensors file"):
        load_checkpoint(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_missing_files_are_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{folder.name} has no {name}: expected a folder such as"):
        load_checkpoint(folder)


@pytest.fixture
def no_hub(monkeypatch):
    def refuse(*_, **__):
        pytest.fail("the Hub was asked")

    monkeypatch.setattr("fusion_model.hub.checkpoints.fetch", refuse)


@pytest.mark.usefixtures("no_hub")
def test_paths_that_are_not_there_are_told_without_the_hub(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for source in ("assets/checkpoints/default", "./model", "../model", str(tmp_path / "model"), "model"):
        with pytest.raises(FileNotFoundError, match="there is no checkpoint folder"):
            load_checkpoint(source)
    (tmp_path / "assets").mkdir()
    with pytest.raises(
        FileNotFoundError, match=r"no checkpoint folder 'assets/x'; if the Hub .* write 'assets/x@main'"
    ):
        load_checkpoint("assets/x")
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="is a file"):
        load_checkpoint("file")


def test_hub_ids_are_fetched_at_their_revision(hub, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "user").mkdir()
    commits = {revision: hub.push(folder, revision) for revision in ("main", "refs/pr/1")}
    for source, revision in (("another.user/na-me", "main"), ("user/name@refs/pr/1", "refs/pr/1")):
        assert locate_checkpoint(source).folder.name == commits[revision]
        assert load_checkpoint(source)[0] == PRESETS["tiny"]
    hub.close()
    assert load_checkpoint("another.user/na-me")[0] == PRESETS["tiny"]


@pytest.mark.slow
def test_unreachable_hub_is_told(tmp_path):
    environment = {**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path)}
    code = "from fusion_model.hub.checkpoints import load_checkpoint; load_checkpoint('user/name')"
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("fusion_model.hub.fetch.HubUnreachableError: ")
    assert "there is no folder 'user/name', the Hub cannot be reached" in last


def test_an_update_changes_all_but_the_tensors(folder):
    config, _ = load_checkpoint(folder)
    before = (folder / "model.safetensors").read_bytes()
    other = dataclasses.replace(config, calibration=CalibrationConfig(seen=0.7))
    update_checkpoint(folder, other, "# Another card\n", {"n": 3})
    assert load_checkpoint(folder)[0] == other
    assert read_metrics(folder) == {"n": 3}
    assert (folder / "README.md").read_text() == "# Another card\n"
    assert (folder / "model.safetensors").read_bytes() == before
    assert sorted(path.name for path in folder.parent.iterdir()) == ["model"]
    wrong = dataclasses.replace(config, hourglass=dataclasses.replace(config.hourglass, stacks=2))
    with pytest.raises(ValueError, match="the tensors do not fit"):
        update_checkpoint(folder, wrong, "# A third\n")
    assert load_checkpoint(folder)[0] == other


def test_the_bundled_checkpoint_has_a_name_in_every_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "default").mkdir()
    config, state = load_checkpoint("default")
    assert config.hourglass == PRESETS["released"].hourglass
    assert config.detector == PRESETS["released"].detector
    fitted = {name: getattr(config.search, name) for name in ("score", "box_score", "person")}
    assert config.search == dataclasses.replace(PRESETS["released"].search, **fitted)
    assert dataclasses.replace(config.fusion, merge_after=None) == PRESETS["released"].fusion
    assert config.following is not None
    assert any(name.startswith("detector.") for name in state)
    with pytest.raises(FileNotFoundError, match=r"has no config\.json"):
        load_checkpoint("./default")
    assert load_checkpoint(Path("default"))[0] == config
    PoseEstimator.random("tiny").save_pretrained("default")
    with pytest.raises(ValueError, match=r"a checkpoint lies in the folder \./default too: write '\./default'"):
        load_checkpoint("default")
    assert load_checkpoint("./default")[0] == PRESETS["tiny"]
