"""Pictures of records: image files, members of zips and LMDB folders, of the size that their labels say."""

from __future__ import annotations

import io
import struct
from collections import Counter

import cv2
import numpy as np
from PIL import Image

from fusion_model.images import MAX_PIXELS
from train.data.decoding import decode
from train.data.readers.caffe import read_image
from train.data.readers.records import Frame, LayoutError
from train.data.zips import open_zip, read_member

_ORIENTATION = 0x0112  # of EXIF: 1 as stored, 2 to 4 mirrored or upside down, 5 to 8 on the side
_NO_HEADER = (OSError, SyntaxError, ValueError, TypeError, LookupError, OverflowError, struct.error)
_AS_STORED = "a turn of a photo by EXIF, since the labels fit it as stored or do not say (the photo is kept)"


def read_picture(frame: Frame, section: str, skipped: Counter[str]) -> np.ndarray:
    """An image (H, W, 3) uint8 BGR, one in a zip, or one in an LMDB folder.

    Labels are pixels of the file as it is stored, as those of the sets as distributed are, unless they announce the
    size that it has only when it is turned by its EXIF entry: then it is.

    Args:
        frame: where it lies, and the size that the labels announce; its path ends in ``.lmdb`` for such a folder.
        section: of DATASETS.md, for messages.
        skipped: counts photos whose EXIF entry would turn them, but which are read as stored.

    Raises:
        LayoutError: if it is missing or damaged, or of another size.
    """
    if frame.path.suffix == ".lmdb":
        return read_image(frame.path, frame.member.encode("latin-1"), section)
    where = frame.path / frame.member if frame.member else frame.path
    data = _read(frame, section)
    pixels, orientation = _header(data)
    if pixels > MAX_PIXELS:
        most = f"at most {MAX_PIXELS // 1_000_000} megapixels: leave it out"
        raise LayoutError(where, "the photo announces more pixels than are read", most, section)
    image = decode(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        raise LayoutError(where, f"{len(data)} bytes that are no photo", "a JPEG or PNG: unpack it again", section)
    height, width = image.shape[:2]
    if frame.size in (None, (width, height)):
        skipped.update([_AS_STORED] if orientation != 1 else [])
        return image
    sideways = 5 <= orientation <= 8
    if sideways and frame.size == (height, width):
        return decode(data, cv2.IMREAD_COLOR)
    turned = f" ({height} x {width} as its EXIF entry turns it)" if sideways else ""
    expected = f"{frame.size[0]} x {frame.size[1]} as its labels say: unpack photos and labels again"
    raise LayoutError(where, f"the photo has {width} x {height} pixels{turned}", expected, section)


def _read(frame: Frame, section: str) -> bytes:
    """The bytes of an image."""
    try:
        if not frame.member:
            return frame.path.read_bytes()
        with open_zip(frame.path) as archive:
            return read_member(archive, frame.member)
    except (OSError, ValueError) as error:
        where = frame.path / frame.member if frame.member else frame.path
        raise LayoutError(where, f"cannot be read ({error})", "a photo: unpack the archive again", section) from error


def _header(data: bytes) -> tuple[int, int]:
    """How many pixels an image announces, 0 where Pillow cannot tell, and how its EXIF entry wants it turned."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            # Asking a PNG without an entry for it would decode the picture.
            return image.width * image.height, image.getexif().get(_ORIENTATION, 1) if "exif" in image.info else 1
    except Image.DecompressionBombError:
        return 2 * MAX_PIXELS, 1
    except _NO_HEADER:
        return 0, 1
