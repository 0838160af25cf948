"""Finds the data sets in a folder; what the commands' ``--data`` means."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from train.data.held_out import find_held_out
from train.data.packs import INDEX, SAMPLE, labels_fingerprint, open_pack, pack_fingerprint
from train.data.people import STORE_SIZE, People, load_people
from train.data.prepared import INDEX as PREPARED
from train.data.prepared import SETTINGS, read_prepared
from train.data.readers.layout import LayoutError
from train.data.readers.people import read_people
from train.data.readers.rendered import read_synthetic
from train.data.scenes import find_scenes
from train.data.source import Source
from train.synthesis.dataset import ANNOTATIONS


def find_people(folder: Path, *, validation: bool, action: str = "") -> People:
    """The training or the validation people of a folder: a pack's, or those of every data set, decoded.

    Args:
        folder: see :func:`find_sources`.
        validation: which part.
        action: only people of that action, as prepared sets name it; empty for all people.

    Raises:
        FileNotFoundError: if there is neither.
        ValueError: if a file is damaged, or there are no such people.
    """
    if action:
        sources = find_sources(folder)
        doing = [source.groups.get("action", np.full(len(source), "")) for source in sources]  # where the set says it
        sources = [source.take(mine == action) for source, mine in zip(sources, doing, strict=True)]
        if not any((source.validation == validation).any() for source in sources):
            raise ValueError(f"{folder} has no {'validation' if validation else 'training'} people of {action}")
        return load_people(sources, validation=validation)
    if (folder / INDEX).is_file():
        return open_pack(folder, validation=validation)
    return load_people(find_learnable(folder), validation=validation)


def find_learnable(folder: Path) -> list[Source]:
    """The sources of a folder, without training rows whose photo another set holds out: it is held out in all."""
    sources = find_sources(folder)
    elsewhere = find_held_out(sources, find_scenes(folder))
    return [source.take(~rows) for source, rows in zip(sources, elsewhere.people, strict=True)]


def data_fingerprint(folder: Path) -> str:
    """Hash of the people that :func:`find_people` gives: all of their labels, and a few of their photos.

    Raises:
        FileNotFoundError: if there are none.
        ValueError: if a file is damaged.
    """
    if (folder / INDEX).is_file():
        return pack_fingerprint(folder)
    sources = find_sources(folder)
    digest = hashlib.blake2b(labels_fingerprint(sources, STORE_SIZE, 0).encode(), digest_size=16)
    for source in sources:
        for row in range(0, len(source), max(1, len(source) // SAMPLE)):
            digest.update(source.read(row))
    return digest.hexdigest()


def find_sources(folder: Path) -> list[Source]:
    """Read every data set in a folder.

    Args:
        folder: holds ``lspet/`` (LSP-extended as distributed, with ``lspet_teacher.npz`` beside it where there is
            one), any number of ``people_<name>.npz`` with a zip of the same name, and any number of folders that
            ``train.synthesize`` or ``train.prepare`` made; or is itself one that ``train.prepare`` made.

    Raises:
        FileNotFoundError: if there is none, or a prepared one is not finished.
    """
    if (folder / INDEX).is_file():
        raise FileNotFoundError(f"{folder} is a packed folder, for training alone: name the one that it was made from")
    if (folder / PREPARED).is_file() or (folder / SETTINGS).is_file():
        return [read_prepared(folder)]
    sources = []
    if (folder / "lspet" / "joints.mat").is_file():
        sources.append(_read_lspet(folder))
    sources += [read_people(path) for path in sorted(folder.glob("people_*.npz"))]
    sources += [read_prepared(path.parent) for path in sorted(folder.glob(f"*/{SETTINGS}"))]
    sources += [read_synthetic(path.parent) for path in sorted(folder.glob(f"*/{ANNOTATIONS}"))]
    if not sources:
        missing = "lspet/joints.mat, people_*.npz or rendered set, and no prepared one"
        raise FileNotFoundError(f"{folder} has no {missing}: see docs/data.md")
    return sources


def _read_lspet(folder: Path) -> Source:
    """LSP-extended as distributed."""
    # Needs SciPy and h5py, which a machine that trains from a pack does without.
    from train.data.readers.lsp import read_lspet  # noqa: PLC0415

    teacher = folder / "lspet_teacher.npz"
    try:
        return read_lspet(folder / "lspet", teacher if teacher.is_file() else None)
    except LayoutError as error:
        raise error.see("LSP-extended") from error
