"""Files of photos: their kind by their content, and the picture in them as a viewer shows it."""

from __future__ import annotations

import io
import re
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageChops

from fusion_model.files import printable
from fusion_model.photos.decoding import MAX_PIXELS, check_size, decoding, deep_grey, loaded, opened
from fusion_model.photos.stripping import JPEG_END, JpegBytes, PngBytes, read_jpeg, read_png
from fusion_model.photos.tiff import is_raw, read_tiff

MAX_BYTES = 12 * MAX_PIXELS  # 16 bits of four channels, uncompressed, and half as much again
MAX_TEXT_BYTES = 20_000_000  # of the PPM files that spell their numbers out, for which Pillow takes 5 seconds
MAX_JPEG_SCANS = 100  # encoders write about ten; each goes through all pixels, however few its bytes are
KINDS = "JPEG, PNG, WebP, AVIF, GIF, BMP or TIFF"
_HEADS = (
    ("JPEG", rb"\xff\xd8\xff"),
    ("PNG", rb"\x89PNG\r\n\x1a\n"),
    ("GIF", rb"GIF8[79]a"),
    ("WEBP", rb"RIFF.{4}WEBP"),
    ("RAW", rb"II\*\0.{4}CR|FUJIFILMCCD-RAW|.{4}ftypcrx"),  # of Canon and Fujifilm; the others are TIFF files
    ("TIFF", rb"II[\x2a\x2b]\0|MM\0[\x2a\x2b]"),
    ("BMP", rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0"),  # the size of its header: text may begin with BM, too
    ("PPM", rb"P[1-6](\s|#[^\n]*\n)+\d+(\s|#[^\n]*\n)+\d+\s"),  # whole: comments without end take Pillow long
    ("AVIF", rb".{4}ftyp(.{4}){,12}?avi[fs]"),
    ("HEIC", rb".{4}ftyp(.{4}){,12}?(hei[cxms]|hev[cx]|mif1|msf1)"),
)
_DARK_BITS = 12  # of 16; a photo that needs no more of the upper ones would be black
_PIXELS = bytes(range(1, 255, 3))  # nothing that a decoder would take for a marker
_MORE_SCAN = _PIXELS + b"".join(bytes((0xFF, 0xD0 + n)) + _PIXELS for n in range(8))  # whatever restart is awaited


def kind_of(path: Path) -> str | None:
    """The kind of picture that a file holds, whatever its name: JPEG, PNG, ..., HEIC, RAW; None for anything else."""
    with path.open("rb") as file:
        head = file.read(4096)
        kind = next((kind for kind, pattern in _HEADS if re.match(pattern, head, re.DOTALL)), None)
        return "RAW" if kind == "TIFF" and is_raw(file) else kind


def is_photo(path: Path) -> bool:
    """Whether a file is worth an attempt: its content is that of a photo, or its name; raw files of cameras are not."""
    try:
        kind = kind_of(path)
    except OSError:
        return True  # reading it will say why not
    return kind != "RAW" if kind else path.suffix.lower() in _suffixes()


def _suffixes() -> set[str]:
    """The endings of the names of photos, in small letters."""
    kinds = {kind for kind, _ in _HEADS}
    return {suffix for suffix, kind in Image.registered_extensions().items() if kind in kinds} | {".heic", ".heif"}


def read_picture(path: Path, name: str | None = None) -> Image.Image:
    """Decode the picture of a file, of an animated one the first frame; its size is checked before its pixels are read.

    Args:
        path: of the file.
        name: what messages call the photo; the file's name without.

    Returns:
        The picture as it is stored; ``info["exif"]`` says how to turn it.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no photo that can be read; says what was found.
    """
    name = name or printable(path.name)
    _check_file(path, name)
    kind = kind_of(path)
    if kind is None:
        raise ValueError(f"{name} is not a photo that can be read: expected {KINDS}")
    if kind == "RAW":
        raise ValueError(f"{name} is a raw file of a camera: develop it and save it as JPEG")
    if kind == "HEIC":
        return _heic(path, name)
    if kind in ("JPEG", "PNG"):
        with decoding(name):
            parts = (read_jpeg if kind == "JPEG" else read_png)(path.read_bytes())
        return _jpeg(parts, name) if isinstance(parts, JpegBytes) else _png(parts, name)
    if kind == "TIFF":
        return read_tiff(path.read_bytes(), name)
    with path.open("rb") as file:
        if file.read(2) in (b"P1", b"P2", b"P3") and path.stat().st_size > MAX_TEXT_BYTES:
            limit = MAX_TEXT_BYTES // 1_000_000
            raise ValueError(f"{name} is a PPM photo in text of more than {limit} MB: save it as PNG")
        file.seek(0)
        return loaded(opened(file, kind, name), name)


def _check_file(path: Path, name: str) -> None:
    """Refuse what is not there, empty, or larger than any photo."""
    if not path.is_file():
        raise FileNotFoundError(f"no photo at {printable(str(path))}")
    size = path.stat().st_size
    if size == 0:
        raise ValueError(f"{name} is an empty file: expected {KINDS}")
    if size > MAX_BYTES:
        raise ValueError(f"{name} has {size // 1_000_000} MB: at most {MAX_BYTES // 1_000_000} MB are read")


def _jpeg(jpeg: JpegBytes, name: str) -> Image.Image:
    """Decode a JPEG file if its scans hold the whole picture, with or without an end marker."""
    count = len(jpeg.scan_headers)
    if count > MAX_JPEG_SCANS:
        raise ValueError(f"{name} holds {count} scans of its picture: at most {MAX_JPEG_SCANS} are decoded")
    image = loaded(opened(io.BytesIO(jpeg.content + JPEG_END), "JPEG", name), name)
    if jpeg.arithmetic and jpeg.has_end:  # it leaves out zeros at its end, and takes all that follows for pixels
        return image
    with decoding(name):
        first = _lacking_line(jpeg, image)
        complete = jpeg.scans_are_complete
    if first is not None or not complete:
        lost = f"all below line {first} of {image.height} is missing" if first is not None else "details are missing"
        raise ValueError(f"{name} is cut off ({lost}): save or upload it again")
    return image


def _lacking_line(jpeg: JpegBytes, image: Image.Image) -> int | None:
    """The first line of a decoded picture that the scans do not reach; None if they hold all lines.

    The last scan is decoded again with something else behind it: what differs is not in the file. An eighth of the size
    tells it in a third of the time, but not the details that scans refine, nor less than a block.
    """
    first, other = image, Image.open(io.BytesIO(jpeg.content + _MORE_SCAN + JPEG_END))
    if jpeg.has_end and not jpeg.progressive:
        first = Image.open(io.BytesIO(jpeg.content + JPEG_END))
        for one in (first, other):
            one.draft(None, (1, 1))
    changed = ImageChops.difference(first, other).getbbox()
    return changed and changed[1] * image.height // first.height


def _png(png: PngBytes, name: str) -> Image.Image:
    """Decode a PNG file; a transparent colour, which Pillow takes as it stands, is scaled as the pixels are."""
    image = loaded(opened(io.BytesIO(png.content), "PNG", name), name)
    image.info["icc_profile"] = png.profile
    clear = image.info.get("transparency")
    if image.mode == "RGB" and png.bit_depth == 16 and clear is not None:
        image.info["transparency"] = tuple(value >> 8 for value in clear)
    if image.mode == "L" and png.bit_depth < 8 and clear is not None:
        image.info["transparency"] = clear * 255 // (2**png.bit_depth - 1)
    if png.bit_depth == 16 and png.significant_bits < 16:
        return _of_fewer_bits(image, png, name)
    return image


def _of_fewer_bits(image: Image.Image, png: PngBytes, name: str) -> Image.Image:
    """Scale grey values that fill the lower bits of 16, not the upper ones as the format wants; refuse such colours."""
    bits = png.significant_bits
    if image.mode == "I;16":
        values = np.asarray(image)
        return deep_grey(values * (65535 / (2**bits - 1)), image) if _are_low(values, bits) else image
    if np.asarray(image)[:, :, :3].max() >= 2 ** max(bits - 8, 0):  # Pillow keeps the upper 8 of 16
        return image
    values = cv2.imdecode(np.frombuffer(png.content, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is not None and _are_low(values[:, :, :3], bits):
        raise ValueError(f"{name} uses the lower {bits} of 16 bits and would be black: save it with 8 bits a colour")
    return image


def _are_low(values: np.ndarray, bits: int) -> bool:
    """Whether 16-bit values, of which so many bits count, fill the lower ones: they use bits that would be empty."""
    return values.max() < 2**bits and (bits <= _DARK_BITS or bool((values % 2 ** (16 - bits)).any()))


def _heic(path: Path, name: str) -> Image.Image:
    """Decode a photo of a telephone, if the package for it is there."""
    try:
        import pi_heif  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise ValueError(
            f"{name} is a HEIC photo, which only the package pi-heif reads: install it, or save the photo as JPEG"
        ) from error
    with decoding(name):
        photo = pi_heif.open_heif(path)
        size = photo.size
    check_size(*size, name)
    with decoding(name):
        return photo.to_pillow()
