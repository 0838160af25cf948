"""What is held out in one data set is held out in all: the training rows whose photo another row validates on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from train.data.readers.registry import data_set
from train.data.scenes import Scenes
from train.data.source import Source


@dataclass(frozen=True)
class HeldOut:
    """Rows that are for training, and show a photo that is for validation in another data set or in another row.

    Attributes:
        people: of each source, (N,) bool.
        scenes: (N,) bool; empty without scenes.
    """

    people: list[np.ndarray]
    scenes: np.ndarray

    def describe(self, sources: Sequence[Source]) -> str:
        """One line that says how many they are; ``sources`` as they were compared."""
        counts: Counter[str] = Counter()
        for source, rows in zip(sources, self.people, strict=True):
            counts[source.name] += int(rows.sum())
        listed = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
        people = f"{counts.total()} people" + (f" ({listed})" if listed else "")
        reason = "since their photo is held out in some data set"
        return f"not trained on, {reason}: {people}, {self.scenes.sum()} whole photos"


def find_held_out(sources: Sequence[Source], scenes: Scenes | None) -> HeldOut:
    """Compare the photos of data sets by their names.

    Args:
        sources: sets of people; of those that do not know the names of their photos nothing is found.
        scenes: whole photos; None for none.
    """
    photos = [_photos([source.name] * len(source), source.photos) for source in sources]
    validation = [source.validation for source in sources]
    if scenes is not None:
        photos.append(_photos(scenes.source, scenes.original))
        validation.append(scenes.validation)
    held_out = {photo for names, mine in zip(photos, validation, strict=True) for photo in names[mine] if photo}
    rows = [np.isin(names, list(held_out)) & ~mine for names, mine in zip(photos, validation, strict=True)]
    return HeldOut(rows[: len(sources)], rows[-1] if scenes is not None else np.zeros(0, bool))


def _photos(sources: Iterable[str], names: np.ndarray | None) -> np.ndarray:
    """(N,) data set and photo of each row, the same wherever that photo is from; empty texts where it is not known."""
    if names is None:
        return np.array(["" for _ in sources], np.str_)
    return np.array([f"{source}/{_photo(source, name)}" for source, name in zip(sources, names.tolist(), strict=True)])


def _photo(source: str, name: str) -> str:
    """The photo that a name of a data set means: of some, a number at its end is not the photo's but the person's."""
    return re.sub(data_set(source).besides, "", PurePosixPath(name).stem)
