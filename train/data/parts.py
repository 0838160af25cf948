"""Work that is done part by part: each part a file that appears whole or not at all, several made side by side."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import numpy as np
from tqdm import tqdm

from fusion_model.files import replacing, write_atomically
from train.data.readers.records import Unit
from train.data.zips import open_zip, read_arrays, read_member
from train.synthesis.dataset import npz_bytes

_LABELS, _SKIPPED = "labels.npz", "skipped.json"  # beside the pictures of a part


def part_path(folder: Path, part: int) -> Path:
    """File of one part."""
    return folder / f"part-{part:05d}.zip"


def units_fingerprint(units: Sequence[Unit]) -> str:
    """What the parts of a folder are made from, in words and a hash: of another source, it differs."""
    names = [unit.name for unit in units]
    return f"{len(names)} parts, {hashlib.blake2b(json.dumps(names).encode(), digest_size=4).hexdigest()}"


def write_parts(folder: Path, count: int, write: Callable[[int], None], workers: int) -> None:
    """Write the parts that are missing, under a bar; the first failure stops the others after the part they are at.

    Args:
        folder: of the parts, each at its :func:`part_path`.
        count: of all parts.
        write: writes one by its number, whole or not at all.
        workers: threads; decoding and encoding run side by side.
    """
    missing = [part for part in range(count) if not part_path(folder, part).is_file()]
    stop = Event()
    with tqdm(total=count, initial=count - len(missing), desc="prepare", unit="part") as bar:

        def work(part: int) -> None:
            if not stop.is_set():
                write(part)
                bar.update()

        with ThreadPoolExecutor(workers) as pool:
            futures: list[Future[None]] = [pool.submit(work, part) for part in missing]
            try:
                wait(futures, return_when=FIRST_EXCEPTION)
            finally:
                stop.set()
                pool.shutdown(cancel_futures=True)
    for future in futures:
        if not future.cancelled():
            future.result()


@contextmanager
def new_part(path: Path) -> Iterator[zipfile.ZipFile]:
    """A part to fill, which appears whole or not at all; OSError as of :func:`unless_full`."""
    with unless_full(path), replacing(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        yield archive


def label_part(archive: zipfile.ZipFile, labels: dict[str, np.ndarray], skipped: Mapping[str, int]) -> None:
    """Put the labels of a part beside its pictures, and how many were left out for which reason."""
    archive.writestr(_LABELS, npz_bytes(labels))
    archive.writestr(_SKIPPED, json.dumps(skipped))


def read_part(path: Path) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """What :func:`label_part` put into a part.

    Raises:
        ValueError: if the part is damaged; names it.
    """
    try:
        with open_zip(path) as archive:
            labels = read_arrays(io.BytesIO(read_member(archive, _LABELS)))
            return labels, json.loads(read_member(archive, _SKIPPED))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged ({error}): delete it and run the command again") from error


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that appears whole or not at all; OSError as of :func:`unless_full`."""
    with unless_full(path):
        write_atomically(path, data)


@contextmanager
def unless_full(path: Path) -> Iterator[None]:
    """What the disk refuses becomes one sentence.

    Raises:
        OSError: names the file that cannot be written.
    """
    try:
        yield
    except OSError as error:
        again = "what is finished is kept: make room and run the command again"
        raise OSError(f"{path} cannot be written ({error.strerror or error}); {again}") from error
