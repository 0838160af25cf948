"""Photos in zip files."""

from __future__ import annotations

import threading
import zipfile
from pathlib import Path


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
        except (OSError, zipfile.BadZipFile, KeyError) as error:
            raise ValueError(f"{path}: {self._what} {member} cannot be read ({error}): {self._advice}") from error
