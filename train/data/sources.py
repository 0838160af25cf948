"""Finds the data sets in a folder; what the commands' ``--data`` means."""

from __future__ import annotations

from pathlib import Path

from train.data.people import Source
from train.formats.lspet import read_lspet
from train.formats.people import read_people

LSPET_VALIDATION_FROM = 8501


def find_sources(folder: Path) -> list[Source]:
    """Read every data set in a folder.

    Args:
        folder: holds ``lspet/`` (LSP-extended as distributed, with ``lspet_teacher.npz`` beside it where there is
            one) and any number of ``people_<name>.npz`` with a zip of the same name.

    Raises:
        FileNotFoundError: if there is none.
    """
    sources = []
    if (folder / "lspet" / "joints.mat").is_file():
        teacher = folder / "lspet_teacher.npz"
        sources.append(read_lspet(folder / "lspet", teacher if teacher.is_file() else None, LSPET_VALIDATION_FROM))
    sources += [read_people(path) for path in sorted(folder.glob("people_*.npz"))]
    if not sources:
        msg = f"{folder} holds neither lspet/joints.mat nor people_*.npz: see DATASETS in train/README.md"
        raise FileNotFoundError(msg)
    return sources
