"""Small photos and clips of many kinds, and their mutations: what the fuzz run reads."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image, features

Mutation = Callable[[bytearray, np.random.Generator], bytearray]
_EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)  # where sizes break
_HEAD = 600  # bytes in which most sizes stand
_CODECS = (("mp4", "libx264"), ("mov", "mjpeg"), ("matroska", "mpeg4"), ("webm", "libvpx-vp9"), ("avi", "mpeg4"))
_ENDINGS = {"matroska": "mkv"}
_PNG = b"\x89PNG\r\n\x1a\n"


def photo_seeds(example: Path) -> dict[str, bytes]:
    """Photos of 96 x 112 pixels by name, one for each way to store them."""
    rgb = Image.open(example).convert("RGB").resize((96, 112))
    alpha, exif = rgb.copy(), Image.Exif()
    alpha.putalpha(rgb.convert("L"))
    exif[0x0112], exif[0x010E] = 6, "a person"
    deep = Image.fromarray(np.asarray(rgb.convert("L")).astype(np.uint16) * 257)
    several = {"save_all": True, "append_images": [rgb.rotate(90).resize(rgb.size)] * 2, "duration": 40}
    ways = [
        ("plain.jpg", rgb, {"exif": exif, "comment": "a comment"}),
        ("progressive.jpg", rgb, {"progressive": True, "dpi": (72, 72)}),
        ("grey.jpg", rgb.convert("L"), {}),
        ("cmyk.jpg", rgb.convert("CMYK"), {}),
        ("two.mpo", rgb, {"format": "MPO", "save_all": True, "append_images": [rgb]}),
        ("plain.png", rgb, {"exif": exif}),
        ("alpha.png", alpha, {}),
        ("palette.png", rgb.convert("P"), {"transparency": 3}),
        ("deep.png", deep, {}),
        ("bits.png", rgb.convert("1"), {}),
        ("moving.png", rgb, several),
        ("moving.gif", rgb, several),
        ("lossy.webp", rgb, {"exif": exif}),
        ("lossless.webp", alpha, {"lossless": True}),
        ("moving.webp", rgb, several),
        ("raw.tif", rgb, {}),
        ("lzw.tif", alpha, {"compression": "tiff_lzw"}),
        ("deep.tif", deep, {"compression": "tiff_deflate"}),
        ("pages.tif", rgb, {"save_all": True, "append_images": [rgb.convert("L")]}),
        ("plain.bmp", rgb, {}),
        ("plain.ppm", rgb, {}),
    ]
    if features.check("avif"):
        ways.append(("plain.avif", rgb, {}))
    return {name: _saved(image, name, options) for name, image, options in ways}


def _saved(image: Image.Image, name: str, options: dict[str, object]) -> bytes:
    """The bytes of a photo's file."""
    file = io.BytesIO()
    image.save(file, **{"format": Image.registered_extensions()[Path(name).suffix], **options})
    return file.getvalue()


def clip_seeds(folder: Path) -> dict[str, bytes]:
    """Clips of 12 frames of 64 x 48 pixels by name, one for each container that is read."""
    made = {}
    for container, codec in _CODECS:
        path = folder / f"{codec}.{_ENDINGS.get(container, container)}"
        with av.open(str(path), "w", format=container) as output:
            stream = output.add_stream(codec, rate=Fraction(12))
            stream.width, stream.height = 64, 48
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            stream.gop_size = 4
            for number in range(12):
                picture = np.full((48, 64, 3), 40, np.uint8)
                picture[12:36, 4 * number : 4 * number + 12] = 220
                output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            output.mux(stream.encode(None))
        made[path.name] = path.read_bytes()
        path.unlink()
    return made


def mutated(seeds: dict[str, bytes], generator: np.random.Generator) -> tuple[str, bytes]:
    """One of the files, changed in one to four places: its name and bytes."""
    names = sorted(seeds)
    name = names[int(generator.integers(len(names)))]
    data = bytearray(seeds[name])
    for _ in range(int(generator.integers(1, 5))):
        data = _MUTATIONS[int(generator.integers(len(_MUTATIONS)))](data, generator)
    if generator.random() < 0.1:  # the end of another file
        other = seeds[names[int(generator.integers(len(names)))]]
        data += other[int(generator.integers(len(other))) :]
    if data.startswith(_PNG) and generator.random() < 0.8:
        data = _with_checksums(data)
    return name, bytes(data)


def _flip_bits(data: bytearray, generator: np.random.Generator) -> bytearray:
    """Some bits anywhere."""
    for place in generator.integers(0, max(1, len(data)), int(generator.integers(1, 20))):
        data[place : place + 1] = bytes(one ^ (1 << int(generator.integers(8))) for one in data[place : place + 1])
    return data


def _write_edge(data: bytearray, generator: np.random.Generator) -> bytearray:
    """A number at which sizes break, near the start."""
    value, width = _EDGES[int(generator.integers(len(_EDGES)))], int(generator.choice([1, 2, 4]))
    place = int(generator.integers(0, max(1, min(len(data), _HEAD))))
    order = "big" if generator.random() < 0.5 else "little"
    data[place : place + width] = (value & (256**width - 1)).to_bytes(width, order)
    return data


def _cut(data: bytearray, generator: np.random.Generator) -> bytearray:
    """The end is missing."""
    return data[: int(generator.integers(0, len(data) + 1))]


def _remove(data: bytearray, generator: np.random.Generator) -> bytearray:
    """A stretch is missing."""
    start, end = _stretch(data, generator)
    return data[:start] + data[end:]


def _repeat(data: bytearray, generator: np.random.Generator) -> bytearray:
    """A stretch is there twice."""
    start, end = _stretch(data, generator)
    return data[:end] + data[start:]


def _blank(data: bytearray, generator: np.random.Generator) -> bytearray:
    """A stretch is zero."""
    start, end = _stretch(data, generator)
    data[start:end] = bytes(end - start)
    return data


def _noise(data: bytearray, generator: np.random.Generator) -> bytearray:
    """A stretch is noise."""
    start, end = _stretch(data, generator)
    data[start:end] = generator.bytes(end - start)
    return data


def _stretch(data: bytearray, generator: np.random.Generator) -> tuple[int, int]:
    """Start and end of up to a quarter of the file, short ones more often."""
    start = int(generator.integers(0, len(data) + 1))
    return start, min(len(data), start + int(len(data) / 4 * generator.random() ** 3) + 1)


_MUTATIONS: Sequence[Mutation] = (_flip_bits, _write_edge, _write_edge, _cut, _remove, _repeat, _blank, _noise)


def _with_checksums(data: bytearray) -> bytearray:
    """A PNG whose checksums are right, so that decoders look into its chunks."""
    place = len(_PNG)
    while place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        end = place + 8 + length
        if end + 4 > len(data):
            break
        struct.pack_into(">I", data, end, zlib.crc32(data[place + 4 : end]))
        place = end + 4
    return data
