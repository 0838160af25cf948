"""``mixing.csv`` of a fusion run: alpha, beta and w_1..w_L while they are learnt, what Figure 5 is drawn from."""

from __future__ import annotations

import csv
from pathlib import Path

from fusion_model.files import write_atomically
from fusion_model.fusion import FusionNetwork

FILE = "mixing.csv"
EVERY = 50  # steps between two rows


class MixingLog:
    """Writes the table, a row at step 0 and every 50 steps, and two where the weights are hardened.

    Args:
        folder: of the run; None writes nothing, as processes but the first do.
        step: the run goes on from here; rows from there on are dropped, since those steps are taken again.
    """

    def __init__(self, folder: Path | None, step: int) -> None:
        self._path = folder / FILE if folder else None
        self._last = -1
        if self._path and self._path.exists():
            _forget_from(self._path, step)

    def record(self, step: int, network: FusionNetwork, *, always: bool = False) -> None:
        """A row for the weights that ``step`` updates led to, if it is due and they can change; each step once.

        Args:
            step: updates done so far.
            network: whose weights.
            always: write the row whether it is due or not.
        """
        due = always or (step % EVERY == 0 and step != self._last)
        if self._path is None or not network.config.has_soft_weights or not due:
            return
        self._last = step
        new = not self._path.exists()
        weights = {f"w{layer}": f"{w:.6g}" for layer, w in enumerate(network.mixing_weights().tolist(), start=1)}
        values = {name: getattr(network, name) for name in ("alpha", "beta")}
        row = {"step": step, **{name: "" if v is None else f"{v.item():.6g}" for name, v in values.items()}, **weights}
        with self._path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(row))
            if new:
                writer.writeheader()
            writer.writerow(row)


def _forget_from(path: Path, step: int) -> None:
    """Drop rows of steps to come, and a row that a cut left half written."""
    head, *lines = path.read_text(encoding="utf-8").splitlines(keepends=True) or [""]
    complete = [line for line in lines if line.endswith("\n") and line.count(",") == head.count(",")]
    kept = [line for line in complete if int(line.partition(",")[0]) < step]
    if not kept:
        path.unlink()
        return
    write_atomically(path, "".join((head, *kept)))
