"""The runs of ``train.fusion`` that are analysed."""

from __future__ import annotations

from pathlib import Path

from fusion_model.hub.checkpoints import CONFIG_FILE


class NothingToShowError(Exception):
    """A part that has no meaning for this run; the message says why."""


def check_run(folder: Path) -> None:
    """FileNotFoundError where there is no run, ValueError where there is a checkpoint."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} not found: expected the folder of a run of train.fusion")
    if (folder / CONFIG_FILE).is_file():
        raise ValueError(f"{folder} is a checkpoint: expected the folder of a run of train.fusion, with its mixing.csv")


def released_checkpoint(folder: Path) -> Path:
    """The folder that a run writes at its end; FileNotFoundError if it is not there."""
    checkpoint = folder / "checkpoint"
    if not (checkpoint / CONFIG_FILE).is_file():
        raise FileNotFoundError(
            f"{checkpoint} not found: the run is not finished, start train.fusion again with the same settings"
        )
    return checkpoint
