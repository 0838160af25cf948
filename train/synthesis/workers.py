"""Several processes that render the parts of one data set side by side."""

from __future__ import annotations

import multiprocessing
import os
import queue
import sys
from collections.abc import Callable
from multiprocessing.queues import Queue
from pathlib import Path
from typing import TypeAlias

from fusion_model.files import discard_unfinished
from train.synthesis.dataset import Settings, Work, part_path, write_part, write_parts
from train.synthesis.labels import Picture

_POLL_SECONDS = 0.5
_KILLED = "a process that rendered was killed: is there enough memory? Run the command again to go on"
_News: TypeAlias = "Queue[int | Exception | None]"

Factory = Callable[[], Callable[[int], Picture]]
"""Makes what renders picture number i; may be pickled. A renderer lives in one process and stays there."""


def write_side_by_side(
    folder: Path, settings: Settings, factory: Factory, shard: tuple[int, int] = (1, 1), processes: int = 1
) -> int:
    """Make every part that is missing, in this process or in several; returns how many pictures were made.

    Args:
        folder: an open data set.
        settings: its settings.
        factory: is called once in every process.
        shard: (i, n): only every n-th part, from the i-th on.
        processes: at most; there are never more than missing parts.

    Raises:
        RuntimeError: if a process dies without a word, as when memory runs out.
    """
    work = Work.of(folder, settings, shard)
    processes = min(processes, len(work.missing))
    if processes <= 1:
        return write_parts(folder, settings, factory(), shard) if work.missing else 0
    # Not forked: threads of NumPy and of the OpenGL driver would not survive that.
    context = multiprocessing.get_context("spawn")
    news: _News = context.Queue()
    local_parts = [work.missing[number::processes] for number in range(processes)]
    workers = [
        context.Process(target=_work, args=(folder, settings, parts, factory, news, processes), daemon=True)
        for parts in local_parts
    ]
    try:
        for worker in workers:
            worker.start()
        with work.bar() as bar:
            _follow(workers, news, bar.update)
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()
        for part in work.missing:
            discard_unfinished(folder, part_path(folder, part).name)  # what was being written
    return work.pictures


def _follow(workers: list[multiprocessing.process.BaseProcess], news: _News, update: Callable[[int], object]) -> None:
    """Count pictures until every process is done; raise what one of them raised."""
    left = len(workers)
    while left:
        try:
            word = news.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            if any(worker.exitcode for worker in workers):
                raise RuntimeError(_KILLED) from None
            continue
        if isinstance(word, Exception):
            raise word
        if word is None:
            left -= 1
        else:
            update(word)


def _work(
    folder: Path, settings: Settings, parts: tuple[int, ...], factory: Factory, news: _News, processes: int
) -> None:
    """Render some parts and tell the process that asked for them."""
    # Mesa reads this when the context is made: as many threads as there are cores for each process is too many.
    os.environ.setdefault("LP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    parent = multiprocessing.parent_process()

    def done() -> None:
        if parent is not None and not parent.is_alive():
            sys.exit(1)  # that process was killed and the rest is not wanted
        news.put(1)

    try:
        make = factory()
        for part in parts:
            write_part(folder, settings, part, make, done)
    except (ValueError, OSError, RuntimeError) as error:
        news.put(error)
    else:
        news.put(None)
