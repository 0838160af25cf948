"""Finds the data sets in a folder; what the commands' ``--data`` means.

What is held out in one data set is held out in all: nobody is trained on whose photo another row validates on.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import numpy as np

from train.data.people import LABELS, People, load_people, open_pack, pack_fingerprint, sources_fingerprint
from train.data.prepared import INDEX, SETTINGS, read_prepared
from train.data.readers.layout import LayoutError
from train.data.readers.people import read_people
from train.data.readers.registry import data_set
from train.data.readers.rendered import read_synthetic
from train.data.scenes import Scenes, find_scenes
from train.data.source import Source
from train.synthesis.dataset import ANNOTATIONS


def find_people(folder: Path, *, validation: bool, action: str = "") -> People:
    """The training or the validation people of a folder: a packed one's, or those of every data set, decoded.

    Args:
        folder: see :func:`find_sources`.
        validation: which part.
        action: only people of that action, as prepared sets name it; empty for all people.

    Raises:
        FileNotFoundError: if there is neither.
        ValueError: if a file is damaged, or there are no such people.
    """
    if not action and (folder / LABELS).is_file():
        return open_pack(folder, validation=validation)
    sources = find_learnable(folder)[0]
    if action:
        doing = [source.groups.get("action", np.full(len(source), "")) for source in sources]  # where the set says it
        sources = [source.take(mine == action) for source, mine in zip(sources, doing, strict=True)]
        if not any((source.validation == validation).any() for source in sources):
            raise ValueError(f"{folder} has no {'validation' if validation else 'training'} people of {action}")
    return load_people(sources, validation=validation)


def find_learnable(folder: Path) -> tuple[list[Source], Scenes | None, str]:
    """See :func:`without_held_out`, of everything in a folder."""
    return without_held_out(find_sources(folder), find_scenes(folder))


def without_held_out(sources: list[Source], scenes: Scenes | None) -> tuple[list[Source], Scenes | None, str]:
    """Data sets without the training rows whose photo is for validation in another one or in another row.

    Args:
        sources: sets of people; of those that do not know the names of their photos all rows stay.
        scenes: whole photos; None for none.

    Returns:
        Both without these rows, and a line that says how many they are.
    """
    photos = [_photos([source.name] * len(source), source.photos) for source in sources]
    validation = [source.validation for source in sources]
    if scenes is not None:
        photos.append(_photos(scenes.source, scenes.original))
        validation.append(scenes.validation)
    held_out = {photo for names, mine in zip(photos, validation, strict=True) for photo in names[mine] if photo}
    rows = [np.isin(names, list(held_out)) & ~mine for names, mine in zip(photos, validation, strict=True)]
    counts = Counter(source.name for source, mine in zip(sources, rows, strict=False) for _ in range(mine.sum()))
    listed = ", ".join(f"{name} {count}" for name, count in counts.items())
    people = f"{counts.total()} people" + (f" ({listed})" if listed else "")
    whole = 0 if scenes is None else rows[-1].sum()
    line = f"not trained on, since their photo is held out in some data set: {people}, {whole} whole photos"
    left = [source.take(~mine) for source, mine in zip(sources, rows, strict=False)]
    return left, scenes and scenes.take(~rows[-1]), line


def _photos(sources: Iterable[str], names: np.ndarray | None) -> np.ndarray:
    """(N,) data set and photo of each row, the same wherever that photo is from; empty texts where it is not known.

    In the names of some sets, a number at the end is not the photo's but the person's.
    """
    if names is None:
        return np.array(["" for _ in sources], np.str_)
    pairs = zip(sources, names.tolist(), strict=True)
    return np.array([f"{one}/{re.sub(data_set(one).besides, '', PurePosixPath(name).stem)}" for one, name in pairs])


def data_fingerprint(folder: Path) -> str:
    """Hash of the people that :func:`find_people` gives: all of their labels, and a few of their photos."""
    packed = (folder / LABELS).is_file()
    return pack_fingerprint(folder) if packed else sources_fingerprint(find_learnable(folder)[0])


def find_sources(folder: Path) -> list[Source]:
    """Read every data set in a folder.

    Args:
        folder: holds ``lspet/`` (LSP-extended as distributed, with ``lspet_teacher.npz`` beside it where there is
            one), any number of ``people_<name>.npz`` with a zip of the same name, and any number of folders that
            ``train.synthesize`` or ``train.prepare`` made; or is itself one that ``train.prepare`` made.

    Raises:
        FileNotFoundError: if there is none, or a prepared one is not finished.
    """
    if (folder / LABELS).is_file():
        words = "is a packed folder, for train.hourglass, train.fusion and train.ablate alone"
        raise FileNotFoundError(f"{folder} {words}: name the one that it was made from")
    if (folder / INDEX).is_file() or (folder / SETTINGS).is_file():
        return [read_prepared(folder)]
    sources = []
    if (folder / "lspet" / "joints.mat").is_file():
        # Needs SciPy and h5py, which a machine that trains from a packed folder does without.
        from train.data.readers.lsp import read_lspet  # noqa: PLC0415

        teacher = folder / "lspet_teacher.npz"
        try:
            sources.append(read_lspet(folder / "lspet", teacher if teacher.is_file() else None))
        except LayoutError as error:
            raise error.see("LSP-extended") from error
    sources += [read_people(path) for path in sorted(folder.glob("people_*.npz"))]
    sources += [read_prepared(path.parent) for path in sorted(folder.glob(f"*/{SETTINGS}"))]
    sources += [read_synthetic(path.parent) for path in sorted(folder.glob(f"*/{ANNOTATIONS}"))]
    if not sources:
        missing = "lspet/joints.mat, people_*.npz or rendered set, and no prepared one"
        raise FileNotFoundError(f"{folder} has no {missing}: see docs/data.md")
    return sources
