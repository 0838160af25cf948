"""Packs: the same people as their sources, in files of a chosen size, made again after a cut."""

import json
import sys
from dataclasses import fields

import pytest
import torch

from tests.helpers.fake_data import write_lspet, write_pack
from tests.helpers.in_process import call
from tests.helpers.own_process import output
from tests.helpers.scene_files import write_scene_pack
from train import pack
from train.data.packs import open_pack
from train.data.people import load_people
from train.data.sources import find_people, find_sources
from train.hourglass_stage import make_loop
from train.settings import HourglassTrainConfig

SMALL = ("--crop", "64", "--size-mb", "0.05")  # three people a file


@pytest.fixture
def folder(tmp_path):
    write_pack(tmp_path / "data", "made", 8, held_out=2)
    write_pack(tmp_path / "data", "street", 4, held_out=1)
    write_lspet(tmp_path / "data" / "lspet", 3)
    return tmp_path


@pytest.fixture
def packed(printed, folder):
    """Packs the data; what the command printed."""
    return lambda *options: printed("pack", "--data", folder / "data", "--out", folder / "out", *options)


@pytest.fixture
def pack_error(refused, folder):
    """Packs the data in vain; the last line of errors."""
    return lambda *options: refused("pack", "--data", folder / "data", "--out", folder / "out", *options)


def same(one, other):
    assert one.names == other.names
    for name in (field.name for field in fields(one) if field.name != "names"):
        assert torch.equal(getattr(one, name)[torch.arange(len(one))], getattr(other, name)), name


def test_a_pack_holds_what_its_sources_do_in_their_order(folder, packed):
    assert packed(*SMALL).startswith("5 files, 0.2 MB in all: train with --data ")
    files = sorted((folder / "out").glob("*.safetensors"))
    assert len(files) == 5
    assert all(file.stat().st_size <= 50_000 for file in files)
    for part in (False, True):
        mapped = open_pack(folder / "out", validation=part)
        decoded = load_people(find_sources(folder / "data"), validation=part, size=64)
        same(mapped, decoded)
        mixed = torch.tensor([len(decoded) - 1, 0, 0])
        same(mapped.take(mixed), decoded.take(mixed))
        mask = torch.arange(len(decoded)) % 2 == 0
        same(mapped.take(mask), decoded.take(mask))


def test_a_cut_pack_is_finished_and_a_whole_file_left_alone(folder, packed, pack_error):
    packed(*SMALL)
    out = folder / "out"
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    (out / "pack.json").unlink()
    (out / "people-00003.safetensors").rename(out / ".people-00003.safetensors.0.part")
    kept = (out / "people-00001.safetensors").stat().st_mtime_ns
    with pytest.raises(FileNotFoundError):
        find_people(out, validation=True)
    packed(*SMALL)
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before
    assert (out / "people-00001.safetensors").stat().st_mtime_ns == kept
    assert "packed from other data or with other settings" in pack_error("--crop", "32", "--size-mb", "0.05")
    with pytest.raises(FileNotFoundError, match="is a packed folder, for training alone"):
        find_sources(out)
    file = out / "people-00002.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"people-00002\.safetensors is damaged"):
        open_pack(out, validation=False)
    file.unlink()
    with pytest.raises(FileNotFoundError, match=r"people-00002\.safetensors not found: pack\.json names it"):
        open_pack(out, validation=False)
    (out / "pack.json").write_text(json.dumps({"format": "other"}))
    with pytest.raises(ValueError, match="is no index of a pack"):
        open_pack(out, validation=False)


def test_what_another_set_holds_out_is_not_packed(folder, packed):
    """As a training on the data sets themselves leaves it out."""
    write_scene_pack(folder / "data", "", ["made", "made"], ["p001.jpg", "p004.jpg"], [True, False])
    packed(*SMALL)
    for part in (False, True):
        expected = find_people(folder / "data", validation=part)
        assert torch.equal(open_pack(folder / "out", validation=part).pose, expected.pose)


def test_a_training_from_a_pack_takes_the_same_steps(folder, packed):
    packed()
    losses = []
    for name in ("data", "out"):
        settings = HourglassTrainConfig(preset="tiny", batch=4, steps=2, log="csv")
        loop = make_loop(settings, folder / name, folder / f"run-{name}")
        losses.append([loop.train_step()["loss"] for _ in range(2)])
    assert losses[0] == losses[1]


@pytest.mark.slow
def test_a_training_from_a_pack_needs_four_packages(folder, packed):
    packed()
    shown = output("tests.helpers.minimal_env", folder / "out", folder)
    hidden = set(shown.partition("\n")[0].split())
    assert {"scipy", "h5py", "cdflib", "moderngl", "matplotlib", "plotly", "gradio", "av", "tensorboard"} <= hidden
    assert "TensorBoard is not installed" in shown
    for made in ("fusion/checkpoint/model.safetensors", "ablation/table5.csv"):
        assert (folder / made).is_file(), made


def test_a_package_that_is_missing_is_one_sentence(monkeypatch, folder, capsys):
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    monkeypatch.delitem(sys.modules, "train.data.readers.lsp", raising=False)
    monkeypatch.delitem(sys.modules, "train.data.readers.matlab", raising=False)
    assert call(pack, "--data", folder / "data", "--out", folder / "out", *SMALL) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "scipy.io" in line
    assert "pip install -r requirements-train.txt" in line
