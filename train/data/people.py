"""People as training sees them: a stack of small photos with joints in their pixels.

:func:`load_people` decodes every photo of some sources (:class:`train.data.source.Source`) into one uint8 tensor, which
then stays in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from fusion_model.crops import letterbox
from train.data.source import Source

STORE_SIZE = 256


class MappedPhotos:
    """Photos (N, 3, S, S) uint8 in files; indexing reads rows, as indexing a tensor does.

    Args:
        files: (n, 3, S, S) uint8 each, mapped into memory.
        rows: (N,) numbers over all files' rows, in order.
        device: where rows are put.
    """

    def __init__(self, files: Sequence[Tensor], rows: np.ndarray, device: torch.device) -> None:
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
        for place, (row, file) in enumerate(
            zip(chosen, np.searchsorted(self._starts, chosen, "right") - 1, strict=True)
        ):
            found[place] = self._files[file][row - self._starts[file]]
        return found.to(self.device)

    def to(self, device: torch.device) -> MappedPhotos:
        """The same photos, whose rows are put on another device."""
        return MappedPhotos(self._files, self._rows, device)


@dataclass
class People:
    """Decoded people of one or several sources, as tensors on one device.

    Attributes:
        photos: (N, 3, S, S) uint8, each photo letterboxed into a square; those of a pack are read when indexed.
        extent: (N, 4) x0, y0, x1, y1 of the photo proper inside the square.
        joints: (N, 16, 2) in pixels of the square; ``weight``, ``by_hand``, ``pose``, ``pose_weight`` and ``box``
            as in :class:`train.data.source.Source`, the box in pixels of the square.
        source: (N,) index into ``names``.
        names: names of the sources.
    """

    photos: Tensor | MappedPhotos
    extent: Tensor
    joints: Tensor
    weight: Tensor
    by_hand: Tensor
    box: Tensor
    pose: Tensor
    pose_weight: Tensor
    source: Tensor
    names: tuple[str, ...]

    def __len__(self) -> int:
        """Number of people."""
        return len(self.photos)

    def take(self, rows: Tensor) -> People:
        """The people of these rows, numbers or a mask."""
        columns = (getattr(self, f.name) for f in fields(self) if f.name != "names")
        return People(*(take_rows(column, rows) for column in columns), names=self.names)

    def to(self, device: torch.device) -> People:
        """The same people on another device."""
        return People(*(getattr(self, f.name).to(device) for f in fields(self) if f.name != "names"), names=self.names)


def take_rows(values: Tensor | MappedPhotos, rows: Tensor) -> Tensor:
    """``values[rows]`` for numbers or a mask, on whatever device; faster for photos in memory."""
    if not isinstance(values, Tensor):
        return values[rows]
    rows = rows.to(values.device)
    return values.index_select(0, rows.nonzero()[:, 0] if rows.dtype == torch.bool else rows)


def load_people(sources: Sequence[Source], *, validation: bool, size: int = STORE_SIZE) -> People:
    """Decode the training or the validation people of several sources into memory.

    Args:
        sources: data sets as their readers return them.
        validation: which part.
        size: side of the square that each photo is scaled into.
    """
    rows = [(number, row) for number, s in enumerate(sources) for row in np.flatnonzero(s.validation == validation)]
    if not rows:
        part = "validation" if validation else "training"
        raise ValueError(f"no {part} people in {', '.join(s.name for s in sources) or 'an empty list of sources'}")
    return decode_people(sources, rows, size)


def decode_people(
    sources: Sequence[Source], rows: Sequence[tuple[int, int]], size: int, *, progress: bool = True
) -> People:
    """Decode some people into memory.

    Args:
        sources: data sets as their readers return them.
        rows: (number of the source, row in it) of each.
        size: side of the square that each photo is scaled into.
        progress: whether to show a bar.
    """
    photos = torch.empty(len(rows), 3, size, size, dtype=torch.uint8)
    matrices = np.empty((len(rows), 2, 3), np.float32)
    extent = np.empty((len(rows), 4), np.float32)

    def decode(position: int) -> None:
        number, row = rows[position]
        photo = sources[number].photo(row)
        height, width = photo.shape[:2]
        crop = letterbox(width, height, size)
        photos[position] = torch.from_numpy(crop.cut(photo)).permute(2, 0, 1)
        matrices[position] = crop.matrix
        extent[position] = crop.to_crop([[-0.5, -0.5], [width - 0.5, height - 0.5]]).ravel()

    with ThreadPoolExecutor() as pool:
        bar = {"total": len(rows), "desc": "decode photos", "unit": "photo", "disable": not progress}
        list(tqdm(pool.map(decode, range(len(rows))), **bar))

    def gather(name: str) -> np.ndarray:
        return np.stack([getattr(sources[number], name)[row] for number, row in rows])

    def move(points: np.ndarray) -> np.ndarray:
        return np.einsum("nij,n...j->n...i", matrices[:, :, :2], points) + matrices[:, None, :, 2]

    tensors = {name: torch.from_numpy(gather(name)) for name in ("weight", "by_hand", "pose", "pose_weight")}
    return People(
        photos=photos,
        extent=torch.from_numpy(extent),
        joints=torch.from_numpy(move(gather("joints")).astype(np.float32)),
        box=torch.from_numpy(move(gather("box").reshape(-1, 2, 2)).reshape(-1, 4).astype(np.float32)),
        source=torch.tensor([number for number, _ in rows]),
        names=tuple(s.name for s in sources),
        **tensors,
    )
