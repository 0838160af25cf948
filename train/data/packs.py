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
from dataclasses import fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from tqdm import tqdm

from fusion_model.files import discard_unfinished, replacing, write_atomically
from train.data.columns import check_columns
from train.data.people import People, decode_people
from train.data.photos import EncodedPhotos, MappedPhotos
from train.data.source import Source

INDEX = "pack.json"
SAMPLE = 32  # photos of each file or source that stand for all in a fingerprint
_FORMAT = "fusion-pose-pack/1"
_COLUMNS = [field.name for field in fields(People) if field.name != "names"]
_ROWS = {
    "extent": (np.float32, (4,)),
    "joints": (np.float32, (16, 2)),
    "weight": (np.float32, (16,)),
    "by_hand": (np.bool_, (16,)),
    "box": (np.float32, (4,)),
    "pose": (np.float32, (17, 3)),
    "pose_weight": (np.float32, (17,)),
    "source": (np.int64, ()),
    "validation": (np.bool_, ()),
}
_ADVICE = "copy it again, or delete it and run train.pack again"
_LABEL_BYTES = 1024  # a row's labels take less
_BATCH = 64  # photos encoded before the size of their file is checked again
_WRONG = "{}: packed from other data or with other settings: choose another --out, or delete it"


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
                count = len(part := rows[done : done + step])
                people = decode_people(sources, part, size, progress=False)
                _save(file, {"photos": people.photos, **_labels(people, sources, part)}, mark)
            else:
                count = _write_encoded(file, sources, rows[done:], size, mark | {"size": size}, file_bytes, quality)
            done += count
            bar.update(count)
    index = {"format": _FORMAT, "people": len(rows), "size": size, "files": [file.name for file in files]}
    write_atomically(out / INDEX, json.dumps(index, indent=1))
    discard_unfinished(out)
    return files


def _write_encoded(
    file: Path, sources: Sequence[Source], rows: Sequence[tuple[int, int]], size: int, mark: dict[str, Any],
    file_bytes: int, quality: int,
) -> int:  # fmt: skip
    """Write a file with as many of these people, encoded, as it may hold; returns how many."""
    photos: list[bytes] = []
    parts: list[dict[str, Tensor]] = []
    room, full = file_bytes, False
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(rows), _BATCH):
            part = rows[start : start + _BATCH]
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
    with replacing(file) as unfinished:
        save_file(tensors, unfinished, {_FORMAT: json.dumps(mark)})


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
        if index["format"] == _FORMAT and index["files"]:
            return index
        found = index["format"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        found = repr(error)
    raise ValueError(f"{path} is no index of a pack ({found}), expected the format {_FORMAT!r}: run train.pack again")


def _open_file(file: Path) -> tuple[dict[str, Tensor], Tensor | EncodedPhotos, dict[str, Any]]:
    """Labels, photos and mark of one file; what is large stays there until it is used."""
    if not file.is_file():
        raise FileNotFoundError(f"{file} not found: {INDEX} names it; copy it too, or run train.pack again")
    try:
        with safe_open(file, "pt") as content:
            labels = {name: content.get_tensor(name) for name in _ROWS}
            mark = _mark(content.metadata())
            if "encoded" in content.keys():  # noqa: SIM118 - no mapping
                encoded, ends = (content.get_tensor(name).numpy() for name in ("encoded", "ends"))
                photos = EncodedPhotos(file, encoded, ends, mark["size"])
            else:
                photos = content.get_tensor("photos")
    except (SafetensorError, ValueError, LookupError) as error:
        raise ValueError(f"{file} is damaged ({error}): {_ADVICE}") from error
    count, shape = labels["validation"].numel(), tuple(photos.shape)
    arrays = {name: column.numpy() for name, column in labels.items()}
    check_columns(file, arrays, _ROWS, count, _ADVICE)
    if shape != (count, 3, *shape[-1:] * 2):
        raise ValueError(f"{file} is damaged (its photos of shape {shape} are not {count} photos): {_ADVICE}")
    return labels, photos, mark


def _mark(metadata: dict[str, str] | None) -> dict[str, Any]:
    """What marks a file of a pack; one entry, since safetensors orders several by chance."""
    return json.loads((metadata or {}).get(_FORMAT, "{}"))


def _read_mark(file: Path) -> tuple[int, dict[str, Any]]:
    """Number of people and mark of a file; ValueError if it is damaged."""
    try:
        with safe_open(file, "pt") as content:
            return content.get_slice("validation").get_shape()[0], _mark(content.metadata())
    except (SafetensorError, ValueError) as error:
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
        digest.update(f"{metadata.get('print')} {tuple(photos.shape)}".encode())
        for row in range(0, len(photos), max(1, len(photos) // SAMPLE)):
            content = photos.raw(row) if isinstance(photos, EncodedPhotos) else photos[row].numpy()
            digest.update(content.tobytes())
    return digest.hexdigest()


def labels_fingerprint(sources: Sequence[Source], size: int, packing: object) -> str:
    """Hash of all labels and of how they are packed."""
    digest = hashlib.blake2b(f"{size} {packing}".encode(), digest_size=16)
    for source in sources:
        digest.update(f"{source.name} {len(source)}".encode())
        for name in ("joints", "weight", "by_hand", "box", "pose", "pose_weight", "validation"):
            digest.update(np.ascontiguousarray(getattr(source, name)).tobytes())
    return digest.hexdigest()
