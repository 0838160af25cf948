"""One process at a time in the folder of a run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None

_FILE = "lock"


@contextlib.contextmanager
def only_here(folder: Path) -> Iterator[None]:
    """Hold the folder; the system lets go of it when the process ends, however it ends.

    Raises:
        ValueError: if another process holds it.
    """
    if fcntl is None:
        yield
        return
    with (folder / _FILE).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ValueError(
                f"{folder} is being trained by another process: wait for its end, or choose another --run"
            ) from error
        except OSError:
            pass  # a file system without locks
        yield
