"""Starts a command in this process, which is sooner than a process of its own."""

import sys

from train.command import run_command


def call(module, *arguments):
    """Exit status of a command in this process."""
    before, sys.argv = sys.argv, [module.__name__, *map(str, arguments)]
    try:
        return run_command(module.parser(), module.main)
    except SystemExit as end:
        return end.code
    finally:
        sys.argv = before
