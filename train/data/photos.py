"""Photos in zip files, which are read where they lie and decoded in memory: nothing is unpacked to a disk."""

from __future__ import annotations

import threading
import zipfile
from pathlib import Path

import cv2
import numpy as np


class ZipReader:
    """Reads members of zip files from several threads, each of which keeps the file open that it read last.

    Args:
        what: a member is, for the message.
        advice: how a damaged file is mended.
    """

    def __init__(self, what: str, advice: str) -> None:
        self._what, self._advice, self._local = what, advice, threading.local()

    def __call__(self, path: Path, member: str) -> bytes:
        """The bytes of a member; ValueError if the file is damaged or missing, or lacks it."""
        try:
            if getattr(self._local, "path", None) != path:
                self._local.file, self._local.path = zipfile.ZipFile(path), path
            return self._local.file.read(member)
        except Exception as error:  # a damaged archive raises errors of many kinds
            raise ValueError(f"{path}: {self._what} {member} cannot be read ({error}): {self._advice}") from error


def read_member(path: Path, member: str) -> bytes:
    """The bytes of a member of a file that is opened for it; ValueError as of :class:`ZipReader`."""
    return ZipReader("member", "unpack the archive again")(path, member)


def archive_beside(labels: Path, what: str) -> Path:
    """The zip of a pack that is named by its npz file; FileNotFoundError if one of them is missing."""
    archive = labels.with_suffix(".zip")
    for path in (labels, archive):
        if not path.is_file():
            expected = f"a pack of {what} is an npz file with a zip of the same name beside it"
            raise FileNotFoundError(f"{path} not found: {expected}")
    return archive


def decode_rgb(data: bytes, what: str) -> np.ndarray:
    """(H, W, 3) uint8 RGB of such a file; ValueError that names ``what`` it is if it is none."""
    image = decode(data)
    if image is None:
        raise ValueError(f"{what} cannot be decoded; expected a JPEG, PNG or WebP file")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def decode(data: bytes) -> np.ndarray | None:
    """(H, W, 3) uint8 BGR of a JPEG, PNG or WebP file; None if it is none, or has more pixels than OpenCV reads."""
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    except cv2.error:
        return None
