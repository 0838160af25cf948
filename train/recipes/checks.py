"""What a recipe cannot start from, said before anything is made."""

from __future__ import annotations

from pathlib import Path

from fusion_model.hub.checkpoints import load_checkpoint
from fusion_model.presets import PRESETS
from train.data.prepared import INDEX, TRAIN, read_index
from train.data.prepared import SETTINGS as PREPARED
from train.data.readers.registry import DISTRIBUTED
from train.data.source import SYNTHETIC
from train.data.sources import find_sources
from train.recipes.plan import Choices, Recipe


def check_data(recipe: Recipe, choices: Choices) -> None:
    """Refuse data and a checkpoint that a recipe cannot start from.

    Raises:
        FileNotFoundError: if a set or the checkpoint is not there, or a set is not prepared to its end.
        ValueError: if a folder holds another set or has no people of a part, or the checkpoint is damaged, has no
            detector, or its hourglass is not the preset's.
    """
    for named in recipe.sets:
        data_set = named.format(base=choices.base)
        folder = choices.data / data_set
        parts = _rendered_parts(folder) if data_set == SYNTHETIC else _prepared_parts(folder, data_set)
        for part, there in (("training", TRAIN in parts), ("validation or test", bool(parts - {TRAIN}))):
            if not there:
                raise ValueError(f"{folder} has no {part} people: {_how(data_set, folder)}")
    if not recipe.sets:
        _check_photos(choices.data)
    if choices.init_from:
        _check_checkpoint(choices.init_from, choices.preset or recipe.preset)


def _prepared_parts(folder: Path, data_set: str) -> set[str]:
    """Parts that a prepared set has people of."""
    if not (folder / INDEX).is_file():
        raise FileNotFoundError(f"{folder} has no {INDEX}: {_how(data_set, folder)}")
    index = read_index(folder)
    if (found := index["data_set"]) != data_set:
        raise ValueError(f"{folder} holds {found}, expected {data_set}: {_how(data_set, folder)}")
    return set(index["counts"]["split"])


def _rendered_parts(folder: Path) -> set[str]:
    """Parts that a folder of rendered sets has people of."""
    try:
        sources = find_sources(folder)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error}; {_how(SYNTHETIC, folder)}") from error
    return {"validation" if held_out else TRAIN for source in sources for held_out in set(source.validation.tolist())}


def _how(data_set: str, folder: Path) -> str:
    """What to do for a set."""
    if data_set == SYNTHETIC:
        return (
            f"python -m train.synthesize --out {folder}/train --count 20000, and --out {folder}/validation --split "
            "validation (see Rendered people in docs/data.md)"
        )
    section = DISTRIBUTED[data_set].section
    return f"python -m train.prepare {data_set} --source DIR --out {folder} (see {section} in docs/data.md)"


def _check_photos(data: Path) -> None:
    """Refuse a folder without photos to train and to validate on."""
    if (data / PREPARED).is_file():
        raise ValueError(f"{data} is a data set itself: name the folder that it lies in")
    photos = [source for source in find_sources(data) if source.name != SYNTHETIC]
    for part, held_out in (("train", False), ("validate", True)):
        if not any((source.validation == held_out).any() for source in photos):
            raise ValueError(f"{data} has no photos to {part} on: see docs/data.md")


def _check_checkpoint(folder: Path, preset: str) -> None:
    """Refuse a checkpoint whose hourglass and detector cannot be taken."""
    config, _ = load_checkpoint(folder)
    if config.detector is None:
        raise ValueError(
            f"{folder} has no detector: --init-from takes a checkpoint with one, such as assets/checkpoints/default"
        )
    found, expected = ((one.stacks, one.width) for one in (config.hourglass, PRESETS[preset].hourglass))
    if found != expected:
        raise ValueError(
            f"{folder} has a hourglass of {found[0]} stacks of {found[1]} channels, the preset {preset} one of "
            f"{expected[0]} of {expected[1]}: choose the --preset that it was made with"
        )
