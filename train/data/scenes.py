"""Scenes: whole photos in which everyone is boxed, and photos that show nobody.

A pack of scenes is ``scenes*.npz`` with the labels beside a zip of the same name with the photos. Arrays: name (N,) in
the zip, size (N, 2) width and height, box_start (N + 1,) offsets into boxes (M, 4) x0, y0, x1, y1 in photo pixels,
box_flag (M,) 0 whole, 1 cut off, 2 difficult, far or unsure, split (N,) train or validation, source (N,) and original
(N,), the data set that a photo is from and its name there.
They are written in parts, which are then joined.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from fusion_model.files import discard_unfinished
from train.data.columns import check_boxes, check_columns, read_named
from train.data.parts import (
    label_part,
    new_part,
    part_path,
    read_part,
    units_fingerprint,
    unless_full,
    write_parts,
    write_whole,
)
from train.data.photos import decode_rgb
from train.data.readers.pictures import read_picture
from train.data.readers.records import Frame, ScenePlan
from train.data.zips import ZipReader, archive_beside
from train.engine.run_files import check_settings
from train.synthesis.dataset import npz_bytes

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
    """All packs of scenes in a folder as one; None if there is none.

    Raises:
        FileNotFoundError: if a zip is missing.
        ValueError: if a file is damaged; names it.
    """
    packs = [read_scenes(path) for path in sorted(folder.glob("scenes*.npz"))]
    if len(packs) < 2:
        return packs[0] if packs else None
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
    archive = archive_beside(labels, "scenes")
    arrays, reader = _read_arrays(labels), ZipReader("photo", "copy the archive again")
    inner = arrays["box_start"][1:-1]
    return Scenes(
        read=lambda row: reader(archive, str(arrays["name"][row])),
        boxes=np.split(arrays["boxes"].astype(np.float32), inner),
        unsure=np.split(arrays["box_flag"] == UNSURE, inner),
        size=arrays["size"],
        source=arrays["source"],
        original=arrays["original"],
        validation=arrays["split"] == "validation",
    )


def _read_arrays(labels: Path) -> dict[str, np.ndarray]:
    """The arrays of a pack, all present and of the right shape; pickled ones are refused."""
    arrays = read_named(labels, [*_ROWS, "box_start", "boxes", "box_flag"], _ADVICE)
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
    return arrays


STORED_SIDE = 400  # pixels of a stored photo's longer side
_QUALITY = 80  # of the WebP files


def write_scenes(
    plan: ScenePlan, out: Path, name: str, *, workers: int, side: int = STORED_SIDE
) -> tuple[Path, Counter[str]]:
    """Store the photos of a plan as ``scenes_<name>.npz`` and ``.zip``; parts that an earlier run finished are kept.

    Args:
        plan: what the reader found.
        out: the folder; a pack that was begun there with the same settings goes on.
        name: of the pack.
        workers: threads; decoding and encoding run side by side.
        side: largest length of a stored photo's longer side in pixels; smaller photos are not enlarged.

    Returns:
        The npz file, and how many people were left out for which reason.

    Raises:
        ValueError: if the folder holds such a pack of other settings, or a file of the source is damaged.
        OSError: if the folder cannot be written.
    """
    labels, parts = out / f"scenes_{name}.npz", out / f"scenes_{name}.parts"
    archive, settings = labels.with_suffix(".zip"), labels.with_suffix(".json")
    if not settings.is_file() and (labels.exists() or archive.exists()):
        raise ValueError(f"{labels} or its zip is there without {settings.name}: choose another --out")
    wanted = {"pack": name, "side": side, "source": units_fingerprint(plan.units)}
    with unless_full(settings):
        check_settings(out, settings.name, wanted)
    skipped = Counter(plan.skipped)
    if not (labels.is_file() and archive.is_file()):
        with unless_full(parts):
            parts.mkdir(exist_ok=True)
        write_parts(parts, len(plan.units), lambda part: _write_part(plan, part, parts, side), workers)
        skipped += _join(parts, len(plan.units), labels)
    shutil.rmtree(parts, ignore_errors=True)
    discard_unfinished(out, labels.stem)
    return labels, skipped


def _write_part(plan: ScenePlan, part: int, parts: Path, side: int) -> None:
    """Store the photos of a unit in a file beside its place, then move it there."""
    labels = plan.units[part].load()
    sizes, boxes = [], [np.zeros((0, 4), np.float32)]
    with new_part(part_path(parts, part)) as archive:
        for row, record in enumerate(labels.records):
            photo = read_picture(Frame(record.path, size=record.size), labels.skipped)
            picture, moved = _shrink(photo, record.boxes, side)
            archive.writestr(_member(row), _encode(picture, record.path))
            sizes.append(picture.shape[1::-1])
            boxes.append(moved)
        columns = {
            "size": np.array(sizes, np.int32),
            "people": np.array([len(record.boxes) for record in labels.records]),
            "boxes": np.concatenate(boxes),
            "box_flag": np.concatenate([np.zeros(0, np.int8), *(record.flags for record in labels.records)]),
            "split": np.array([record.split for record in labels.records]),
            "source": np.array([record.source for record in labels.records]),
            "original": np.array([record.path.name for record in labels.records]),
        }
        label_part(archive, columns, labels.skipped)


def _shrink(picture: np.ndarray, boxes: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """A photo with a longer side of at most ``side``, and boxes (K, 4) float32 in its pixels."""
    length = np.array(picture.shape[1::-1])
    scale = side / length.max()
    if scale >= 1:
        return picture, boxes
    size = np.maximum(1, np.round(length * scale)).astype(int)
    # Pixel centers lie at whole numbers, so the photo begins at -0.5; rounding leaves each axis its own factor.
    moved = (boxes.reshape(-1, 2) + 0.5) * (size / length) - 0.5
    return cv2.resize(picture, size.tolist(), interpolation=cv2.INTER_AREA), moved.reshape(-1, 4).astype(np.float32)


def _encode(picture: np.ndarray, path: Path) -> bytes:
    """A WebP file of a photo (H, W, 3) uint8 BGR."""
    done, data = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, _QUALITY])
    if not done:
        raise ValueError(f"{path} of shape {picture.shape} cannot be encoded as WebP: leave it out of the set")
    return data.tobytes()


def _join(parts: Path, count: int, labels: Path) -> Counter[str]:
    """Put the photos of all parts into the zip, then their labels into the npz; how many were left out for what."""
    columns, skipped, names = [], Counter(), []
    reader = ZipReader("photo", "delete it and run the command again")
    with new_part(labels.with_suffix(".zip")) as joined:
        for path in tqdm([part_path(parts, part) for part in range(count)], desc="join", unit="part"):
            arrays, left_out = read_part(path)
            for row in range(len(arrays["size"])):
                joined.writestr(_member(len(names)), reader(path, _member(row)))
                names.append(_member(len(names)))
            columns.append(arrays)
            skipped.update(left_out)
    joined = {name: np.concatenate([arrays[name] for arrays in columns]) for name in columns[0]}
    start = np.cumsum([0, *joined.pop("people")])
    write_whole(labels, npz_bytes(joined | {"name": np.array(names), "box_start": start}))
    return skipped


def _member(row: int) -> str:
    """Name of a photo in its zip."""
    return f"{row:06d}.webp"
