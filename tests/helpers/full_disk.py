"""A disk that fills up while a set is prepared."""

import errno
import os
import zipfile
from contextlib import contextmanager
from pathlib import Path

import pytest


def _full():
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextmanager
def full_at(name):
    """The disk is full when a file of that name is to appear."""
    replace = Path.replace
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", lambda path, to: _full() if Path(to).name == name else replace(path, to))
        yield


@contextmanager
def full_after(crops):
    """The disk is full after so many crops."""
    write, left = zipfile.ZipFile.writestr, iter(range(crops))

    def written(*arguments, **options):
        return _full() if next(left, None) is None else write(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "writestr", written)
        yield
