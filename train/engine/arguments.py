"""Settings as data: the fields of a dataclass are the options of a command and the keys of a file of ``configs/``."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_STAGE = {"command", "at", "each", "from_scratch"}  # keys that make a table a stage of a recipe; no settings
_Kind = TypeVar("_Kind")


@dataclass(frozen=True)
class Setting:
    """What is known of a field that is a setting.

    Attributes:
        about: for the help, with its unit.
        read: its value from text; refuses by ``argparse.ArgumentTypeError``.
        choices: all values that there are; empty where ``read`` decides.
        free: whether a run that goes on may change it: it does not alter what was already learnt.
    """

    about: str
    read: Callable[[str], Any] = str
    choices: tuple[str, ...] = ()
    free: bool = False


def setting(default: Any, about: str, read: Callable[[str], Any] = str, **more: Any) -> Any:
    """A field of a dataclass that is a :class:`Setting`; a class that inherits it may give it a plain new default."""
    return field(default=default, metadata={"setting": Setting(about, read, **more)})


def settings_of(kind: type) -> dict[str, tuple[Any, Setting]]:
    """Default and description of every setting of a dataclass, by name."""
    found = {}
    for one in fields(kind):
        declared = (vars(base).get("__dataclass_fields__", {}).get(one.name) for base in kind.__mro__)
        described = [each.metadata["setting"] for each in declared if each and "setting" in each.metadata]
        if described:
            found[one.name] = one.default, described[0]
    return found


def _options_of(kind: type) -> dict[str, tuple[Any, Setting]]:
    """Those that its command takes."""
    return {name: known for name, known in settings_of(kind).items() if name not in kind.not_options}


def add_settings(parser: argparse.ArgumentParser, kind: type) -> None:
    """Let a command take every setting of a dataclass as an option, and all of them from a file."""
    about = f"TOML file, as in configs/, with settings in a table [{kind.command}]; options go before"
    parser.add_argument("--config", type=Path, help=about)
    for name, (default, one) in _options_of(kind).items():
        about = one.about if default in (None, "") else f"{one.about} (default: {default})"
        option = {"default": argparse.SUPPRESS, "help": about}  # what was not given is not there
        if isinstance(default, bool):
            option["action"] = argparse.BooleanOptionalAction
        else:
            option |= {"type": one.read, "choices": one.choices or None}
        parser.add_argument(f"--{name.replace('_', '-')}", **option)


def read_settings(kind: type[_Kind], arguments: argparse.Namespace) -> _Kind:
    """The settings of a command: the options that were given, else those of its file, else the defaults.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is no TOML, has no table or several for the command, an unknown key or a bad value.
    """
    path: Path | None = arguments.config
    of_file = {} if path is None else _of_command(path, kind)
    return kind(**(of_file | {name: value for name, value in vars(arguments).items() if name in settings_of(kind)}))


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
    known, found = _options_of(kind) if kind else {}, {}
    for key in table:
        if key in _STAGE:
            continue
        if key not in known:
            words = f"known are {', '.join(known)}" if known else "options of its command go into its 'at'"
            raise ValueError(f"{path} has the unknown key {key!r} in [{name}]: {words}")
        try:
            found[key] = _checked(table[key], *known[key])
        except argparse.ArgumentTypeError as error:
            raise ValueError(f"{path}: {key!r} in [{name}] {error}") from error
    return found


def _of_command(path: Path, kind: type) -> dict[str, Any]:
    """Settings of the only table for the command: of that name, or with it as its ``command``."""
    tables = {name: table for name, table in read_tables(path).items() if table.get("command", name) == kind.command}
    if len(tables) != 1:
        words = f"{len(tables)} tables" if tables else "no table"
        raise ValueError(f"{path} has {words} for train.{kind.command}: expected one, [{kind.command}]")
    ((name, table),) = tables.items()
    return check_table(path, name, table, kind)


def _checked(value: Any, default: Any, one: Setting) -> Any:
    """The value of a setting in a file; ``argparse.ArgumentTypeError`` if it is none."""
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise argparse.ArgumentTypeError(f"must be true or false, got {value!r}")
        return value
    found = one.read(str(value))
    if one.choices and found not in one.choices:
        raise argparse.ArgumentTypeError(f"must be one of {', '.join(one.choices)}, got {value!r}")
    return found


def as_options(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Words of a command line for values by name; those that are None or empty are left out."""
    words: list[str] = []
    for name, value in values.items():
        option = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{option}" if value else f"--no-{option}")
        elif value not in (None, "", []):
            words += [f"--{option}", *map(str, value if isinstance(value, list) else [value])]
    return tuple(words)


def positive(kind: type[int | float]) -> Callable[[str], float]:
    """Reader of a command-line number that must exceed 0."""
    return _reader(kind, lambda value: value > 0, "above 0")


def at_least(bound: float, kind: type[int | float] = float) -> Callable[[str], float]:
    """Reader of a command-line number that must not be below a bound."""
    return _reader(kind, lambda value: value >= bound, f"of at least {bound:g}")


def fraction(text: str) -> float:
    """Reader of a command-line number from 0 to 1."""
    return _reader(float, lambda value: 0 <= value <= 1, "from 0 to 1")(text)


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
