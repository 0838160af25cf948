"""Fusion networks of one action each, the paper's action-specific models: trained one after another, used together."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from train.data.sources import find_actions
from train.engine.arguments import minutes_left
from train.engine.loop import start_accelerator
from train.engine.run_files import check_settings, read_json
from train.engine.settings import FREE
from train.fusion_stage.data import fusion_fingerprint
from train.fusion_stage.training import fusion_config, load_hourglass, sample_settings

_FILE = "actions.json"  # which actions a folder has runs of, and what they are trained with
# Of the command line, what may change while the runs go on; files are told apart by what is in them.
_FREE = (FREE - {"steps"}) | {"lr", "run", "cache", "detector", "data", "hourglass", "init_from", "began"}


def train_actions(arguments: argparse.Namespace, train: Callable[[argparse.Namespace], bool]) -> bool:
    """Train a network for each action of the data, in ``RUN/<action>``; finished ones are kept.

    Args:
        arguments: those of ``train.fusion``.
        train: one run; False if it was stopped before its end.

    Returns:
        Whether all are finished.

    Raises:
        ValueError: if the people have no action, or the folder was begun with other settings.
    """
    out, accelerator = arguments.run, start_accelerator()
    printed, actions = accelerator.print, find_actions(arguments.data)
    if (out / "checkpoints").exists():
        raise ValueError(f"{out} is a run for all actions: choose another --run")
    config = fusion_config(arguments, arguments.strategy, arguments.fixed_beta, arguments.skeleton)
    hourglass = load_hourglass(config, arguments.hourglass)
    fingerprint = fusion_fingerprint(arguments.data, sample_settings(config, arguments), hourglass, accelerator.device)
    settings = {name: value for name, value in vars(arguments).items() if name not in _FREE}
    settings |= {"actions": actions, "data and hourglass": fingerprint}
    with accelerator.main_process_first():
        check_settings(out, _FILE, settings, option="--run")
    for number, action in enumerate(actions, 1):
        if _checkpoint(out, action).is_dir():
            printed(f"{number}/{len(actions)} {action}: finished before")
            continue
        if minutes_left(arguments) < 0:
            printed(f"stopped by the time limit of {arguments.time_limit:g} minutes; run again to continue")
            return False
        printed(f"{number}/{len(actions)} {action}")
        cache = arguments.cache / action if arguments.cache else None
        own = {"run": out / action, "action": action, "cache": cache}
        if not train(argparse.Namespace(**{**vars(arguments), **own})):
            return False
    return True


def action_checkpoints(folder: Path) -> dict[str, Path] | None:
    """Checkpoints by action of a folder that :func:`train_actions` filled; None if it is no such folder.

    Raises:
        FileNotFoundError: if not all are finished.
    """
    if not (folder / _FILE).is_file():
        return None
    checkpoints = {action: _checkpoint(folder, action) for action in read_json(folder / _FILE)["actions"]}
    if missing := [action for action, path in checkpoints.items() if not path.is_dir()]:
        raise FileNotFoundError(
            f"{folder} has no network for {', '.join(missing)} yet: run train.fusion --action-specific to its end, the "
            "same command goes on"
        )
    return checkpoints


def _checkpoint(folder: Path, action: str) -> Path:
    """Where the finished network of an action lies."""
    return folder / action / "checkpoint"
