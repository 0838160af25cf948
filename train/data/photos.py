"""Photos that stay in the files of a pack and are read as they are used, and decoding of those in memory."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm


@dataclass(frozen=True)
class EncodedPhotos:
    """Photos (n, 3, S, S) uint8 of one file, decoded one by one.

    Attributes:
        file: where they lie, for messages.
        encoded: bytes of all.
        ends: (n,) where each ends.
        side: S.
    """

    file: Path
    encoded: np.ndarray
    ends: np.ndarray
    side: int

    def __len__(self) -> int:
        """Number of photos."""
        return len(self.ends)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Of all photos as one array."""
        return len(self), 3, self.side, self.side

    def raw(self, row: int) -> np.ndarray:
        """(n,) uint8, the bytes of a photo."""
        return np.asarray(self.encoded[self.ends[row - 1] if row else 0 : self.ends[row]])

    def __getitem__(self, row: int) -> np.ndarray:
        """(3, S, S) uint8 RGB; ValueError if it cannot be decoded."""
        image = decode(self.raw(row))
        if image is None or image.shape[:2] != (self.side, self.side):
            raise ValueError(f"{self.file} is damaged (photo {row}): copy it again")
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB).transpose(2, 0, 1)


class MappedPhotos:
    """Photos (N, 3, S, S) uint8 in files; indexing reads rows, as indexing a tensor does.

    Args:
        files: (n, 3, S, S) uint8, mapped, or encoded photos.
        rows: (N,) numbers over all files' rows, in order.
        device: where rows are put.
    """

    def __init__(self, files: Sequence[Tensor | EncodedPhotos], rows: np.ndarray, device: torch.device) -> None:
        self._files, self._rows, self.device = files, rows, device
        self._starts = np.cumsum([0, *(len(file) for file in files)])
        self.shape = torch.Size((len(rows), *files[0].shape[1:]))

    def __len__(self) -> int:
        """Number of photos."""
        return len(self._rows)

    def __getitem__(self, rows: Tensor | slice) -> Tensor:
        """Some of the photos, copied to the device; ``rows`` are numbers, a mask or a slice."""
        chosen = np.atleast_1d(self._rows[rows if isinstance(rows, slice) else rows.cpu().numpy()])
        found = torch.empty((len(chosen), *self.shape[1:]), dtype=torch.uint8)
        for place, row in enumerate(chosen):
            found[place] = self._photo(row)
        return found.to(self.device)

    def decoded(self) -> Tensor:
        """All of them in memory, (N, 3, S, S) uint8, read by several threads."""
        found = torch.empty(self.shape, dtype=torch.uint8)

        def read(place: int) -> None:
            found[place] = self._photo(self._rows[place])

        with ThreadPoolExecutor() as pool:
            list(tqdm(pool.map(read, range(len(self))), total=len(self), desc="decode photos", unit="photo"))
        return found

    def _photo(self, row: int) -> Tensor:
        """(3, S, S) of a row over all files."""
        number = np.searchsorted(self._starts, row, side="right") - 1
        return torch.as_tensor(self._files[number][row - self._starts[number]])

    def to(self, device: torch.device) -> MappedPhotos:
        """The same photos, whose rows are put on another device."""
        return MappedPhotos(self._files, self._rows, device)


def decode_rgb(data: bytes, what: str) -> np.ndarray:
    """(H, W, 3) uint8 RGB of such a file; ValueError that names ``what`` it is if it is none."""
    image = decode(data)
    if image is None:
        raise ValueError(f"{what} cannot be decoded; expected a JPEG, PNG or WebP file")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def decode(data: bytes | np.ndarray) -> np.ndarray | None:
    """(H, W, 3) uint8 BGR of a JPEG, PNG or WebP file; None if it is none, or has more pixels than OpenCV reads."""
    if not len(data):
        return None
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None
