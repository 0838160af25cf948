"""Settings as data: the fields of a dataclass are the options of a command and the keys of a file of ``configs/``."""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeVar

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_STAGE = {"command", "at", "each", "from_scratch"}  # keys that make a table a stage of a recipe; no settings
_Kind = TypeVar("_Kind")


def _reader(kind: type[int | float], fits: Callable[[float], bool], words: str) -> Callable[[str], float]:
    """Reader of a finite number that fits; else bad usage, told in words."""

    def read(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and fits(value)):
            whole = "whole " if kind is int else ""
            raise argparse.ArgumentTypeError(f"must be a {whole}number {words}, got {text!r}")
        return value

    return read


def positive(kind: type[int | float]) -> Callable[[str], float]:
    """Reader of a command-line number that must exceed 0."""
    return _reader(kind, lambda value: value > 0, "above 0")


def at_least(bound: float, kind: type[int | float] = float) -> Callable[[str], float]:
    """Reader of a command-line number that must not be below a bound."""
    return _reader(kind, lambda value: value >= bound, f"of at least {bound:g}")


fraction = _reader(float, lambda value: 0 <= value <= 1, "from 0 to 1")


@dataclass(frozen=True)
class Setting:
    """What is known of a field that is a setting.

    Attributes:
        default: its value where nothing is said.
        about: for the help, with its unit.
        read: its value from text; refuses by ``argparse.ArgumentTypeError``.
        choices: all values that there are; empty where ``read`` decides.
        free: whether a run that goes on may change it: it does not alter what was already learnt.
    """

    default: Any
    about: str
    read: Callable[[str], Any] = str
    choices: tuple[str, ...] = ()
    free: bool = False


def setting(default: Any, about: str, read: Callable[[str], Any] = str, **more: Any) -> Any:
    """A field of a dataclass that is a :class:`Setting`; a class that inherits it may give it a plain new default."""
    return field(default=default, metadata={"setting": Setting(default, about, read, **more)})


def settings_of(kind: type) -> dict[str, Setting]:
    """Every setting of a dataclass, by name."""
    found = {}
    for base in reversed(kind.__mro__):
        fields = vars(base).get("__dataclass_fields__", {})
        found |= {name: one.metadata["setting"] for name, one in fields.items() if "setting" in one.metadata}
    return {name: dataclasses.replace(one, default=getattr(kind, name)) for name, one in found.items()}


def options_of(kind: type) -> dict[str, Setting]:
    """Those that its command takes."""
    return {name: one for name, one in settings_of(kind).items() if name not in kind.not_options}


@dataclass(frozen=True)
class LoopSettings:
    """What the loop needs to know; each training adds its own settings.

    Attributes:
        command: of ``train``, that has these settings.
        not_options: those that the command sets itself.
    """

    command: ClassVar[str] = ""
    not_options: ClassVar[tuple[str, ...]] = ()

    steps: int = setting(10_000, "optimiser steps in all", positive(int), free=True)
    batch: int = setting(0, "images a step, over all processes and parts", positive(int))
    accumulate: int = setting(1, "parts of a batch that follow each other, to save memory", positive(int), free=True)
    lr: float = setting(1e-3, "learning rate of AdamW after the warm-up, then a cosine", positive(float), free=True)
    warmup: int = setting(300, "steps over which the rate rises at first", at_least(0, int), free=True)
    clip: float = setting(5.0, "largest norm of the gradient", positive(float))
    seed: int = setting(0, "of the first weights, batches and augmentation", at_least(0, int))
    save_every: int = setting(1000, "steps between checkpoints", positive(int), free=True)
    validate_every: int = setting(2000, "steps between validations", positive(int), free=True)
    log: str = setting("tensorboard", "what is written besides log.csv", choices=("tensorboard", "csv"), free=True)

    def stored(self) -> dict[str, Any]:
        """All settings by name, as plain values."""
        return {name: getattr(self, name) for name in settings_of(type(self))}

    def fixed(self) -> dict[str, Any]:
        """Those that may not change while a run goes on."""
        return {name: getattr(self, name) for name, one in settings_of(type(self)).items() if not one.free}

    def rate(self, step: int) -> float:
        """Learning rate of a step: a linear warm-up under a cosine that ends at 0."""
        fall = 0.5 * (1 + math.cos(math.pi * min(1.0, step / self.steps)))
        return self.lr * min(1.0, (step + 1) / max(1, self.warmup)) * fall


def add_settings(parser: argparse.ArgumentParser, kind: type) -> None:
    """Let a command take every setting of a dataclass as an option, and all of them from a file."""
    about = f"TOML file, as in configs/, with settings in a table [{kind.command}]; options go before"
    parser.add_argument("--config", type=Path, help=about)
    for name, one in options_of(kind).items():
        about = one.about if one.default in (None, "") else f"{one.about} (default: {one.default})"
        option, known = f"--{name.replace('_', '-')}", one.choices or None
        parser.add_argument(option, type=one.read, choices=known, default=argparse.SUPPRESS, help=about)


def read_settings(kind: type[_Kind], arguments: argparse.Namespace) -> _Kind:
    """The settings of a command: the options that were given, else those of its file, else the defaults.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is no TOML, has no table or several for the command, an unknown key or a bad value.
    """
    path, found = arguments.config, {}
    if path:
        tables = read_tables(path).items()
        mine = [(name, table) for name, table in tables if table.get("command", name) == kind.command]
        if len(mine) != 1:
            words = f"{len(mine)} tables" if mine else "no table"
            raise ValueError(f"{path} has {words} for train.{kind.command}: expected one, [{kind.command}]")
        found = check_table(path, *mine[0], kind)
    given = {name: value for name, value in vars(arguments).items() if name in options_of(kind)}
    return kind(**(found | given))


def read_tables(path: Path) -> dict[str, dict[str, Any]]:
    """The tables of a TOML file in their order; raises as :func:`read_settings`."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no TOML file: {error}") from error
    if loose := [name for name, table in tables.items() if not isinstance(table, dict)]:
        raise ValueError(f"{path} has {loose[0]!r} outside of a table: put it below the [name] of a command")
    return tables


def check_table(path: Path, name: str, table: Mapping[str, Any], kind: type | None) -> dict[str, Any]:
    """The settings in a table of a file; ``kind`` is their dataclass, None for a command that has no settings."""
    known, found = options_of(kind) if kind else {}, {}
    for key in [key for key in table if key not in _STAGE]:
        if key not in known:
            words = f"known are {', '.join(known)}" if known else "options of its command go into its 'at'"
            raise ValueError(f"{path} has the unknown key {key!r} in [{name}]: {words}")
        choices = known[key].choices
        try:
            found[key] = known[key].read(str(table[key]))
        except argparse.ArgumentTypeError as error:
            raise ValueError(f"{path}: {key!r} in [{name}] {error}") from error
        if choices and found[key] not in choices:
            raise ValueError(f"{path}: {key!r} in [{name}] must be one of {', '.join(choices)}, got {table[key]!r}")
    return found


def as_options(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Words of a command line for values by name; those that are False, None or empty are left out."""
    words: list[str] = []
    for name, value in values.items():
        if value is False or value in (None, "", []):
            continue
        words.append(f"--{name.replace('_', '-')}")
        if value is not True:
            words += map(str, value if isinstance(value, list) else [value])
    return tuple(words)
