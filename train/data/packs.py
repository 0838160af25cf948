"""Packs: decoded people in a few safetensors files, read by mapping them into memory.

``pack.json`` names the files, ``people-00000.safetensors`` and so on. Each holds the arrays of
:class:`train.data.people.People` for its rows, and ``validation``. The labels are loaded; photos are read from the
files as they are used, so that a training takes little memory, and several on one machine share it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

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
_WRONG = "{}: packed from other data or with other settings: choose another --out, or delete it"


class MappedPhotos:
    """Photos (N, 3, S, S) uint8 in files; indexing reads rows, as indexing a tensor does.

    Args:
        files: (n, 3, S, S) uint8 arrays, mapped.
        rows: (N,) numbers over all files' rows, in order.
        device: where rows are put.
    """

    def __init__(self, files: Sequence[np.ndarray], rows: np.ndarray, device: torch.device) -> None:
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
        numbers = np.searchsorted(self._starts, chosen, side="right") - 1
        for place, (number, row) in enumerate(zip(numbers, chosen, strict=True)):
            found[place] = torch.from_numpy(np.array(self._files[number][row - self._starts[number]]))
        return found.to(self.device)

    def to(self, device: torch.device) -> MappedPhotos:
        """The same photos, whose rows are put on another device."""
        return MappedPhotos(self._files, self._rows, device)


def write_pack(sources: Sequence[Source], out: Path, size: int, file_bytes: int) -> list[Path]:
    """Decode people file by file; files that a cut left whole are kept.

    Args:
        sources: data sets as their readers return them.
        out: folder of the pack.
        size: side in pixels of the square that each photo is scaled into.
        file_bytes: largest size of a file; at least one person goes into each.

    Raises:
        ValueError: if the folder holds a pack of something else.
    """
    rows = [(number, row) for number, source in enumerate(sources) for row in range(len(source))]
    step = max(1, file_bytes // (3 * size * size + _LABEL_BYTES))
    mark = {"print": labels_fingerprint(sources, size, step), "names": [source.name for source in sources]}
    out.mkdir(parents=True, exist_ok=True)
    files = []
    for start in tqdm(range(0, len(rows), step), desc="pack", unit="file"):
        file = out / f"people-{start // step:05d}.safetensors"
        files.append(file)
        if file.is_file():
            if _metadata(file).get("print") != mark["print"]:
                raise ValueError(_WRONG.format(file))
            continue
        part = rows[start : start + step]
        people = decode_people(sources, part, size, progress=False)
        tensors = {name: getattr(people, name) for name in _COLUMNS}
        tensors["validation"] = torch.tensor([bool(sources[number].validation[row]) for number, row in part])
        save_file(tensors, file.with_suffix(".part"), {_FORMAT: json.dumps(mark)})
        file.with_suffix(".part").replace(file)
    index = {"format": _FORMAT, "people": len(rows), "size": size, "files": [file.name for file in files]}
    (out / (INDEX + ".part")).write_text(json.dumps(index, indent=1), encoding="utf-8")
    (out / (INDEX + ".part")).replace(out / INDEX)
    return files


def open_pack(folder: Path, *, validation: bool) -> People:
    """The training or the validation people of a pack, photos left in its files.

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
    return People(photos=MappedPhotos(photos, rows.numpy(), torch.device("cpu")), names=names, **labels)


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


def _open_file(file: Path) -> tuple[dict[str, Tensor], np.ndarray, dict[str, Any]]:
    """Labels, mapped photos and metadata of one file."""
    if not file.is_file():
        raise FileNotFoundError(f"{file} not found: {INDEX} names it; copy it too, or run train.pack again")
    try:
        with safe_open(file, "pt") as content:
            labels = {name: content.get_tensor(name) for name in (*_COLUMNS[1:], "validation")}
            shape, metadata = content.get_slice("photos").get_shape(), _mark(content.metadata())
        with file.open("rb") as raw:
            length = int.from_bytes(raw.read(8), "little")
            start = json.loads(raw.read(length))["photos"]["data_offsets"][0]
    except SafetensorError as error:
        raise ValueError(
            f"{file} is damaged ({error}): copy it again, or delete it and run train.pack again"
        ) from error
    return labels, np.memmap(file, np.uint8, "r", 8 + length + start, tuple(shape)), metadata


def _mark(metadata: dict[str, str] | None) -> dict[str, Any]:
    """What marks a file of a pack; one entry, since safetensors orders several by chance."""
    return json.loads((metadata or {}).get(_FORMAT, "{}"))


def _metadata(file: Path) -> dict[str, Any]:
    """Metadata of a file; ValueError if it is damaged."""
    try:
        with safe_open(file, "pt") as content:
            return _mark(content.metadata())
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
        digest.update(np.ascontiguousarray(photos[:: max(1, len(photos) // SAMPLE)]).tobytes())
    return digest.hexdigest()


def labels_fingerprint(sources: Sequence[Source], size: int, step: int) -> str:
    """Hash of all labels and of how they are packed."""
    digest = hashlib.blake2b(f"{size} {step}".encode(), digest_size=16)
    for source in sources:
        digest.update(f"{source.name} {len(source)}".encode())
        for name in ("joints", "weight", "by_hand", "box", "pose", "pose_weight", "validation"):
            digest.update(np.ascontiguousarray(getattr(source, name)).tobytes())
    return digest.hexdigest()
