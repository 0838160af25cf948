"""What depends on the machine: memory that is kept, the precision that is fast, one process at a time in a folder."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None

# Parameters of glibc's mallopt(3), and their values in bytes: an int holds no more than 2 GiB.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_OPTIONS = ((_MMAP_THRESHOLD, 2**31 - 1), (_TRIM_THRESHOLD, 2**31 - 1), (_TOP_PAD, 2**28))


def keep_freed_memory() -> None:
    """Tell glibc's ``malloc``, where it is the one, to keep up to 2 GiB of what is freed.

    By default it gives every large tensor back to the system at once, which fills each page with zeros anew: a tenth
    and more of the processor's time in a training step of convolutions.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    for option, value in _OPTIONS if mallopt else ():
        mallopt(option, value)


def bf16_is_fast(device: str) -> bool:
    """Whether a type of device, ``cuda`` or another, multiplies bfloat16 natively; where not, float32 is faster."""
    import torch  # noqa: PLC0415 - who only renders waits for none

    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_avx512_bf16_supported()  # noqa: SLF001 - torch offers no public test


@contextlib.contextmanager
def only_here(folder: Path) -> Iterator[None]:
    """Hold the folder; the system lets go of it when the process ends, however it ends.

    Raises:
        ValueError: if another process holds it.
    """
    with (folder / "lock").open("a") as file:
        try:
            if fcntl:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            busy = f"{folder} is being trained by another process"
            raise ValueError(f"{busy}: wait for its end, or choose another --run") from error
        except OSError:
            pass  # a file system without locks
        yield
