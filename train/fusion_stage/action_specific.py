"""Fusion networks of one action each, the paper's action-specific models: trained one after another, used together."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from pathlib import Path

from train.data.sources import find_actions
from train.engine.loop import start_accelerator
from train.engine.run_files import check_settings, read_json
from train.fusion_stage.data import fusion_fingerprint
from train.fusion_stage.training import fusion_config, load_hourglass, sample_settings
from train.settings import FusionTrainConfig

_FILE = "actions.json"  # which actions a folder has runs of, and what they are trained with


def train_actions(
    settings: FusionTrainConfig,
    arguments: argparse.Namespace,
    train: Callable[[FusionTrainConfig, Path, Path | None], bool],
) -> bool:
    """Train a network for each action of the data, in ``RUN/<action>``; finished ones are kept.

    Args:
        settings: of every run.
        arguments: those of ``train.fusion``.
        train: one run, from its settings, folder and cache; False if it was stopped before its end.

    Returns:
        Whether all are finished.

    Raises:
        ValueError: if the people have no action, or the folder was begun with other settings.
    """
    out, accelerator = arguments.run, start_accelerator()
    printed, actions = accelerator.print, find_actions(arguments.data)
    if (out / "checkpoints").exists():
        raise ValueError(f"{out} is a run for all actions: choose another --run")
    config = fusion_config(settings, arguments.hourglass)
    hourglass = load_hourglass(config, arguments.hourglass)
    fingerprint = fusion_fingerprint(arguments.data, sample_settings(config, settings), hourglass, accelerator.device)
    shared = settings.fixed()
    shared |= {"actions": actions, "data and hourglass": fingerprint}
    with accelerator.main_process_first():
        check_settings(out, _FILE, shared, option="--run")
    for number, action in enumerate(actions, 1):
        if _checkpoint(out, action).is_dir():
            printed(f"{number}/{len(actions)} {action}: finished before")
            continue
        if settings.minutes_left() < 0:
            printed(f"stopped by the time limit of {settings.time_limit:g} minutes; run again to continue")
            return False
        printed(f"{number}/{len(actions)} {action}")
        cache = arguments.cache / action if arguments.cache else None
        if not train(dataclasses.replace(settings, action=action), out / action, cache):
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
    return folder / action / "checkpoint"
