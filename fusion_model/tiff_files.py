"""TIFF files: the kinds of values that Pillow shows as viewers do, and a reason for the others."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np
from PIL import Image, TiffImagePlugin

from fusion_model.decoding import check_size, decoding, deep_grey, loaded, opened

_REDUCED, _BITS, _COLOURS, _SAMPLES, _PLANES, _NUMBERS, _DNG = 254, 258, 262, 277, 284, 339, 50706  # tags
_WHITE_IS_ZERO, _SEPARATE, _SIGNED, _FLOAT = 0, 2, 2, 3  # their values
_COLOUR_SPACES = {8: "CIE Lab", 9: "ICC Lab", 10: "ITU Lab", 32803: "raw", 32844: "LogL", 32845: "LogLuv"}


def is_raw(file: BinaryIO) -> bool:
    """Whether a TIFF file is a raw file of a camera, whose first page is a small preview."""
    try:
        tags = _tags(file, "")
    except ValueError:
        return False
    return tags.get(_REDUCED) == 1 or _DNG in tags


def read_tiff(file: BinaryIO, name: str) -> Image.Image:
    """Decode the first page.

    Raises:
        ValueError: if it is damaged, too small or large, or of a kind that is not read; says which.
    """
    tags = _tags(file, name)
    bits = tags[_BITS][0]
    if reason := _refusal(tags):
        raise ValueError(f"{name} is {reason}")
    image = opened(file, "TIFF", name)
    check_size(*image.size, name)
    if tags[_PLANES] == _SEPARATE and bits == 16 and len(image.getbands()) > 1:
        _decode_by_libtiff(image)
    image = loaded(image, name)
    inverted = tags.get(_COLOURS) == _WHITE_IS_ZERO
    if image.mode.startswith("I;16") and (bits < 16 or inverted):
        values = np.asarray(image) * (65535 / (2**bits - 1))
        return deep_grey(65535 - values if inverted else values, image)
    return image


def _tags(file: BinaryIO, name: str) -> dict[int, Any]:
    """What the file says of its first page."""
    with decoding(name):
        file.seek(0)
        header = file.read(8)
        header += file.read(8) if 43 in header[2:4] else b""  # BigTIFF
        page = TiffImagePlugin.ImageFileDirectory_v2(header)
        file.seek(page.next)
        page.load(file)
        tags = {_BITS: (1,), _NUMBERS: (1,), _PLANES: 1, **page}
        file.seek(0)
    return tags


def _refusal(tags: dict[int, Any]) -> str:
    """Why the first page is not read; empty if it may be."""
    bits, colours = tags[_BITS], tags.get(_COLOURS)
    several, better = len(bits) > 1, "save it with 8 or 16 bits a colour"
    if colours in _COLOUR_SPACES:
        return f"a TIFF in {_COLOUR_SPACES[colours]} colours: save it in RGB"
    if _FLOAT in tags[_NUMBERS]:
        return f"a float TIFF, of which nobody knows what is white: {better}"
    if _SIGNED in tags[_NUMBERS] and bits[0] < 32:  # 32 bits hold those of 16, too: their values tell
        return f"a TIFF of signed numbers: {better}"
    if several and {*bits} - {8, 16}:
        return f"a TIFF with {'/'.join(map(str, bits))} bits a colour: {better}"
    return ""


def _decode_by_libtiff(image: Image.Image) -> None:
    """Let libtiff decode a file that holds one colour after the other: if uncompressed, Pillow takes 16 bits for 8."""
    values = (f"{image.mode};16N", image._compression, False, image.tag_v2.offset)  # noqa: SLF001 - no public way
    image.tile = [image.tile[0]._replace(codec_name="libtiff", extents=(0, 0, *image.size), offset=0, args=values)]
    image.use_load_libtiff = True
