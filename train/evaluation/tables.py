"""A table of figures: printed, and written as CSV, JSON and Markdown."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Table:
    """Figures in rows and columns.

    Attributes:
        title: what is measured, on what, in which unit.
        columns: C names.
        rows: C figures by name of the row, NaN where there is none.
        counts: people that each figure of the measured rows is made from, by column.
        notes: sentences on how it was measured.
        digits: after the point, in print; files for machines have all.
    """

    title: str
    columns: tuple[str, ...]
    rows: dict[str, tuple[float, ...]]
    counts: dict[str, int]
    notes: tuple[str, ...] = ()
    digits: int = 1

    def __post_init__(self) -> None:
        """Refuse rows that do not fit the columns."""
        for name, row in self.rows.items():
            if len(row) != len(self.columns):
                raise ValueError(f"{name} has {len(row)} figures for {len(self.columns)} columns")

    def to_markdown(self) -> str:
        """As a page, which is also what is printed."""
        cells = [[name, *map(self._shown, row)] for name, row in self.rows.items()]
        cells.append(["people measured", *(str(self.counts.get(column, "")) for column in self.columns)])
        lines = ["", *self.columns], ["-", *("-:" for _ in self.columns)], *cells
        body = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        notes = "\n".join(f"- {note}" for note in self.notes)
        return f"# {self.title}\n\n{body}\n\n{notes}\n"

    def to_csv(self) -> str:
        """A line a row; empty where there is no figure."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["", *self.columns])
        for name, row in self.rows.items():
            writer.writerow([name, *("" if math.isnan(value) else value for value in row)])
        return text.getvalue()

    def to_json(self) -> str:
        """Rows by name, each a mapping from columns; null where there is no figure."""
        rows = {
            name: {c: None if math.isnan(v) else v for c, v in zip(self.columns, row, strict=True)}
            for name, row in self.rows.items()
        }
        content = {"title": self.title, "rows": rows, "people": self.counts, "notes": self.notes, "digits": self.digits}
        return json.dumps(content, indent=1, ensure_ascii=False)

    @classmethod
    def read(cls, path: Path) -> Table:
        """The table of a file that :meth:`write` wrote as JSON.

        Raises:
            ValueError: if the file is damaged or no such table.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            named = content["rows"]
            rows = {
                name: tuple(math.nan if value is None else value for value in row.values())
                for name, row in named.items()
            }
            columns = tuple(next(iter(named.values())))
            return cls(content["title"], columns, rows, content["people"], tuple(content["notes"]), content["digits"])
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise ValueError(f"{path} is no table of train.evaluate --protocol ({error!r})") from error

    def write(self, folder: Path, name: str) -> list[Path]:
        """Write ``name.csv``, ``name.json`` and ``name.md``, each whole or not at all; returns their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        contents = {".csv": self.to_csv(), ".json": self.to_json(), ".md": self.to_markdown()}
        paths = []
        for suffix, content in contents.items():
            path = folder / f"{name}{suffix}"
            unfinished = folder / f"{name}{suffix}.unfinished"
            unfinished.write_text(content, encoding="utf-8")
            unfinished.replace(path)
            paths.append(path)
        return paths

    def _shown(self, value: float) -> str:
        return "-" if math.isnan(value) else f"{value:.{self.digits}f}"
