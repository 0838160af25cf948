"""Two threads that share a batch, instead of OpenMP's, which share every layer of it.

OpenMP's threads spin until the last one has done its part of a layer. Beside a busy program one of them has no core for
milliseconds at a time, and the others wait for it at layer after layer. Two threads that take half of a batch each meet
once: they are as fast on an idle machine, and hardly slower on a busy one.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor

_Rows = TypeVar("_Rows", Tensor, tuple[Tensor, ...])


class Threads:
    """The calling thread and a helper that run networks side by side.

    Args:
        each: threads that torch takes in each of them; 0 for the calling thread alone, with all that torch has.
    """

    def __init__(self, each: int) -> None:
        self._each = each

    @classmethod
    def on(cls, device: torch.device) -> Threads:
        """Half of the threads that torch has now (``OMP_NUM_THREADS``, ``torch.set_num_threads``) for each.

        On a GPU, or if torch has one thread, there is no helper.
        """
        return cls(torch.get_num_threads() // 2 if device.type == "cpu" else 0)

    @contextmanager
    def limited(self) -> Iterator[None]:
        """Meanwhile the calling thread keeps to its half of torch's threads."""
        before = torch.get_num_threads()
        torch.set_num_threads(self._each or before)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    @torch.inference_mode()
    def run(self, function: Callable[..., _Rows], *batches: Tensor) -> _Rows:
        """``function(*batches)`` in inference mode, each half of the batches in a thread of its own.

        Args:
            function: of tensors (n, ...) that gives a tensor (n, ...), or a tuple of such, row by row.
            batches: tensors (N, ...).
        """
        if not self._each or len(batches[0]) < 2:
            return function(*batches)
        own, others = zip(*(batch.chunk(2) for batch in batches), strict=True)
        with self.limited():
            helped = _helper().submit(self._help, function, others)
            first, second = function(*own), helped.result()
        if isinstance(first, Tensor):
            return torch.cat((first, second))
        return tuple(torch.cat(halves) for halves in zip(first, second, strict=True))

    @torch.inference_mode()
    def _help(self, function: Callable[..., _Rows], batches: tuple[Tensor, ...]) -> _Rows:
        """The helper's half."""
        torch.set_num_threads(self._each)
        return function(*batches)


@functools.cache
def _helper() -> ThreadPoolExecutor:
    """The thread that helps; one for all estimators, so that they cannot ask for more than the processor has."""
    return ThreadPoolExecutor(1, "fusion-pose")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_helper.cache_clear)  # threads do not live on in a forked process
