"""Packs: people in a few safetensors files, read by mapping them into memory.

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

from fusion_model.files import discard_unfinished, replacing, write_atomically
from train.data.columns import check_columns
from train.data.people import MappedPhotos, People, decode_people
from train.data.source import Source

INDEX = "pack.json"
SAMPLE = 32  # photos of each file or source that stand for all in a fingerprint
_FORMAT = "fusion-pose-pack/1"
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
    parts = [rows[start : start + step] for start in range(0, len(rows), step)]
    files = [out / f"people-{number:05d}.safetensors" for number in range(len(parts))]
    for file, part in zip(tqdm(files, "pack", unit="file"), parts, strict=True):
        if file.is_file():
            if _open_file(file)[2] != mark:
                wrong = "packed from other data or with other settings: choose another --out, or delete it"
                raise ValueError(f"{file}: {wrong}")
            continue
        people = decode_people(sources, part, size, progress=False)
        tensors = {one.name: getattr(people, one.name) for one in fields(People) if one.name != "names"}
        tensors["validation"] = torch.tensor([bool(sources[number].validation[row]) for number, row in part])
        with replacing(file) as unfinished:  # one entry, since safetensors orders several by chance
            save_file(tensors, unfinished, {_FORMAT: json.dumps(mark)})
    index = {"format": _FORMAT, "people": len(rows), "size": size, "files": [file.name for file in files]}
    write_atomically(out / INDEX, json.dumps(index, indent=1))
    discard_unfinished(out)
    return files


def open_pack(folder: Path, *, validation: bool) -> People:
    """The training or the validation people of a pack; their photos are left in its files.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if one is damaged or belongs to another pack, or if there are no such people.
    """
    parts, photos, marks = zip(*(_open_file(folder / name) for name in _index(folder)["files"]), strict=True)
    if any(mark != marks[0] for mark in marks):
        raise ValueError(f"{folder} mixes the files of several packs: run train.pack again into an empty folder")
    columns = {name: torch.cat([part[name] for part in parts]) for name in _ROWS}
    rows = torch.nonzero(columns.pop("validation") == validation)[:, 0]
    if not len(rows):
        raise ValueError(f"no {'validation' if validation else 'training'} people in {folder}")
    labels = {name: column[rows] for name, column in columns.items()}
    mapped = MappedPhotos(photos, rows.numpy(), torch.device("cpu"))
    return People(photos=mapped, names=tuple(marks[0].get("names", ())), **labels)


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


def _open_file(file: Path) -> tuple[dict[str, Tensor], Tensor, dict[str, Any]]:
    """Labels, photos and mark of one file; the photos stay there until they are used."""
    if not file.is_file():
        raise FileNotFoundError(f"{file} not found: {INDEX} names it; copy it too, or run train.pack again")
    try:
        with safe_open(file, "pt") as content:
            labels = {name: content.get_tensor(name) for name in _ROWS}
            photos, mark = content.get_tensor("photos"), json.loads((content.metadata() or {}).get(_FORMAT, "{}"))
    except (SafetensorError, ValueError) as error:
        raise ValueError(f"{file} is damaged ({error}): {_ADVICE}") from error
    count, shape = labels["validation"].numel(), tuple(photos.shape)
    arrays = {name: column.numpy() for name, column in labels.items()}
    check_columns(file, arrays, _ROWS, count, _ADVICE)
    if shape != (count, 3, *shape[-1:] * 2):
        raise ValueError(f"{file} is damaged (its photos of shape {shape} are not {count} photos): {_ADVICE}")
    return labels, photos, mark


def pack_fingerprint(folder: Path) -> str:
    """Hash of the labels in a pack, of how they are packed, and of a few of its photos; raises as :func:`open_pack`."""
    digest = hashlib.blake2b(digest_size=16)
    for name in _index(folder)["files"]:
        _, photos, mark = _open_file(folder / name)
        digest.update(f"{mark.get('print')} {tuple(photos.shape)}".encode())
        digest.update(photos[:: max(1, len(photos) // SAMPLE)].numpy().tobytes())
    return digest.hexdigest()


def labels_fingerprint(sources: Sequence[Source], size: int, packing: object) -> str:
    """Hash of all labels and of how they are packed."""
    digest = hashlib.blake2b(f"{size} {packing}".encode(), digest_size=16)
    for source in sources:
        digest.update(f"{source.name} {len(source)}".encode())
        for name in ("joints", "weight", "by_hand", "box", "pose", "pose_weight", "validation"):
            digest.update(np.ascontiguousarray(getattr(source, name)).tobytes())
    return digest.hexdigest()
