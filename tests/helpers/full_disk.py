"""A disk that fills up while a set is prepared."""

import errno
import os
import zipfile
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def full_at(name):
    """The disk is full when a file of that name is to appear."""
    replace = Path.replace

    def replaced(path, target):
        if Path(target).name == name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return replace(path, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", replaced)
        yield


@contextmanager
def full_after(crops):
    """The disk is full after so many crops."""
    write, left = zipfile.ZipFile.writestr, iter(range(crops))

    def writestr(archive, *arguments, **options):
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(archive, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "writestr", writestr)
        yield
