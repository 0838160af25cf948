"""Packed folders: the same people as their sources, refused where they are damaged or of something else."""

import dataclasses
import sys

import numpy as np
import pytest
import torch

from tests.helpers.fake_data import make_source, write_lspet, write_pack
from tests.helpers.own_process import call, output
from tests.helpers.scene_files import write_scene_pack
from train import pack
from train.data.people import load_people, open_pack, sources_fingerprint
from train.data.sources import find_people, find_sources
from train.hourglass_stage import make_loop
from train.settings import HourglassTrainConfig


@pytest.fixture
def folder(tmp_path):
    write_pack(tmp_path / "data", "made", 8, held_out=2)
    write_pack(tmp_path / "data", "street", 4, held_out=1)
    write_lspet(tmp_path / "data" / "lspet", 3)
    return tmp_path


def same(one, other):
    assert one.names == other.names
    for name in (field.name for field in dataclasses.fields(one) if field.name != "names"):
        assert torch.equal(getattr(one, name), getattr(other, name)), name


def test_a_packed_folder_holds_what_its_sources_do_in_their_order(folder, printed, refused, monkeypatch):
    arguments = ("pack", "--data", folder / "data", "--out", folder / "out", "--crop")
    monkeypatch.setattr("train.data.people._AT_ONCE", 4)
    assert printed(*arguments, 64).startswith("15 people: train with --data ")
    for part in (False, True):
        mapped = open_pack(folder / "out", validation=part)
        decoded = load_people(find_sources(folder / "data"), validation=part, size=64)
        same(mapped, decoded)
        for rows in (torch.tensor([len(decoded) - 1, 0, 0]), torch.arange(len(decoded)) % 2 == 0):
            same(mapped.take(rows), decoded.take(rows))
    before = {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in (folder / "out").iterdir()}
    printed(*arguments, 64)
    assert {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in (folder / "out").iterdir()} == before
    assert "was packed from other data or with another --crop" in refused(*arguments, 32)
    assert "a packed folder has nothing else, choose another --out" in refused(*arguments[:4], folder / "data")
    with pytest.raises(FileNotFoundError, match="is a packed folder, for train"):
        find_sources(folder / "out")


def test_a_fingerprint_is_of_all_labels_of_photos_and_of_their_size():
    source = make_source()
    prints = {sources_fingerprint([source]), sources_fingerprint([source], 64)}
    for name in ("joints", "weight", "by_hand", "box", "pose", "pose_weight", "validation"):
        changed = getattr(source, name).copy()
        changed[-1] = 1 - changed[-1]
        prints.add(sources_fingerprint([dataclasses.replace(source, **{name: changed})]))
    prints |= {sources_fingerprint([dataclasses.replace(source, **one)]) for one in ({"name": "a"}, {"read": bytes})}
    assert len(prints) == 11


def test_a_packed_folder_that_is_damaged(folder, printed):
    printed("pack", "--data", folder / "data", "--out", folder / "out", "--crop", 16)
    labels, photos = folder / "out" / "labels.npz", folder / "out" / "photos.npy"
    stored, arrays = np.load(photos), dict(np.load(labels))
    np.save(photos, stored[:-1])
    with pytest.raises(ValueError, match=r"photos\.npy of shape \(14, 3, 16, 16\) does not hold 15 photos"):
        open_pack(folder / "out", validation=False)
    np.save(photos, stored)
    photos.write_bytes(photos.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"photos\.npy is damaged"):
        open_pack(folder / "out", validation=False)
    np.savez(labels, **arrays | {"box": np.full_like(arrays["box"], np.nan)})
    with pytest.raises(ValueError, match=r"labels\.npz: array box holds NaN or infinity in row 0"):
        open_pack(folder / "out", validation=False)
    labels.unlink()
    with pytest.raises(FileNotFoundError):
        find_people(folder / "out", validation=True)


def test_a_training_from_a_packed_folder_takes_the_same_steps(folder, printed):
    """What another set holds out is neither packed nor trained on."""
    write_scene_pack(folder / "data", "", ["made", "made"], ["p001.jpg", "p004.jpg"], [True, False])
    assert printed("pack", "--data", folder / "data", "--out", folder / "out").startswith("14 people")
    assert open_pack(folder / "out", validation=False).photos.shape == (11, 3, 256, 256)
    losses = []
    for name in ("data", "out"):
        settings = HourglassTrainConfig(preset="tiny", batch=4, steps=2, log="csv")
        loop = make_loop(settings, folder / name, folder / f"run-{name}")
        losses.append([loop.train_step()["loss"] for _ in range(2)])
    assert losses[0] == losses[1]


@pytest.mark.slow
def test_a_training_from_a_packed_folder_needs_four_packages(folder, printed):
    printed("pack", "--data", folder / "data", "--out", folder / "out")
    shown = output("tests.helpers.minimal_env", folder / "out", folder)
    hidden = set(shown.partition("\n")[0].split())
    assert {"scipy", "h5py", "cdflib", "moderngl", "matplotlib", "plotly", "gradio", "av", "tensorboard"} <= hidden
    assert "TensorBoard is not installed" in shown
    for made in ("fusion/checkpoint/model.safetensors", "ablation/table5.csv"):
        assert (folder / made).is_file(), made


def test_a_package_that_is_missing_is_one_sentence(monkeypatch, folder, capsys):
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    assert call(pack, "--data", folder / "data", "--out", folder / "out") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "scipy.io" in line
    assert "pip install -r requirements-train.txt" in line
