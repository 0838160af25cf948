"""Packs: people in a few safetensors files, read by mapping them into memory.

``pack.json`` names the files, ``people-00000.safetensors`` and so on. Each holds the arrays of
:class:`train.data.people.People` for its rows, and ``validation``. The labels are loaded; photos are read from the
files as they are used, so that a training takes little memory, and several on one machine share it.

A pack to carry elsewhere holds its photos encoded instead, ``encoded`` (the bytes of all) and ``ends`` (N,), and is
decoded into memory when it is opened.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from tqdm import tqdm

from train.data.people import People, Source, decode_people

INDEX = "pack.json"
SAMPLE = 32  # photos of each file or source that stand for all in a fingerprint
_FORMAT = "fusion-pose-pack/1"
_COLUMNS = [field.name for field in fields(People) if field.name != "names"]
_LABEL_BYTES = 1024  # a row's labels take less
_TOGETHER = 64  # photos encoded between two looks at a file's size
_WRONG = "{}: packed from other data or with other settings: choose another --out, or delete it"


@dataclass(frozen=True)
class EncodedPhotos:
    """Photos (n, 3, S, S) uint8 of one file, decoded one by one.

    Attributes:
        file: where they lie, for messages.
        encoded: bytes of all, mapped.
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
        content = self.raw(row)
        image = cv2.imdecode(content, cv2.IMREAD_COLOR) if len(content) else None
        if image is None or image.shape[:2] != (self.side, self.side):
            raise ValueError(f"{self.file} is damaged (photo {row}): copy it again")
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB).transpose(2, 0, 1)


class MappedPhotos:
    """Photos (N, 3, S, S) uint8 in files; indexing reads rows, as indexing a tensor does.

    Args:
        files: (n, 3, S, S) uint8 arrays, mapped, or encoded photos.
        rows: (N,) numbers over all files' rows, in order.
        device: where rows are put.
    """

    def __init__(self, files: Sequence[np.ndarray | EncodedPhotos], rows: np.ndarray, device: torch.device) -> None:
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
        return torch.from_numpy(np.array(self._files[number][row - self._starts[number]]))

    def to(self, device: torch.device) -> MappedPhotos:
        """The same photos, whose rows are put on another device."""
        return MappedPhotos(self._files, self._rows, device)


def write_pack(
    sources: Sequence[Source], out: Path, size: int, file_bytes: int, quality: int | None = None
) -> list[Path]:
    """Decode people file by file; files that a cut left whole are kept.

    Args:
        sources: data sets as their readers return them.
        out: folder of the pack.
        size: side in pixels of the square that each photo is scaled into.
        file_bytes: largest size of a file; at least one person goes into each.
        quality: of the WebP pictures that the photos are kept as, 1 to 100; None keeps their pixels.

    Raises:
        ValueError: if the folder holds a pack of something else.
    """
    rows = [(number, row) for number, source in enumerate(sources) for row in range(len(source))]
    step = max(1, file_bytes // (3 * size * size + _LABEL_BYTES))
    packing = step if quality is None else (file_bytes, quality)
    mark = {"print": labels_fingerprint(sources, size, packing), "names": [source.name for source in sources]}
    out.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    done = 0
    with tqdm(total=len(rows), desc="pack", unit="photo") as bar:
        while done < len(rows):
            file = out / f"people-{len(files):05d}.safetensors"
            files.append(file)
            if file.is_file():
                count, metadata = _read_mark(file)
                if metadata.get("print") != mark["print"]:
                    raise ValueError(_WRONG.format(file))
            elif quality is None:
                count = _write_file(file, sources, rows[done : done + step], size, mark)
            else:
                count = _write_encoded(file, sources, rows[done:], size, mark | {"size": size}, file_bytes, quality)
            done += count
            bar.update(count)
    index = {"format": _FORMAT, "people": len(rows), "size": size, "files": [file.name for file in files]}
    (out / (INDEX + ".part")).write_text(json.dumps(index, indent=1), encoding="utf-8")
    (out / (INDEX + ".part")).replace(out / INDEX)
    return files


def _write_file(
    file: Path, sources: Sequence[Source], rows: Sequence[tuple[int, int]], size: int, mark: dict[str, Any]
) -> int:
    """Write a file with the pixels of these people; returns how many."""
    people = decode_people(sources, rows, size, progress=False)
    _save(file, {"photos": people.photos, **_labels(people, sources, rows)}, mark)
    return len(rows)


def _write_encoded(
    file: Path, sources: Sequence[Source], rows: Sequence[tuple[int, int]], size: int, mark: dict[str, Any],
    file_bytes: int, quality: int,
) -> int:  # fmt: skip
    """Write a file with as many of these people, encoded, as it may hold; returns how many."""
    photos: list[bytes] = []
    parts: list[dict[str, Tensor]] = []
    room, full = file_bytes, False
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(rows), _TOGETHER):
            part = rows[start : start + _TOGETHER]
            people = decode_people(sources, part, size, progress=False)
            for photo in pool.map(lambda photo: _encode(photo, quality), people.photos):
                room -= len(photo) + _LABEL_BYTES
                full = room < 0 and bool(photos)
                if full:
                    break
                photos.append(photo)
            parts.append(_labels(people, sources, part))
            if full:
                break
    labels = {name: torch.cat([part[name] for part in parts])[: len(photos)] for name in parts[0]}
    encoded = torch.from_numpy(np.frombuffer(b"".join(photos), np.uint8).copy())
    ends = torch.tensor([len(photo) for photo in photos]).cumsum(0)
    _save(file, {"encoded": encoded, "ends": ends, **labels}, mark)
    return len(photos)


def _encode(photo: Tensor, quality: int) -> bytes:
    """A photo (3, S, S) uint8 RGB as WebP."""
    picture = cv2.cvtColor(np.ascontiguousarray(photo.permute(1, 2, 0).numpy()), cv2.COLOR_RGB2BGR)
    return cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, quality])[1].tobytes()


def _labels(people: People, sources: Sequence[Source], rows: Sequence[tuple[int, int]]) -> dict[str, Tensor]:
    """What a file holds besides photos."""
    labels = {name: getattr(people, name) for name in _COLUMNS[1:]}
    return labels | {"validation": torch.tensor([bool(sources[number].validation[row]) for number, row in rows])}


def _save(file: Path, tensors: dict[str, Tensor], mark: dict[str, Any]) -> None:
    """Write a file, complete or not at all."""
    save_file(tensors, file.with_suffix(".part"), {_FORMAT: json.dumps(mark)})
    file.with_suffix(".part").replace(file)


def open_pack(folder: Path, *, validation: bool) -> People:
    """The training or the validation people of a pack; their photos are left in its files, or decoded if encoded.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if one is damaged or belongs to another pack, or if there are no such people.
    """
    index = _index(folder)
    parts, photos, prints, names = [], [], set(), ()
    for name in index["files"]:
        labels, mapped, metadata = _open_file(folder / name)
        parts.append(labels)
        photos.append(mapped)
        prints.add(metadata.get("print"))
        names = tuple(metadata.get("names", ()))
    if len(prints) != 1:
        raise ValueError(f"{folder} mixes the files of several packs: run train.pack again into an empty folder")
    columns = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    rows = torch.nonzero(columns.pop("validation") == validation)[:, 0]
    if not len(rows):
        raise ValueError(f"no {'validation' if validation else 'training'} people in {folder}")
    labels = {name: column[rows] for name, column in columns.items()}
    mapped = MappedPhotos(photos, rows.numpy(), torch.device("cpu"))
    in_memory = any(isinstance(part, EncodedPhotos) for part in photos)
    return People(photos=mapped.decoded() if in_memory else mapped, names=names, **labels)


def _index(folder: Path) -> dict[str, Any]:
    """What ``pack.json`` says."""
    path = folder / INDEX
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}): run train.pack again") from error
    if not isinstance(index, dict) or index.get("format") != _FORMAT or not index.get("files"):
        raise ValueError(f"{path} is no index of a pack: expected the format {_FORMAT!r} and a list of files")
    return index


def _open_file(file: Path) -> tuple[dict[str, Tensor], np.ndarray | EncodedPhotos, dict[str, Any]]:
    """Labels, photos and metadata of one file."""
    if not file.is_file():
        raise FileNotFoundError(f"{file} not found: {INDEX} names it; copy it too, or run train.pack again")
    try:
        with safe_open(file, "pt") as content:
            labels = {name: content.get_tensor(name) for name in (*_COLUMNS[1:], "validation")}
            metadata, kind = _mark(content.metadata()), "encoded" if "encoded" in content.keys() else "photos"  # noqa: SIM118
            shape, ends = content.get_slice(kind).get_shape(), content.get_tensor("ends") if kind == "encoded" else None
        with file.open("rb") as raw:
            length = int.from_bytes(raw.read(8), "little")
            start = json.loads(raw.read(length))[kind]["data_offsets"][0]
    except SafetensorError as error:
        raise ValueError(
            f"{file} is damaged ({error}): copy it again, or delete it and run train.pack again"
        ) from error
    mapped = np.memmap(file, np.uint8, "r", 8 + length + start, tuple(shape))
    photos = mapped if ends is None else EncodedPhotos(file, mapped, ends.numpy(), metadata["size"])
    return labels, photos, metadata


def _mark(metadata: dict[str, str] | None) -> dict[str, Any]:
    """What marks a file of a pack; one entry, since safetensors orders several by chance."""
    return json.loads((metadata or {}).get(_FORMAT, "{}"))


def _read_mark(file: Path) -> tuple[int, dict[str, Any]]:
    """Number of people and metadata of a file; ValueError if it is damaged."""
    try:
        with safe_open(file, "pt") as content:
            return content.get_slice("validation").get_shape()[0], _mark(content.metadata())
    except SafetensorError as error:
        raise ValueError(f"{file} is damaged ({error}): delete it and run train.pack again") from error


def pack_fingerprint(folder: Path) -> str:
    """Hash of the labels in a pack, of how they are packed, and of a few of its photos.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if one is damaged.
    """
    digest = hashlib.blake2b(digest_size=16)
    for name in _index(folder)["files"]:
        _, photos, metadata = _open_file(folder / name)
        digest.update(f"{metadata.get('print')} {photos.shape}".encode())
        for row in range(0, len(photos), max(1, len(photos) // SAMPLE)):
            content = photos.raw(row) if isinstance(photos, EncodedPhotos) else photos[row]
            digest.update(np.ascontiguousarray(content).tobytes())
    return digest.hexdigest()


def labels_fingerprint(sources: Sequence[Source], size: int, packing: object) -> str:
    """Hash of all labels and of how they are packed."""
    digest = hashlib.blake2b(f"{size} {packing}".encode(), digest_size=16)
    for source in sources:
        digest.update(f"{source.name} {len(source)}".encode())
        for name in ("joints", "weight", "by_hand", "box", "pose", "pose_weight", "validation"):
            digest.update(np.ascontiguousarray(getattr(source, name)).tobytes())
    return digest.hexdigest()
