"""What the commands share: common arguments, and how failures end."""

from __future__ import annotations

import argparse
import errno
import sys
from collections.abc import Callable
from pathlib import Path

from train.engine.arguments import add_settings
from train.engine.machine import keep_freed_memory

_ADVICE = {errno.ENOSPC: "make room and run the same command again", errno.EEXIST: "a folder was expected"}


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows the defaults that there are."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help if action.default is None else super()._get_help_string(action)


def new_parser(name: str, description: str | None) -> argparse.ArgumentParser:
    """A parser for ``python -m train.<name>``, whose help shows the defaults."""
    prog = f"python -m train.{name}"
    return argparse.ArgumentParser(prog=prog, description=description, formatter_class=_HelpFormatter)


def training_parser(kind: type, description: str | None, *, one_run: bool = True) -> argparse.ArgumentParser:
    """The parser of a training command: its data, the folder of its run, and its settings.

    Args:
        kind: the dataclass of its settings.
        description: for the help.
        one_run: whether it is one run, with a folder and weights to start from.
    """
    parser = new_parser(kind.command, description)
    about = "folder of data sets" + ("" if kind.command == "detector" else ", or what train.pack made")
    parser.add_argument("--data", type=Path, required=True, help=about)
    if one_run:
        parser.add_argument("--run", type=Path, required=True, help="folder of the run; an existing run is continued")
        parser.add_argument("--init-from", type=Path, help="run, checkpoint or safetensors file to warm-start from")
    add_settings(parser, kind)
    return parser


def run_command(parser: argparse.ArgumentParser, main: Callable[[argparse.Namespace], int]) -> int:
    """Parse and run; what went wrong is one sentence and exit status 1 (2 for bad usage, by argparse)."""
    arguments = parser.parse_args()
    keep_freed_memory()
    try:
        return main(arguments)
    except KeyboardInterrupt:
        print(f"{parser.prog}: stopped; run the same command again to continue", file=sys.stderr)
    except OSError as error:
        print(f"{parser.prog}: {_in_words(error)}", file=sys.stderr)
    except (ValueError, FloatingPointError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
    except ModuleNotFoundError as error:  # of what only some data sets and reports need
        print(f"{parser.prog}: {error}: pip install -r requirements-train.txt", file=sys.stderr)
    return 1


def _in_words(error: OSError) -> str:
    """What the system refused, without its number; what this program refuses is a sentence already."""
    if error.strerror is None:
        return str(error)
    where = f"{error.filename} cannot be used" if error.filename else "a file cannot be written"
    return f"{where} ({error.strerror}): " + _ADVICE.get(error.errno, "name another one")
