"""Checkpoints: what goes in comes out, and every kind of damage is told in one sentence."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from fusion_model.config import CalibrationConfig
from fusion_model.hub import checkpoints
from fusion_model.hub.checkpoints import load_checkpoint, read_metrics, save_checkpoint, update_checkpoint
from fusion_model.presets import PRESETS
from tests.helpers.estimators import TINY

CARD = "# A card\n"


def make(**changes):
    torch.manual_seed(0)
    config = dataclasses.replace(PRESETS["tiny"], fusion=dataclasses.replace(TINY, **changes))
    return config, checkpoints.build_networks(config).state_dict()


def save_another(folder):
    return save_checkpoint(folder, *make(strategy="early"), "# Another\n")


@pytest.fixture
def folder(tmp_path):
    return save_checkpoint(tmp_path / "model", *make(), CARD, metrics={"pck": 0.5})


@pytest.mark.parametrize("changes", [{}, {"strategy": "image-only"}, {"batch_norm": True}, {"merge_after": 1}], ids=str)
def test_round_trip_in_float32_is_exact(tmp_path, changes):
    folder, (config, tensors) = tmp_path / "a" / "b", make(**changes)
    for _ in range(2):  # the second one replaces the first
        save_checkpoint(folder, config, tensors, CARD, dtype=torch.float32)
    loaded_config, state = load_checkpoint(folder)
    assert loaded_config == config
    torch.testing.assert_close(state, dict(tensors), rtol=0, atol=0)
    checkpoints.build_networks(loaded_config).load_state_dict(state)
    assert ((folder / "README.md").read_text(), [path.name for path in folder.parent.iterdir()]) == (CARD, ["b"])


def test_half_precision_is_the_default_and_keeps_counters_scalars_and_large_numbers(tmp_path):
    config, tensors = make()
    tensors["fusion.output.bias"] = torch.full_like(tensors["fusion.output.bias"], 1e6)
    folder = save_checkpoint(tmp_path / "model", config, tensors, CARD, metrics={"pck": 0.5})
    stored, (_, state) = load_file(folder / "model.safetensors"), load_checkpoint(folder)
    assert stored["fusion.output.weight"].dtype == torch.float16
    assert stored["fusion.alpha"].dtype == state["fusion.output.weight"].dtype == torch.float32
    counter = "hourglass.front.1.num_batches_tracked"
    assert stored[counter].dtype == state[counter].dtype == torch.int64
    assert (state["fusion.output.bias"][0], read_metrics(folder)) == (1e6, {"pck": 0.5})
    (tmp_path / "other").mkdir()
    assert folder.stat().st_mode == (tmp_path / "other").stat().st_mode, "others can read it"


@pytest.mark.parametrize("last", [False, True])
def test_a_save_that_fails_leaves_the_old_checkpoint(folder, monkeypatch, last):
    """While it writes, or when all is written and the new folder is to take the old one's place."""
    rename = Path.rename

    def fail(path, *arguments):
        if last and path.suffix != ".part":
            return rename(path, *arguments)
        raise OSError("disk full")

    for target in (folder, folder.parent / "new"):
        with monkeypatch.context() as patch:
            patch.setattr("fusion_model.files.Path.rename" if last else "fusion_model.hub.checkpoints.save", fail)
            with pytest.raises(OSError, match="disk full"):
                save_another(target)
        assert (folder / "README.md").read_text() == CARD
        assert load_checkpoint(folder)[0].fusion.strategy == "trainable"
        assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_saving_refuses_to_replace_other_things_and_what_could_not_be_loaded(tmp_path):
    (tmp_path / "thesis.tex").write_text("...")
    for target, message in ((tmp_path, r"holds other files: thesis\.tex"), (tmp_path / "thesis.tex", "is a file")):
        with pytest.raises(ValueError, match=message):
            save_another(target)
    config, tensors = make()
    alpha, infinite = tensors.pop("fusion.alpha"), {"pck": float("inf")}
    cases = ((None, "missing: "), (alpha / 0, "fusion.alpha holds numbers"), (alpha, "not JSON compliant"))
    for value, message in cases:
        changed = tensors if value is None else {**tensors, "fusion.alpha": value}
        with pytest.raises(ValueError, match=message):
            save_checkpoint(tmp_path / "m", config, changed, CARD, metrics=infinite)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("thesis.tex", "...")]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("fusion.output.bias"), r"missing: fusion\.output\.bias \(51,\)"),
        (lambda t: t.update(extra=torch.zeros(2)), r"unexpected: extra \(2,\)"),
        (lambda t: t.update({"fusion.output.bias": torch.zeros(50)}), r"output\.bias must be \(51,\), got \(50,\)"),
        (lambda t: t.update({"fusion.alpha": torch.tensor(1)}), r"alpha must be torch\.float32, got torch\.int64"),
        (lambda t: t.update({f"x{n}": torch.zeros(1) for n in range(7)}), r"x4 \(1,\); and 2 more$"),
        (lambda t: t.update({f"x{n}": torch.zeros(1) for n in range(5)}), r"x4 \(1,\)$"),
    ],
)
def test_loading_names_the_tensor_that_does_not_fit(folder, change, message):
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(ValueError, match=message):
        load_checkpoint(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other"}, "must be of format 'fusion-pose-checkpoint/3', got 'other'"),
        ({"hourglass": None}, "no entry 'hourglass'"),
        ({"colour": "red"}, "unknown entries: colour"),
        ({"fusion": {}}, "fusion.layers must be a list"),
        ('{"format": ', "is not valid JSON"),
        ("[1, 2]", "must be of format"),
    ],
)
def test_other_schemas_and_malformed_json_are_refused(folder, change, message):
    path = folder / "config.json"
    path.write_text(change if isinstance(change, str) else json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match=rf"config\.json .*{message}"):
        load_checkpoint(folder)


def test_truncated_missing_and_pickled_tensors_are_refused_unread(folder):
    path = folder / "model.safetensors"
    torch.save({"fusion.alpha": torch.zeros(1)}, folder / "pickle")
    whole, pickle = path.read_bytes(), (folder / "pickle").read_bytes()
    for content in (b"", whole[:4], whole[:5000], pickle):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"model\.safetensors is truncated or no safetensors file"):
            load_checkpoint(folder)
    for name in ("model.safetensors", "config.json"):
        (folder / name).unlink()
        with pytest.raises(FileNotFoundError, match=f"model has no {name}: expected a folder such as"):
            load_checkpoint(folder)


def test_paths_that_are_not_there_are_told_without_the_hub(hub, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for source in ("assets/checkpoints/default", "./model", str(tmp_path / "model"), "model", Path("a/b"), "-a/b"):
        with pytest.raises(FileNotFoundError, match="there is no checkpoint folder"):
            load_checkpoint(source)
    (tmp_path / "assets").mkdir()
    with pytest.raises(FileNotFoundError, match=r"folder 'assets/x'; if the Hub .* write 'assets/x@main'"):
        load_checkpoint("assets/x")
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="is a file"):
        load_checkpoint("file")
    assert hub.asked == []


def test_hub_ids_are_fetched_at_their_revision(hub, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "user").mkdir()
    commits = {revision: hub.push(folder, revision) for revision in ("main", "refs/pr/1")}
    for source, revision in (("another.user/na-me", "main"), ("user/name@refs/pr/1", "refs/pr/1")):
        assert checkpoints.locate_checkpoint(source).folder.name == commits[revision]
        assert load_checkpoint(source)[0] == PRESETS["tiny"]


def test_an_update_changes_all_but_the_tensors(folder):
    config, before = load_checkpoint(folder)[0], (folder / "model.safetensors").read_bytes()
    other = dataclasses.replace(config, calibration=CalibrationConfig(seen=0.7))
    update_checkpoint(folder, other, "# Another card\n", {"n": 3})
    assert load_checkpoint(folder)[0] == other
    assert read_metrics(folder) == {"n": 3}
    assert (folder / "README.md").read_text() == "# Another card\n"
    assert (folder / "model.safetensors").read_bytes() == before
    assert [path.name for path in folder.parent.iterdir()] == ["model"]
    wrong = dataclasses.replace(config, hourglass=dataclasses.replace(config.hourglass, stacks=2))
    with pytest.raises(ValueError, match="the tensors do not fit"):
        update_checkpoint(folder, wrong, "# A third\n")
    entries = json.loads((folder / "config.json").read_text())
    assert entries.pop("metrics")
    (folder / "config.json").write_text(json.dumps(entries))
    assert (load_checkpoint(folder)[0], read_metrics(folder)) == (other, {})
    (folder / "notes.txt").touch()
    with pytest.raises(ValueError, match=r"holds other files: notes\.txt"):
        update_checkpoint(folder, config, CARD)


def test_every_number_counts_in_the_fingerprint_to_the_precision_that_is_asked_for():
    module, found, fingerprint = torch.nn.Linear(2, 2), [], checkpoints.weights_fingerprint
    for weight in (0.1, 0.2, 0.2 + 1e-6):
        module.weight.data[1, 1] = weight
        found += [fingerprint(module), fingerprint(module, torch.float16)]
    assert (len(set(found[::2])), len(set(found[1::2]))) == (3, 2)


def test_the_bundled_checkpoint_has_a_name_in_every_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "default").mkdir()
    config = load_checkpoint("default")[0]
    with pytest.raises(FileNotFoundError, match=r"has no config\.json"):
        load_checkpoint("./default")
    save_another("default")
    with pytest.raises(ValueError, match=r"a checkpoint lies in the folder \./default too: write '\./default'"):
        load_checkpoint("default")
    assert load_checkpoint("./default")[0].fusion.strategy == "early"
    monkeypatch.chdir(checkpoints.bundled_checkpoint().parent)  # where the two are one
    assert load_checkpoint("default")[0] == config
