"""TIFF files: the kinds of values that Pillow shows as viewers do, and a reason for the others."""

from __future__ import annotations

import io
import struct
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, TiffImagePlugin

from fusion_model.photos.decoding import check_size, decoding, deep_grey, loaded, opened

_REDUCED, _BITS, _COLOURS, _PLANES, _NUMBERS, _DNG = 254, 258, 262, 284, 339, 50706  # tags
_TURN, _PROFILE = 274, 34675
_EXIF = struct.pack("<2sHIHHHI", b"II", 42, 8, 1, _TURN, 3, 1)  # with a single entry, whose value follows
_PICTURE = {
    *(_REDUCED, 255, 256, 257, _BITS, 259, _COLOURS, 266, 273, 277, 278, 279, _PLANES),  # size, values and strips
    *(292, 293, 317, 320, 322, 323, 324, 325, 332, 334, 338, _NUMBERS, 347),  # fax, palette, tiles, channels, JPEG
    *range(512, 522), *range(529, 533), 50674, _DNG,  # old JPEG, YCbCr, LERC
}  # fmt: skip
_WHITE_IS_ZERO, _YCBCR, _SEPARATE, _SIGNED, _FLOAT = 0, 6, 2, 2, 3  # their values
_USUAL = {_REDUCED: 0, _BITS: (1,), _COLOURS: None, _PLANES: 1, _NUMBERS: (1,), _DNG: None}
_COLOUR_SPACES = {8: "CIE Lab", 9: "ICC Lab", 10: "ITU Lab", 32803: "raw", 32844: "LogL", 32845: "LogLuv"}


def is_raw(file: BinaryIO) -> bool:
    """Whether a TIFF file is a raw file of a camera, whose first page is a small preview."""
    page = _numbers(file)
    return _DNG in page or page.get(_REDUCED) == 1


def orientation(image: Image.Image) -> int:
    """How a picture is to be turned, 1 to 8, by its EXIF data, which is built like a TIFF file; 1 if it is broken."""
    exif = image.info.get("exif")
    turn = _numbers(io.BytesIO(exif.removeprefix(b"Exif\0\0"))).get(_TURN) if isinstance(exif, bytes) else None
    return turn if turn in range(1, 9) else 1


def read_tiff(data: bytes, name: str) -> Image.Image:
    """Decode the first page of a file, as it is stored; its EXIF entry says how to turn it, as those of other kinds do.

    Raises:
        ValueError: if it is damaged, too small or large, or of a kind that is not read; says which.
    """
    with decoding(name):
        file = _without_metadata(data)
    tags = _tags(file, name)
    bits = tags[_BITS][0]
    if reason := _refusal(tags):
        raise ValueError(f"{name} is {reason}")
    image = opened(file, "TIFF", name)
    check_size(*image.size, name)
    if tags[_PLANES] == _SEPARATE and bits == 16 and len(image.getbands()) > 1:
        _decode_by_libtiff(image, f"{image.mode};16N")  # if uncompressed, Pillow takes 16 bits for 8
    if tags[_COLOURS] == _YCBCR and image.tile and image.tile[0].codec_name == "raw":
        _decode_by_libtiff(image, "RGBX")  # Pillow takes three bytes for four
    image = loaded(image, name)
    image.info["exif"] = _EXIF + struct.pack("<I", _numbers(io.BytesIO(data)).get(_TURN) or 1) + bytes(4)
    inverted = tags[_COLOURS] == _WHITE_IS_ZERO
    if image.mode.startswith("I;16") and (bits < 16 or inverted):
        values = np.asarray(image) * (65535 / (2**bits - 1))
        return deep_grey(65535 - values if inverted else values, image)
    return image


def _numbers(file: BinaryIO) -> dict[int, int | None]:
    """The whole numbers of the first page by their tags; None for other values. Those behind a fault are missing."""
    found: dict[int, int | None] = {}
    try:
        order, _, entries = _entries(file)
        for one in entries:
            tag, kind, count = struct.unpack(f"{order}HHI", one[:8])
            form = {3: "H2x", 4: "I"}.get(kind) if count == 1 else None
            found[tag] = struct.unpack(order + form, one[8:])[0] if form else None
    except struct.error:
        pass
    return found


def _without_metadata(data: bytes) -> io.BytesIO:
    """The file with only those tags of its first page that make the picture; a BigTIFF file as it is."""
    file = io.BytesIO(data)
    order, start, entries = _entries(file)
    if entries:
        kept = [one for one in entries if _is_needed(*struct.unpack(f"{order}HHII", one), len(data))]
        file.seek(start)
        file.write(struct.pack(f"{order}H", len(kept)) + b"".join(kept) + bytes(4))  # no further page
    return file


def _entries(file: BinaryIO) -> tuple[str, int, list[bytes]]:
    """The byte order, where the first page is described, and its entries of 12 bytes; of a BigTIFF file none."""
    file.seek(0)
    head = file.read(8)
    order = "<" if head.startswith(b"II") else ">"
    version, start = struct.unpack(f"{order}2xHI", head)
    if version != 42:
        return order, start, []
    file.seek(start)
    (count,) = struct.unpack(f"{order}H", file.read(2))
    return order, start, [file.read(12) for _ in range(count)]


def _is_needed(tag: int, kind: int, count: int, place: int, size: int) -> bool:
    """Whether a tag is needed to show the picture as it is meant, and of those that are metadata, whole."""
    if tag == _PROFILE:
        return kind in (1, 7) and place + count <= size
    return tag in _PICTURE


def _tags(file: BinaryIO, name: str) -> dict[int, Any]:
    """What the file says of its first page."""
    with decoding(name):
        file.seek(0)
        header = file.read(8)
        header += file.read(8) if 43 in header[2:4] else b""  # BigTIFF
        page = TiffImagePlugin.ImageFileDirectory_v2(header)
        file.seek(page.next)
        page.load(file)
        tags = {number: page.get(number, usual) for number, usual in _USUAL.items()}
        file.seek(0)
    return tags


def _refusal(tags: dict[int, Any]) -> str:
    """Why the first page is not read; empty if it may be."""
    bits, colours = tags[_BITS], tags[_COLOURS]
    several, better = len(bits) > 1, "save it with 8 or 16 bits a colour"
    if colours in _COLOUR_SPACES:
        return f"a TIFF in {_COLOUR_SPACES[colours]} colours: save it in RGB"
    if _FLOAT in tags[_NUMBERS]:
        return f"a float TIFF, of which nobody knows what is white: {better}"
    if _SIGNED in tags[_NUMBERS] and bits[0] < 32:  # 32 bits hold those of 16, too: their values tell
        return f"a TIFF of signed numbers: {better}"
    if several and {*bits} - {8, 16}:
        shown = "/".join(map(str, bits[:4])) + ("/..." if len(bits) > 4 else "")
        return f"a TIFF with {shown} bits a colour: {better}"
    return ""


def _decode_by_libtiff(image: Image.Image, values: str) -> None:
    """Let libtiff decode a file that Pillow would misread, to values of a kind."""
    how = (values, image._compression, False, image.tag_v2.offset)  # noqa: SLF001 - no public way
    image.tile = [image.tile[0]._replace(codec_name="libtiff", extents=(0, 0, *image.size), offset=0, args=how)]
    image.use_load_libtiff = True
