"""``mixing.csv`` of a fusion run: alpha, beta and w_1..w_L while they are learnt, what Figure 5 is drawn from."""

from __future__ import annotations

from pathlib import Path

from fusion_model.fusion import FusionNetwork
from train.engine.logs import forget_rows, read_rows, write_rows

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
        if self._path:
            forget_rows(self._path, step - 1)

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
        values = {name: getattr(network, name) for name in ("alpha", "beta")}
        values |= {f"w{layer}": w for layer, w in enumerate(network.mixing_weights(), start=1)}
        row = {"step": step, **{name: "" if v is None else f"{v.item():.6g}" for name, v in values.items()}}
        write_rows(self._path, [*read_rows(self._path), row])
