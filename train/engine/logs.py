"""The figures that a run leaves: ``log.csv`` always, TensorBoard's files by choice."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fusion_model.files import write_atomically

TENSORBOARD_MISSING = "TensorBoard is not installed: figures go to log.csv alone (pip install tensorboard)"


class Log:
    """The logs of one run.

    Args:
        folder: of the run.
        kind: ``"csv"`` or ``"tensorboard"``; where the latter is missing, that is said and done without.
        step: figures of later steps are dropped: a resumed run takes those steps again.

    Attributes:
        board: writer of TensorBoard's files, None without; pictures have a place there alone.
    """

    def __init__(self, folder: Path, kind: str, step: int) -> None:
        self._table, self.board = folder / "log.csv", None
        forget_rows(self._table, step)
        if kind == "tensorboard":
            try:
                from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - optional

                self.board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1 if step else None)
            except ImportError:
                print(TENSORBOARD_MISSING)

    def row(self, row: Mapping[str, float]) -> None:
        """A row of ``log.csv``, and the same figures elsewhere."""
        write_rows(self._table, [*read_rows(self._table), row])
        self.scalars(int(row["step"]), {name: value for name, value in row.items() if name != "step"})

    def scalars(self, step: int, figures: Mapping[str, float]) -> None:
        """Figures between two rows, where there is more than the table."""
        for name, value in figures.items() if self.board else ():
            self.board.add_scalar(name, value, step)

    def pictures(self, step: int, pictures: Mapping[str, np.ndarray]) -> None:
        """Pictures (H, W, 3) uint8 by name, where there is a ``board``."""
        for name, picture in pictures.items():
            self.board.add_image(name, picture, step, dataformats="HWC")

    def close(self) -> None:
        """Write out what is still held back."""
        if self.board:
            self.board.close()


def read_rows(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file by column; none where there is no file."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as a CSV file has them; empty where one lacks a column of another."""
    text = io.StringIO(newline="")
    columns = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a CSV file of rows; the old file stays if that is cut."""
    write_atomically(path, csv_text(rows))


def forget_rows(path: Path, step: int) -> None:
    """Drop the rows of steps after this one, which a resumed run takes again, and a file that has no others."""
    rows = read_rows(path)
    kept = [row for row in rows if (row.get("step") or "").isdigit() and int(row["step"]) <= step]
    if not kept:
        path.unlink(missing_ok=True)
    elif len(kept) < len(rows):
        write_rows(path, kept)
