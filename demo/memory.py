"""Keeps the memory that requests have freed from staying with the process."""

from __future__ import annotations

import ctypes
import sys

_ARENA_MAX = -8  # parameter of glibc's mallopt(3)
_ARENAS = 2


def share_arenas() -> bool:
    """Let all threads of the process take their memory from two arenas of glibc's ``malloc``; True if they will.

    By default there are up to eight arenas for each core. Requests come in ever other threads with photos of ever other
    sizes, which leave holes in each. To be called before there are many threads. The environment's ``MALLOC_ARENA_MAX``
    says the same and is not needed then. Where there is no glibc, nothing happens.
    """
    if sys.platform != "linux":
        return False
    try:
        return bool(ctypes.CDLL(None).mallopt(_ARENA_MAX, _ARENAS))
    except (OSError, AttributeError):  # another C library
        return False
