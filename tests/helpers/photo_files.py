"""Files of photos byte by byte, as no ordinary program writes them."""

import io
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from fusion_model.files import printable
from fusion_model.images import load_photo

RNG = np.random.default_rng(0)
PHOTO = np.repeat(np.repeat(RNG.integers(0, 256, (4, 6, 3), np.uint8), 8, 0), 8, 1)  # 48 wide, 32 high
GREY = PHOTO[:, :, 0]
NOISE = RNG.integers(0, 256, (200, 300, 3), np.uint8)
HEIC = (Path(__file__).parent / "telephone.heic").read_bytes()
"""A telephone's photo, 48 wide and 64 high once it is turned: white top right, red top left, blue below."""


def read(tmp_path, content, name="me.jpg"):
    """The photo of a file with that content."""
    path = tmp_path / name
    path.write_bytes(content)
    return load_photo(path)


def encoded(image, kind="JPEG", **options):
    """The bytes of a file that Pillow writes."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def refusal(tmp_path, content, name="me.jpg"):
    """The one line with which a file is refused, which names it."""
    with pytest.raises(ValueError, match=re.escape(printable(name))) as error:
        read(tmp_path, content, name)
    assert "\n" not in str(error.value)
    return str(error.value)


def rows(array):
    """Those of a PNG file, whose values have the upper byte first."""
    return [row.astype(array.dtype.newbyteorder(">")).tobytes() for row in array]


def png(width, height, colour_type, depth, rows, before=(), after=(), end=True):
    """A PNG file of those rows of bytes, with chunks (kind, data) before and after the pixels.

    The colour type is 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA; ``depth`` counts the bits of a sample.
    """
    header = (b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0))
    pixels = (b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
    chunks = (header, *before, pixels, *after, *([(b"IEND", b"")] if end else []))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)


def chunk(kind, data):
    """A chunk of a PNG file, with its check sum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def tiff(planes, photometric, *, separate=False, packed=False, bits=None, numbers=1, order="<", tags=()):
    """A TIFF file of planes (C, H, W), of one strip or, separate, of one a colour; deflated where it is packed.

    ``photometric`` is 0 white is zero, 1 black is zero, 2 RGB, 8 Lab; ``numbers`` 1 unsigned, 2 signed, 3 float. Where
    ``bits`` of a value are not those of the type, ``planes`` holds the bytes. ``tags`` are more (number, type, values).
    """
    count, height, width = planes.shape
    width = width if bits is None else width * 8 // bits
    data = planes if separate else planes.transpose(1, 2, 0)[None]
    strips = [one.astype(one.dtype.newbyteorder(order)).tobytes() for one in data]
    strips = [zlib.compress(one) for one in strips] if packed else strips
    places = np.cumsum([8, *map(len, strips)]).tolist()
    entries = [
        (256, 4, [width]), (257, 4, [height]), (258, 3, [bits or 8 * planes.itemsize] * count),
        (259, 3, [8 if packed else 1]), (262, 3, [photometric]), (273, 4, places[:-1]), (277, 3, [count]),
        (278, 4, [height]), (279, 4, [len(one) for one in strips]), (284, 3, [2 if separate else 1]),
        (339, 3, [numbers] * count), *tags,
    ]  # fmt: skip
    page, far, after = b"", b"", places[-1] + 2 + 12 * len(entries) + 4
    for number, kind, values in sorted(entries):
        value = struct.pack(order + {3: "H", 4: "I"}[kind] * len(values), *values)
        if len(value) > 4:
            value, far = struct.pack(order + "I", after + len(far)), far + value
        page += struct.pack(order + "HHI", number, kind, len(values)) + value.ljust(4, b"\0")
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "I", places[-1])
    return head + b"".join(strips) + struct.pack(order + "H", len(entries)) + page + bytes(4) + far
