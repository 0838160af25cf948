"""Scenes: whole photos in which everyone is boxed, and photos that show nobody.

A pack of scenes is ``scenes*.npz`` with the labels beside a zip of the same name with the photos. Arrays: name (N,) in
the zip, size (N, 2) width and height, box_start (N + 1,) offsets into boxes (M, 4) x0, y0, x1, y1 in photo pixels,
box_flag (M,) 0 whole, 1 cut off, 2 difficult, far or unsure, split (N,) train or validation, source (N,) and original
(N,), the data set that a photo is from and its name there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from train.data.columns import check_boxes, check_columns, read_arrays
from train.data.photos import ZipReader, archive_beside, decode_rgb

WHOLE, CUT_OFF, UNSURE = 0, 1, 2
"""What box_flag says; people who are unsure are neither to be found nor wrong to find."""

_COLUMNS = ("size", "source", "original", "validation")  # arrays of Scenes with a row a photo
_ROWS = {
    "name": (np.str_, ()), "size": (np.int32, (2,)), "split": (np.str_, ()), "source": (np.str_, ()),
    "original": (np.str_, ()),
}  # fmt: skip
_ADVICE = "copy it again"


@dataclass(frozen=True)
class Scenes:
    """Whole photos, a row a photo.

    Attributes:
        read: photo i as encoded bytes.
        boxes: N times (K, 4) float32, everyone in the photo, tight round the body as far as it is seen, photo pixels.
        unsure: N times (K,) bool, people who are neither to be found nor wrong to find.
        size: (N, 2) width and height of the photo.
        source: (N,) name of the data set that the photo is from.
        original: (N,) its file name there.
        validation: (N,) bool, never trained on.
    """

    read: Callable[[int], bytes]
    boxes: list[np.ndarray]
    unsure: list[np.ndarray]
    size: np.ndarray
    source: np.ndarray
    original: np.ndarray
    validation: np.ndarray

    def __len__(self) -> int:
        """Number of photos."""
        return len(self.boxes)

    def take(self, rows: np.ndarray) -> Scenes:
        """The photos of these rows, numbers or a mask (N,)."""
        numbers = np.arange(len(self))[rows]
        return Scenes(
            read=lambda row: self.read(int(numbers[row])),
            boxes=[self.boxes[number] for number in numbers],
            unsure=[self.unsure[number] for number in numbers],
            **{name: getattr(self, name)[numbers] for name in _COLUMNS},
        )

    def photo(self, index: int) -> np.ndarray:
        """(H, W, 3) uint8 RGB; ValueError if it cannot be decoded."""
        return decode_rgb(self.read(index), f"scene {index}")


def find_scenes(folder: Path) -> Scenes | None:
    """All packs of scenes in a folder as one, None if there is none; raises as :func:`read_scenes`."""
    packs = [read_scenes(path) for path in sorted(folder.glob("scenes*.npz"))]
    if not packs:
        return None
    place = [(number, row) for number, pack in enumerate(packs) for row in range(len(pack))]
    return Scenes(
        read=lambda row: packs[place[row][0]].read(place[row][1]),
        boxes=[boxes for pack in packs for boxes in pack.boxes],
        unsure=[flags for pack in packs for flags in pack.unsure],
        **{name: np.concatenate([getattr(pack, name) for pack in packs]) for name in _COLUMNS},
    )


def read_scenes(labels: Path) -> Scenes:
    """Read a pack by its npz file.

    Raises:
        FileNotFoundError: if the npz or the zip beside it is missing.
        ValueError: if the file is damaged, or an array is missing, of another type or shape, or no number; names it.
    """
    archive, reader = archive_beside(labels, "scenes"), ZipReader("photo", "copy the archive again")
    arrays = read_arrays(labels, [*_ROWS, "box_start", "boxes", "box_flag"], _ADVICE)
    count, start = arrays["name"].size, arrays["box_start"]
    check_columns(labels, arrays, _ROWS, count, _ADVICE)
    check_columns(labels, arrays, {"box_start": (int, ())}, count + 1, _ADVICE)
    people = int(start[-1])
    check_columns(labels, arrays, {"boxes": (np.float32, (4,)), "box_flag": (np.int8, ())}, people, _ADVICE)
    check_boxes(labels, "boxes", arrays["boxes"], _ADVICE)
    if start[0] != 0 or (np.diff(start) < 0).any():
        raise ValueError(f"{labels}: box_start must rise from 0 to the number of boxes, {people}")
    if unknown := sorted(set(arrays["split"].tolist()) - {"train", "validation"}):
        raise ValueError(f"{labels}: split must be 'train' or 'validation', got {unknown[0]!r}")
    return Scenes(
        read=lambda row: reader(archive, str(arrays["name"][row])),
        boxes=np.split(arrays["boxes"].astype(np.float32), start[1:-1]),
        unsure=np.split(arrays["box_flag"] == UNSURE, start[1:-1]),
        validation=arrays["split"] == "validation",
        **{name: arrays[name] for name in ("size", "source", "original")},
    )
