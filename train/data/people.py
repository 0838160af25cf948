"""People as training sees them: a stack of small photos with joints in their pixels.

They are decoded into memory from some sources (:class:`train.data.source.Source`), or lie in a packed folder: the
arrays of :class:`People` but the photos in ``labels.npz``, people to train on first, and the photos in ``photos.npy``,
which is mapped into memory, so that a training takes little of it, and several on one machine share it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from fusion_model.crops import letterbox
from fusion_model.files import discard_unfinished, replacing, write_atomically
from train.data.columns import check_columns, read_arrays
from train.data.source import Source
from train.synthesis.dataset import npz_bytes

STORE_SIZE = 256
LABELS, PHOTOS = "labels.npz", "photos.npy"
_SAMPLE = 64  # photos of a source that stand for all in its fingerprint
_AT_ONCE = 512  # photos in memory while a folder is packed
_ROWS = {
    "extent": (np.float32, (4,)), "joints": (np.float32, (16, 2)), "weight": (np.float32, (16,)),
    "box": (np.float32, (4,)), "pose": (np.float32, (17, 3)),
    "pose_weight": (np.float32, (17,)), "source": (np.int64, ()),
}  # fmt: skip
_ADVICE = "copy the folder again, or delete it and run train.pack again"


@dataclass
class People:
    """Decoded people of one or several sources.

    Attributes:
        photos: (N, 3, S, S) uint8, each photo letterboxed into a square; in main memory, or a file mapped there.
        extent: (N, 4) x0, y0, x1, y1 of the photo proper inside the square.
        joints: (N, 16, 2) in pixels of the square; ``weight``, ``pose``, ``pose_weight`` and ``box`` as in
            :class:`train.data.source.Source`, the box in pixels of the square.
        source: (N,) index into ``names``.
        names: names of the sources.
    """

    photos: Tensor
    extent: Tensor
    joints: Tensor
    weight: Tensor
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
        """The same people on another device, but for the photos, of which only crops go there."""
        labels = (getattr(self, f.name).to(device) for f in fields(self)[1:-1])
        return People(self.photos, *labels, names=self.names)


def take_rows(values: Tensor, rows: Tensor) -> Tensor:
    """``values[rows]`` for numbers or a mask, on whatever device; faster for photos."""
    rows = rows.to(values.device)
    return values.index_select(0, rows.nonzero()[:, 0] if rows.dtype == torch.bool else rows)


def load_people(sources: Sequence[Source], *, validation: bool, size: int = STORE_SIZE) -> People:
    """Decode the training or the validation people of several sources into memory.

    Args:
        sources: data sets as their readers return them.
        validation: which part.
        size: side of the square that each photo is scaled into.
    """
    return decode_people(sources, _rows(sources, validation), size)


def _rows(sources: Sequence[Source], validation: bool) -> list[tuple[int, int]]:
    """(number of the source, row in it) of everyone of a part; ValueError if it has nobody."""
    rows = [(number, row) for number, s in enumerate(sources) for row in np.flatnonzero(s.validation == validation)]
    if not rows:
        part = "validation" if validation else "training"
        raise ValueError(f"no {part} people in {', '.join(s.name for s in sources) or 'the photos'}")
    return rows


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

    tensors = {name: torch.from_numpy(gather(name)) for name in ("weight", "pose", "pose_weight")}
    return People(
        photos=photos,
        extent=torch.from_numpy(extent),
        joints=torch.from_numpy(move(gather("joints")).astype(np.float32)),
        box=torch.from_numpy(move(gather("box").reshape(-1, 2, 2)).reshape(-1, 4).astype(np.float32)),
        source=torch.tensor([number for number, _ in rows]),
        names=tuple(s.name for s in sources),
        **tensors,
    )


def write_pack(sources: Sequence[Source], out: Path, size: int) -> int:
    """Pack people into a folder; one that holds just these is left as it is. Returns how many they are.

    Args:
        sources: data sets as their readers return them.
        out: the folder.
        size: side in pixels of the square that each photo is scaled into.

    Raises:
        ValueError: if the folder holds other people or anything else, or if there is nobody to train or to validate on.
    """
    training, held_out = (_rows(sources, part) for part in (False, True))
    rows, fingerprint = training + held_out, sources_fingerprint(sources, size)
    if out.is_dir() and (others := {one.name for one in out.iterdir() if one.name[0] != "."} - {LABELS, PHOTOS}):
        raise ValueError(f"{out} holds {min(others)} and more: a packed folder has nothing else, choose another --out")
    if (out / LABELS).is_file():
        if pack_fingerprint(out) != fingerprint:
            raise ValueError(f"{out} was packed from other data or with another --crop: choose another --out")
        return len(rows)
    out.mkdir(parents=True, exist_ok=True)
    parts = []
    with replacing(out / PHOTOS) as unfinished, unfinished.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (len(rows), 3, size, size)}
        np.lib.format.write_array_header_1_0(file, header)
        for start in tqdm(range(0, len(rows), _AT_ONCE), "pack", unit="part"):
            people = decode_people(sources, rows[start : start + _AT_ONCE], size, progress=False)
            people.photos.numpy().tofile(file)
            parts.append({name: getattr(people, name).numpy() for name in _ROWS})  # and not the photos
    labels = {name: np.concatenate([part[name] for part in parts]) for name in _ROWS}
    about = {"names": people.names, "training": len(training), "fingerprint": fingerprint}
    write_atomically(out / LABELS, npz_bytes(labels | {name: np.array(value) for name, value in about.items()}))
    discard_unfinished(out)
    return len(rows)


def open_pack(folder: Path, *, validation: bool) -> People:
    """The training or the validation people of a packed folder.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if one is damaged.
    """
    arrays = read_arrays(folder / LABELS, [*_ROWS, "names", "training"], _ADVICE)
    check_columns(folder / LABELS, arrays, _ROWS, count := arrays["source"].size, _ADVICE)
    try:
        photos = torch.from_numpy(np.load(folder / PHOTOS, mmap_mode="c"))
    except ValueError as error:
        raise ValueError(f"{folder / PHOTOS} is damaged ({error}): {_ADVICE}") from error
    if photos.shape != (count, 3, *photos.shape[-1:] * 2):
        raise ValueError(f"{folder / PHOTOS} of shape {tuple(photos.shape)} does not hold {count} photos: {_ADVICE}")
    start = int(arrays["training"])
    part = slice(start, None) if validation else slice(start)
    labels = {name: torch.from_numpy(arrays[name])[part] for name in _ROWS}
    return People(photos[part], names=tuple(arrays["names"].tolist()), **labels)


def pack_fingerprint(folder: Path) -> str:
    """That of the sources that a folder was packed from."""
    return str(read_arrays(folder / LABELS, ["fingerprint"], _ADVICE)["fingerprint"])


def sources_fingerprint(sources: Sequence[Source], size: int = STORE_SIZE) -> str:
    """Hash of all labels of some sources and of some of their photos, as people of that size."""
    digest = hashlib.blake2b(str(size).encode(), digest_size=16)
    for source in sources:
        digest.update(f"{source.name} {len(source)}".encode())
        for name in ("joints", "weight", "by_hand", "box", "pose", "pose_weight", "validation"):
            digest.update(np.ascontiguousarray(getattr(source, name)).tobytes())
        for row in range(0, len(source), max(1, len(source) // _SAMPLE)):
            digest.update(source.read(row))
    return digest.hexdigest()
