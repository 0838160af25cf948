"""Keeps freed memory for the next step, instead of giving it back to the system and asking for it again."""

from __future__ import annotations

import ctypes
import sys

# Parameters of glibc's mallopt(3), and their values in bytes: an int holds no more than 2 GiB.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_OPTIONS = ((_MMAP_THRESHOLD, 2**31 - 1), (_TRIM_THRESHOLD, 2**31 - 1), (_TOP_PAD, 2**28))


def keep_freed_memory() -> bool:
    """Tell glibc's ``malloc`` to keep what is freed; True if it will.

    By default it asks the system for every large tensor and gives it back at once, and the system fills each page with
    zeros anew: a tenth and more of the processor's time in a training step of convolutions. The price is that up to
    2 GiB more stay with the process between peaks; the peaks are the same. The environment's ``MALLOC_*`` variables
    say the same and are not needed then. Where there is no glibc, nothing happens.
    """
    if sys.platform != "linux":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    taken = [mallopt(option, value) for option, value in _OPTIONS]
    return all(taken)
