"""Photos in zip files, which are read where they lie: nothing is unpacked to a disk."""

from __future__ import annotations

import lzma
import threading
import zipfile
import zlib
from pathlib import Path

# What reading a damaged archive raises.
_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, LookupError, NotImplementedError, RuntimeError)


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
        except (OSError, ValueError, *_DAMAGE) as error:
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
