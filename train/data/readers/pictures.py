"""Pictures of records: image files, members of zips and LMDB folders, of the size that their labels say."""

from __future__ import annotations

import io
import struct
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from fusion_model.images import MAX_PIXELS, load_photo
from fusion_model.photos import files
from fusion_model.photos.tiff import orientation
from train.data.photos import decode
from train.data.readers.caffe import read_image
from train.data.readers.records import Frame, LayoutError
from train.data.zips import open_zip, read_member

_NO_HEADER = (OSError, SyntaxError, ValueError, TypeError, LookupError, OverflowError, struct.error)
_AS_STORED = "a turn of a photo by EXIF, since the labels fit it as stored or do not say (the photo is kept)"


def read_picture(frame: Frame, skipped: Counter[str]) -> np.ndarray:
    """An image (H, W, 3) uint8 BGR, one in a zip, or one in an LMDB folder.

    Labels are pixels of the file as it is stored, as those of the sets as distributed are, unless they announce the
    size that it has only when it is turned by its EXIF entry: then it is.

    Args:
        frame: where it lies, and the size that the labels announce; its path ends in ``.lmdb`` for such a folder.
        skipped: counts photos whose EXIF entry would turn them, but which are read as stored.

    Raises:
        ValueError: if it is missing, damaged or no photo that can be read, or of another size.
    """
    if frame.path.suffix == ".lmdb":
        return read_image(frame.path, frame.member.encode("latin-1"))
    if frame.member:
        return _read_member(frame.path, frame.member)
    try:
        return _read_file(frame, skipped)
    except LayoutError:
        raise
    except OSError as error:
        raise LayoutError(frame.path, f"cannot be read ({error})", "a photo: unpack it again") from error
    except ValueError as error:
        raise LayoutError(frame.path, str(error)) from error


def _read_file(frame: Frame, skipped: Counter[str]) -> np.ndarray:
    """A photo, decoded as everywhere else; ValueError if it is none that can be read."""
    image = files.read_picture(frame.path, "it")
    turn, size = orientation(image), image.size
    sideways = turn >= 5
    as_stored = frame.size in (None, size)
    if not as_stored and not (sideways and frame.size == size[::-1]):
        turned = f" ({size[1]} x {size[0]} as its EXIF entry turns it)" if sideways else ""
        expected = f"{frame.size[0]} x {frame.size[1]} as its labels say: unpack photos and labels again"
        raise LayoutError(frame.path, f"the photo has {size[0]} x {size[1]} pixels{turned}", expected)
    if as_stored and turn != 1:
        skipped[_AS_STORED] += 1
    return cv2.cvtColor(load_photo(image, turn=not as_stored), cv2.COLOR_RGB2BGR)


def _read_member(path: Path, member: str) -> np.ndarray:
    """A picture of a zip that ``train.synthesize`` wrote: a plain JPEG, which OpenCV decodes faster than Pillow."""
    where = path / member
    try:
        with open_zip(path) as archive:
            data = read_member(archive, member)
    except (OSError, ValueError) as error:
        raise LayoutError(where, f"cannot be read ({error})", "a photo: unpack the archive again") from error
    if _pixels(data) > MAX_PIXELS:
        most = f"at most {MAX_PIXELS // 1_000_000} megapixels: leave it out"
        raise LayoutError(where, "the photo announces more pixels than are read", most)
    if (image := decode(data)) is None:
        raise LayoutError(where, f"{len(data)} bytes that are no photo", "a JPEG: unpack it again")
    return image


def _pixels(data: bytes) -> int:
    """How many pixels an image announces, 0 where Pillow cannot tell."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.width * image.height
    except Image.DecompressionBombError:
        return 2 * MAX_PIXELS
    except _NO_HEADER:
        return 0
