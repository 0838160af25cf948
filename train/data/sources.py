"""Finds the data sets in a folder; what the commands' ``--data`` means."""

from __future__ import annotations

import hashlib
from pathlib import Path

from train.data.packs import INDEX, SAMPLE, labels_fingerprint, open_pack, pack_fingerprint
from train.data.people import STORE_SIZE, People, Source, load_people
from train.data.prepared import INDEX as PREPARED
from train.data.prepared import SETTINGS, read_prepared
from train.formats.people import read_people
from train.formats.synthetic import read_synthetic


def find_people(folder: Path, *, validation: bool) -> People:
    """The training or the validation people of a folder: a pack's, or those of every data set, decoded.

    Raises:
        FileNotFoundError: if there is neither.
        ValueError: if a file is damaged, or there are no such people.
    """
    if (folder / INDEX).is_file():
        return open_pack(folder, validation=validation)
    return load_people(find_sources(folder), validation=validation)


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
        raise FileNotFoundError(f"{folder} is a pack, for training alone: name the folder that it was made from")
    if (folder / PREPARED).is_file() or (folder / SETTINGS).is_file():
        return [read_prepared(folder)]
    sources = []
    if (folder / "lspet" / "joints.mat").is_file():
        sources.append(_read_lspet(folder))
    sources += [read_people(path) for path in sorted(folder.glob("people_*.npz"))]
    sources += [read_prepared(path.parent) for path in sorted(folder.glob(f"*/{SETTINGS}"))]
    sources += [read_synthetic(path.parent) for path in sorted(folder.glob("*/annotations.npz"))]
    if not sources:
        missing = "lspet/joints.mat, people_*.npz or rendered set, and no prepared one"
        msg = f"{folder} has no {missing}: see DATASETS in train/README.md"
        raise FileNotFoundError(msg)
    return sources


def _read_lspet(folder: Path) -> Source:
    """LSP-extended as distributed."""
    # They need SciPy and h5py, which a machine that trains from a pack does without.
    from train.formats.lsp import LSPET_VALIDATION_FROM  # noqa: PLC0415
    from train.formats.lspet import read_lspet  # noqa: PLC0415

    teacher = folder / "lspet_teacher.npz"
    return read_lspet(folder / "lspet", teacher if teacher.is_file() else None, LSPET_VALIDATION_FROM)
