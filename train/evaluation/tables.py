"""A table of figures: printed, and written as CSV, JSON and Markdown."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fusion_model.files import write_atomically
from train.engine.logs import csv_text

Cell = str | int | float | None
_STD = "_std"  # ending of a column that is printed in the cell of the column without it


@dataclass(frozen=True)
class Table:
    """Figures in rows and columns.

    Attributes:
        title: what is measured, on what, in which unit.
        columns: C names. One that ends in ``_std`` is the standard deviation of the column of that name without it.
        rows: C cells by name of the row, NaN or None where there is none.
        counts: people that each figure of the measured rows is made from, by column; empty where none are told.
        notes: sentences on how it was measured.
        digits: after the point, in print; files for machines have all.
        digits_of: those of columns that differ from ``digits``.
        kind: what the rows are, above their names.
    """

    title: str
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[Cell, ...]]
    counts: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    digits: int = 1
    digits_of: Mapping[str, int] = field(default_factory=dict)
    kind: str = ""

    def to_markdown(self, level: int = 1) -> str:
        """As a page, which is also what is printed; ``level`` is that of its heading."""
        shown = [column for column in self.columns if not column.endswith(_STD)]
        cells = [[name, *(self._cell(row, column) for column in shown)] for name, row in self._figures().items()]
        if self.counts:
            cells.append(["people measured", *(str(self.counts.get(column, "")) for column in shown)])
        notes = "\n".join(f"- {note}" for note in self.notes)
        return f"{level * '#'} {self.title}\n\n{markdown_table((self.kind, *shown), cells)}\n\n{notes}\n"

    def to_csv(self) -> str:
        """A line a row; empty where there is no figure."""
        return csv_text([{self.kind: name, **row} for name, row in self._figures().items()])

    def content(self) -> dict[str, Any]:
        """Ready for JSON: rows by name, each a mapping from columns; None where there is no figure."""
        about = {"people": self.counts, "notes": self.notes, "digits": self.digits}
        return {"title": self.title, "rows": self._figures(), **about}

    @classmethod
    def read(cls, path: Path) -> Table:
        """The table of a protocol that :meth:`write` wrote as JSON.

        Raises:
            ValueError: if the file is damaged or no such table.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            named = {name: list(row.items()) for name, row in content["rows"].items()}
            columns = tuple(column for column, _ in next(iter(named.values())))
            rows = {name: tuple(math.nan if v is None else v for _, v in row) for name, row in named.items()}
            return cls(content["title"], columns, rows, content["people"], tuple(content["notes"]), content["digits"])
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise ValueError(f"{path} is no table of train.evaluate --protocol ({error!r})") from error

    def write(self, folder: Path, name: str) -> list[Path]:
        """Write ``name.csv``, ``name.json`` and ``name.md``, each whole or not at all; returns their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.content(), indent=1, ensure_ascii=False)
        contents = {".csv": self.to_csv(), ".json": text, ".md": self.to_markdown()}
        for suffix, content in contents.items():
            write_atomically(folder / f"{name}{suffix}", content)
        return [folder / f"{name}{suffix}" for suffix in contents]

    def _figures(self) -> dict[str, dict[str, Cell]]:
        """Cells by row and column, None for NaN."""
        return {name: dict(zip(self.columns, map(_known, row), strict=True)) for name, row in self.rows.items()}

    def _cell(self, row: dict[str, Cell], column: str) -> str:
        """A figure as people read it, its standard deviation beside it."""
        value, std, digits = row[column], row.get(column + _STD), self.digits_of.get(column, self.digits)
        text = value or "-" if isinstance(value, str | None) else f"{value:.{digits}f}"
        return text + (f" ± {std:.{digits}f}" if std else "")


def _known(cell: Cell) -> Cell:
    return None if isinstance(cell, float) and math.isnan(cell) else cell


def markdown_table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """Rows of cells below their head, in Markdown."""
    lines = (head, ["---"] * len(head), *rows)
    return "\n".join("".join(f"| {cell} " if cell != "" else "| " for cell in line) + "|" for line in lines)
