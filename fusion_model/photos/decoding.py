"""What all kinds of photo files have in common: limits, and one sentence for whatever a decoder stumbles over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import numpy as np
from PIL import Image

from fusion_model.files import printable

MIN_SIDE = 16
MAX_PIXELS = 51_000_000  # cameras of 50 megapixels write 8192 x 6144 or 8160 x 6144


@contextmanager
def decoding(name: str) -> Iterator[None]:
    """Turn errors of a decoder into a ValueError that names the file."""
    try:
        yield
    except MemoryError:
        raise
    except Image.DecompressionBombError as error:
        limit = MAX_PIXELS // 1_000_000
        raise ValueError(f"{name} has too many pixels: at most {limit} megapixels are read") from error
    except Exception as error:  # decoders raise whatever their authors thought of
        reason = f" ({printable(str(error))})" if str(error) else ""
        raise ValueError(
            f"{name} is damaged or cut off and cannot be decoded{reason}: save or upload it again"
        ) from error


def opened(file: BinaryIO, kind: str, name: str) -> Image.Image:
    """Read the header of a file of a kind; ValueError if it is faulty.

    ``Image.open`` would do the same, and warn of large images in words of its own.
    """
    Image.init()
    with decoding(name):
        return Image.OPEN[kind][0](file, "")


def loaded(image: Image.Image, name: str) -> Image.Image:
    """The image with its pixels, after a look at its size; ValueError if it is out of range or faulty."""
    check_size(image.width, image.height, name)
    with decoding(name):
        image.load()
    return image


def check_size(width: int, height: int, name: str) -> None:
    """Refuse what is too small to show a person or too large to hold in memory."""
    if min(width, height) < MIN_SIDE:
        raise ValueError(f"{name} is {width} x {height} pixels: a photo needs at least {MIN_SIDE} on each side")
    if width * height > MAX_PIXELS:
        limit = MAX_PIXELS // 1_000_000
        raise ValueError(
            f"{name} is {width} x {height} pixels: at most {limit} megapixels are read, make it smaller first"
        )


def deep_grey(values: np.ndarray, like: Image.Image) -> Image.Image:
    """A greyscale image of 16 bits from (H, W) numbers from 0 to 65535, with what another says of turn and colours."""
    image = Image.fromarray(values.round().astype(np.uint16))
    image.info = {key: value for key, value in like.info.items() if key != "transparency"}
    return image
