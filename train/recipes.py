"""Recipes: files of ``configs/`` as stages, each a command or two with the settings in its table, and what runs them.

``[recipe]`` says what it is about. Every other table is a stage: ``command`` (else its own name), the settings of a
training, and ``at``, the other options of the command; a list of them makes several commands. In ``at`` and in names
stand the words in braces of :meth:`Recipe.stages`; an option that comes to nothing is left out. ``each`` makes a stage
for every combination of its words, and ``from_scratch`` one that a checkpoint to start from does without.
"""

from __future__ import annotations

import importlib
import itertools
import math
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from fusion_model.presets import PRESETS
from train.engine.arguments import as_options, check_table, read_tables
from train.engine.run_files import read_json, write_json
from train.settings import CONFIGS, FusionTrainConfig

CONFIGS_FOLDER = Path(__file__).parents[1] / "configs"
Stages = dict[str, list[tuple[str, ...]]]
"""Commands by the name of their stage: module of ``train`` and its arguments, one after another."""
_HEAD = "recipe"
_DONE = "stages.json"  # seconds of every finished stage, by name; the same name means the same commands
_MIN_STEPS, _MIN_PICTURES = 4, 16  # so that the smallest scale still trains and measures
_VALIDATIONS, _SAVES = 10, 50  # of a training, about


@dataclass(frozen=True)
class Choices:
    """What the commands of a recipe depend on: options of ``train.reproduce``, which says what each is."""

    data: Path
    out: Path
    preset: str | None = None
    base: str = "mpii"
    scale: float = 1.0
    seed: int = 0
    accumulate: int | None = None
    init_from: Path | None = None


@dataclass(frozen=True)
class Recipe:
    """Commands that end in figures.

    Attributes:
        path: of the file.
        tables: of its stages, by name.
        about: one line for the help.
        sets: folders of ``--data`` that it needs; none where it takes photos of any.
        report: what ends it: ``rows`` of a protocol's table, ``strategies`` or ``card``.
        protocol: of the ``rows``.
        rows: what a row is called, by the name of its measurement.
        notes: further sentences below the table.
        scaled: numbers of pictures that grow with the scale, by their word.
    """

    path: Path
    tables: Mapping[str, Mapping[str, Any]]
    about: str = ""
    sets: tuple[str, ...] = ()
    report: str = "rows"
    protocol: str = ""
    rows: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    scaled: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Recipe:
        """The recipe in a file; FileNotFoundError or ValueError if there is none, or it has an unknown key."""
        tables = read_tables(path)
        head = tables.pop(_HEAD, {})
        if not tables:
            raise ValueError(f"{path} has no stage: expected the table [name] of a command")
        if unknown := head.keys() - {one.name for one in fields(cls)[2:]}:
            raise ValueError(f"{path} has the unknown key {min(unknown)!r} in [{_HEAD}]")
        return cls(path, tables, **head)

    @property
    def preset(self) -> str:
        """That of its first training, or the default."""
        return next((table["preset"] for table in self.tables.values() if "preset" in table), FusionTrainConfig.preset)

    @property
    def goes_on(self) -> bool:
        """Whether it can start from a checkpoint."""
        return any(table.get("from_scratch") for table in self.tables.values())

    def stages(self, choices: Choices) -> Stages:
        """What is done, in order.

        The words in braces are ``data``, ``out`` and ``base`` of the choices, ``seed`` and the next two, ``seed_1`` and
        ``seed_2``, ``init_from`` (empty without a checkpoint to start from), ``hourglass`` (that of the checkpoint or
        of the recipe), ``width`` (channels of the preset's hourglass), and those of ``scaled`` and ``each``.

        Raises:
            ValueError: for an unknown key or word, or a bad value; names it and the file.
        """
        words, stages = self._words(choices), {}
        for name, table in self.tables.items():
            if choices.init_from and table.get("from_scratch"):
                continue
            command, each, at = table.get("command", name), table.get("each", {}), table.get("at", {})
            settings = self._settings(name, command, choices)
            for values in itertools.product(*self._filled(list(each.values()), words)):
                own = words | dict(zip(each, values, strict=True))
                places = self._filled(at if isinstance(at, list) else [at], own)
                commands = [(command, *as_options({**one, **settings})) for one in places]
                stages[self._filled(name, own)] = commands
        return stages

    def _settings(self, name: str, command: str, choices: Choices) -> dict[str, Any]:
        kind = CONFIGS.get(command)
        settings = check_table(self.path, name, self.tables[name], kind)
        if kind is None:
            return settings
        steps = max(_MIN_STEPS, round(choices.scale * settings.get("steps", kind.steps)))
        often = {"validate_every": math.ceil(steps / _VALIDATIONS), "save_every": math.ceil(steps / _SAVES)}
        settings = {"log": "csv", "accumulate": choices.accumulate, **often, **settings, "steps": steps}
        if "warmup" in settings:
            settings["warmup"] = min(settings["warmup"], steps // 3)
        if choices.preset and "preset" in settings:
            settings["preset"] = choices.preset
        return settings

    def _words(self, choices: Choices) -> dict[str, str]:
        words = {name: max(_MIN_PICTURES, round(choices.scale * count)) for name, count in self.scaled.items()}
        words |= {"data": choices.data, "out": choices.out, "base": choices.base, "init_from": choices.init_from or ""}
        words |= {"seed": choices.seed, "seed_1": choices.seed + 1, "seed_2": choices.seed + 2}
        words["hourglass"] = choices.init_from or choices.out / "hourglass"
        words["width"] = PRESETS[choices.preset or self.preset].hourglass.width
        return {name: str(value) for name, value in words.items()}

    def _filled(self, value: Any, words: Mapping[str, str]) -> Any:
        """A value of the file, with its words in braces replaced."""
        if isinstance(value, dict):
            return {name: self._filled(one, words) for name, one in value.items()}
        if isinstance(value, list):
            return [self._filled(one, words) for one in value]
        try:
            return value.format_map(words) if isinstance(value, str) else value
        except (KeyError, ValueError) as error:
            known = f"known are {', '.join(words)}"
            raise ValueError(f"{self.path}: {value!r} has the unknown word {error}: {known}") from error


def bundled_recipes() -> dict[str, Recipe]:
    """The recipes of ``train.reproduce`` by name; another one is a file in ``configs/``."""
    recipes = {path.stem: Recipe.read(path) for path in sorted(CONFIGS_FOLDER.glob("*.toml"))}
    return {name: recipe for name, recipe in recipes.items() if recipe.about}


def run_stages(plan: Stages, out: Path) -> dict[str, float] | None:
    """Run what the record in ``out`` does not have yet, all in this process: a signal reaches the command that runs.

    Returns:
        Seconds of each stage of the plan by name; None if a command failed or was stopped, and its stage goes on when
        this is called again.
    """
    done = read_json(out / _DONE)
    for number, (name, commands) in enumerate(plan.items(), 1):
        print(f"{number}/{len(plan)} {name}{': done before' if name in done else ''}", flush=True)
        if name in done:
            continue
        began = time.perf_counter()
        for command in commands:
            if status := start_command(command):
                print(f"{name} ended with status {status}; run the same command again to continue")
                return None
        done[name] = round(time.perf_counter() - began, 1)
        write_json(out / _DONE, done)
    return {name: done[name] for name in plan}


def start_command(command: Sequence[str]) -> int:
    """Run a command of ``train``; returns its exit status."""
    name, *words = command
    module = importlib.import_module(f"train.{name}")
    return module.main(module.parser().parse_args(words))


def shown(command: Sequence[str]) -> str:
    """The command as one types it."""
    name, *rest = command
    return shlex.join(["python", "-m", f"train.{name}", *rest])
