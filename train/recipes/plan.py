"""What recipes are made of: the folder they work in, the commands they call, and the tables they end with."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from train.data.prepared import INDEX, TRAIN, read_index
from train.data.readers.registry import DISTRIBUTED
from train.data.sources import find_sources
from train.evaluation.tables import Table
from train.recipes.stages import Stage

SYNTHETIC = "synthetic"
_MIN_STEPS = 4
_VALIDATIONS, _SAVES = 10, 50  # of a training, about


@dataclass(frozen=True)
class Settings:
    """What the commands of a recipe depend on.

    Attributes:
        data: folder with a prepared set in a folder of its name each.
        out: where everything is written; recipes share what they have in common. ("released" renders people into data.)
        preset: sizes of the networks.
        base: name of the set that the hourglass is trained on first.
        scale: factor on all numbers of steps.
        seed: of everything.
        accumulate: parts of a batch, where memory is short.
        init_from: checkpoint whose hourglass and detector are taken as they are, of a recipe that can.
    """

    data: Path
    out: Path
    preset: str = "paper"
    base: str = "mpii"
    scale: float = 1.0
    seed: int = 0
    accumulate: int = 1
    init_from: Path | None = None

    def begun_with(self) -> dict[str, str | int | float | None]:
        """The settings that a folder is begun with; others need another folder."""
        names = ("preset", "base", "scale", "seed")
        start = self.init_from and str(self.init_from.resolve())
        return {name: getattr(self, name) for name in names} | {"data": str(self.data.resolve()), "init_from": start}

    def common(self, steps: int, rate: str, *, presets: bool = True) -> tuple[str, ...]:
        """Arguments of every training; ``presets``: whether it trains a network of the presets."""
        count = max(_MIN_STEPS, round(self.scale * steps))
        validate, save = (str(math.ceil(count / times)) for times in (_VALIDATIONS, _SAVES))
        often = ("--validate-every", validate, "--save-every", save)
        parts = ("--accumulate", str(self.accumulate)) if self.accumulate > 1 else ()
        sizes = ("--preset", self.preset) if presets else ()
        return (*sizes, "--steps", str(count), "--lr", rate, *often, *parts, "--log", "csv")


@dataclass(frozen=True)
class Recipe:
    """Commands that end in a table.

    Attributes:
        about: one line for the help.
        data_sets: folders of ``--data`` that it needs, in the order in which they are used; ``""`` stands for the set
            that the hourglass is trained on first.
        stages: the commands.
        report: writes and returns the table, once all are done.
        preset: sizes of the networks where none are asked for.
        goes_on: whether it can start from a checkpoint.
        check: refuses what else it cannot start from, before anything is made; None where the sets say it all.
    """

    about: str
    data_sets: tuple[str, ...]
    stages: Callable[[Settings], list[Stage]]
    report: Callable[[Settings], str]
    preset: str = "paper"
    goes_on: bool = False
    check: Callable[[Settings], None] | None = None


def hourglass(settings: Settings, data_set: str, steps: int, after: str = "") -> Stage:
    """The hourglass on a set, into ``hourglass/<set>``; ``after`` another one, at a lower rate."""
    runs = settings.out / "hourglass"
    more = ("--init-from", str(runs / after)) if after else ()
    data = ("--data", str(settings.data / data_set), "--run", str(runs / data_set), "--seed", str(settings.seed))
    common = settings.common(steps, "3e-4" if after else "1.5e-3")
    name = f"hourglass on {data_set}" + (f", after {after}" if after else "")
    return Stage(name, (("hourglass", *data, *common, *more),))


def fusion(
    settings: Settings, run: str, data_set: str, steps: int, crops: int, *more: str, after: str = "", soft: bool = False
) -> Stage:
    """A fusion network on the maps of the set's hourglass, into ``fusion/<run>``, its samples cached.

    Args:
        settings: of the recipe.
        run: name of the run.
        data_set: to train on.
        steps: before they are scaled.
        crops: augmented ones of each person.
        more: further arguments.
        after: name of the run to start from; at a lower rate.
        soft: for a network to go on from: weights, alpha and beta stay soft to the end.
    """
    runs, out = settings.out / "fusion", settings.out
    start = (*(("--init-from", str(runs / after)) if after else ()), *(("--soft-fraction", "1") if soft else ()))
    data = ("--data", str(settings.data / data_set), "--hourglass", str(out / "hourglass" / data_set))
    place = ("--run", str(runs / run), "--cache", str(out / "samples" / data_set), "--seed", str(settings.seed))
    common = settings.common(steps, "3e-4" if after else "1e-3")
    name = f"fusion network {run}" + (f", after {after}" if after else "")
    return Stage(name, (("fusion", *data, *place, *common, "--crops", str(crops), *more, *start),))


def measured(settings: Settings, name: str, data_set: str, protocol: str, checkpoint: str) -> Stage:
    """A checkpoint below ``out`` by a protocol, into ``measured/<name>``."""
    out = settings.out
    arguments = ("--data", str(settings.data / data_set), "--protocol", protocol)
    to = ("--checkpoint", str(out / checkpoint), "--out", str(out / "measured" / name))
    return Stage(f"measure {name} by {protocol}", (("evaluate", *arguments, *to),))


def measured_table(settings: Settings, name: str, protocol: str) -> Table:
    """What :func:`measured` wrote."""
    return Table.read(settings.out / "measured" / name / f"{protocol}.json")


def is_ours(row: str) -> bool:
    """Whether a row of a protocol's table is of a checkpoint, not of the paper."""
    return row.startswith(("this checkpoint", "a checkpoint for each action"))


def side_by_side(settings: Settings, table: str, protocol: str, names: Mapping[str, str], notes: Sequence[str]) -> str:
    """One table of several measurements by one protocol, ours first and the paper's rows below.

    Args:
        settings: of the recipe.
        table: name of the files, below ``tables``.
        protocol: of the measurements.
        names: what a row is called, by the name of its measurement.
        notes: further sentences.

    Returns:
        The table as Markdown.
    """
    tables = {shown: measured_table(settings, name, protocol) for name, shown in names.items()}
    first = next(iter(tables.values()))
    ours = {
        ", ".join((shown, *row.split(", ")[1:])): values
        for shown, one in tables.items()
        for row, values in one.rows.items()
        if is_ours(row)
    }
    theirs = {row: values for row, values in first.rows.items() if not is_ours(row)}
    return write_table(settings, table, dataclasses.replace(first, rows=ours | theirs, notes=(*first.notes, *notes)))


def write_table(settings: Settings, name: str, table: Table) -> str:
    """Write a table into ``tables`` and return it as Markdown with the paths of its files."""
    paths = table.write(settings.out / "tables", name)
    return "\n".join((table.to_markdown(), *(f"written: {path}" for path in paths)))


def check_data(settings: Settings, recipe: Recipe) -> None:
    """Refuse data that a recipe cannot start from, before anything is trained.

    Raises:
        FileNotFoundError: if a set is not there or not prepared to its end.
        ValueError: if a folder holds another set, or no people to train or to validate on.
    """
    for named in recipe.data_sets:
        data_set = named or settings.base
        folder = settings.data / data_set
        parts = _rendered_parts(folder) if data_set == SYNTHETIC else _prepared_parts(folder, data_set)
        for part, there in (("training", TRAIN in parts), ("validation or test", bool(parts - {TRAIN}))):
            if not there:
                raise ValueError(f"{folder} has no {part} people: {_how(data_set, folder)}")


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
