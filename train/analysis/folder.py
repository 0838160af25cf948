"""The folder of an analysis: every file is written whole or not at all."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fusion_model.files import write_atomically
from train.engine.run_files import read_json


class Folder:
    """The folder of an analysis.

    Args:
        path: made if it is not there.
        weights: identity of the run's weights; parts made from others are left out of the report.
    """

    def __init__(self, path: Path, weights: str) -> None:
        self.path, self._weights = path, weights
        path.mkdir(parents=True, exist_ok=True)

    def write(self, name: str, content: bytes | str) -> None:
        """A file of the folder."""
        write_atomically(self.path / name, content)

    def figure(self, name: str, figure: Figure, dpi: int) -> None:
        """A PNG."""
        buffer = io.BytesIO()
        FigureCanvasAgg(figure)
        figure.savefig(buffer, format="png", dpi=dpi, facecolor="white", metadata={"Software": None})
        self.write(name, buffer.getvalue())

    def table(self, name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """A CSV file."""
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer)
        writer.writerow(head)
        writer.writerows(rows)
        self.write(name, buffer.getvalue())

    def drop(self, *names: str) -> None:
        """Files that an earlier analysis left and this one does not make."""
        for name in names:
            (self.path / name).unlink(missing_ok=True)

    def part(self, name: str, content: dict[str, Any]) -> None:
        """``<part>.json``, from which the report is made."""
        self.write(f"{name}.json", json.dumps({"weights": self._weights, **content}, indent=1))

    def parts(self, names: Iterable[str]) -> dict[str, dict[str, Any]]:
        """What :meth:`part` wrote for the same weights, now or earlier, by name."""
        found = {}
        for name in names:
            content = read_json(self.path / f"{name}.json")
            if content.get("weights") == self._weights:
                found[name] = content
        return found
