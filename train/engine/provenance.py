"""What a network was trained on: written beside its run, then stored in the checkpoint's metrics and its card."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from fusion_model.hub.checkpoints import CONFIG_FILE, read_metrics
from train.engine.arguments import LoopSettings
from train.engine.checkpoints import latest_state
from train.engine.run_files import read_json, write_json

ENTRY = "provenance"  # of a checkpoint's metrics: what each network was trained on, and for how long
FILE = "provenance.json"  # in a run's folder
SCENES = "scenes"  # among the data sets: whole photos


def begin_provenance(
    run: Path,
    settings: LoopSettings,
    init_from: Path | None,
    source: Tensor,
    names: Sequence[str],
    copies: int = 1,
    scenes: int = 0,
) -> None:
    """Begin the file of a new run; one that goes on keeps its own.

    Args:
        run: its folder.
        settings: of the run; their command is what the network is called in a checkpoint.
        init_from: run or checkpoint whose weights it starts from, if any.
        source: (N,) data set of each row to train on.
        names: of the data sets.
        copies: rows of each person.
        scenes: number of whole photos, which are counted beside the people.
    """
    if latest_state(run):
        return
    start = {"images": 0, "people": {}}
    if init_from:
        start = read_provenance(init_from, settings.command) or {"images": None, "people": {}}
    people = {SCENES: scenes}
    for number, name in enumerate(names):  # several sets may have one name, as all that are rendered do
        people[name] = people.get(name, 0) + int((source == number).sum()) // copies
    people = most_people([start["people"], {name: count for name, count in people.items() if count}])
    content = {"batch": settings.batch, "before": start["images"], "people": people, "settings": settings.stored()}
    write_json(run / FILE, content)


def read_provenance(path: Path, part: str) -> dict[str, Any] | None:
    """Of the best network in a run's folder, or of a checkpoint's network that is called so; of files, nothing.

    Returns:
        ``steps`` of the last run, ``batch`` of one, ``images`` in all (None where it started from weights of which that
        is not known), training ``people`` of each data set, of all runs, and the ``settings`` that the last run was
        begun with; None if nothing is known.
    """
    if (path / CONFIG_FILE).is_file():
        return read_metrics(path).get(ENTRY, {}).get(part)
    begun, best = read_json(path / FILE), read_json(path / "best" / "figures.json")
    if not begun or not best:
        return None
    steps, before = best["step"], begun.pop("before")
    return {**begun, "steps": steps, "images": None if before is None else before + steps * begun["batch"]}


def most_people(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """For each data set the largest of several counts of its people, which may be the same ones."""
    largest: dict[str, int] = {}
    for people in counts:
        largest |= {name: max(largest.get(name, 0), count) for name, count in people.items()}
    return largest


def provenances(paths: Mapping[str, Path | None]) -> dict[str, dict[str, Any]]:
    """What is known of each network, by its part; ``paths`` as of :func:`read_provenance`."""
    return {part: known for part, path in paths.items() if path and (known := read_provenance(path, part))}
