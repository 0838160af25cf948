"""The bytes of JPEG and PNG files that make the picture: metadata, whole or broken, is left out before decoding."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass

from fusion_model.photos.colours import MAX_PROFILE_BYTES

MAX_PIECES = 1_000_000  # an animation of 100,000 frames has 200,000
JPEG_END = b"\xff\xd9"
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]", re.DOTALL)
_SOS, _EOI, _SOF = 0xDA, 0xD9, {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE, _ARITHMETIC = (0xC2, 0xC6, 0xCA, 0xCE), range(0xC9, 0xD0)
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_HELPERS = (b"tRNS", b"sBIT", b"eXIf", b"iCCP")  # without them a picture is decoded, but not as it is meant


@dataclass(frozen=True)
class JpegBytes:
    """A JPEG file without its metadata and without what lies behind its end.

    Attributes:
        header: all before the first scan; of the metadata only JFIF, EXIF, the colour profile and Adobe's colour space.
        scans: the pixels; to the end of the file if there is no end marker.
        scan_headers: what each scan says of itself.
        frame: what the header says of size and components; empty if there is nothing.
        progressive: whether the scans refine one another.
        arithmetic: whether its numbers are coded so, not by Huffman's way.
        has_end: whether there is an end marker.
    """

    header: bytes
    scans: bytes
    scan_headers: list[bytes]
    frame: bytes
    progressive: bool
    arithmetic: bool
    has_end: bool

    @property
    def content(self) -> bytes:
        """The file up to its end marker, or to the zeros to which interrupted copies are filled up."""
        if self.has_end:
            return self.header + self.scans[: -len(JPEG_END)]
        end = self.scans.rstrip(b"\0")
        return self.header + (end + b"\0" if end.endswith(b"\xff") else end)

    @property
    def scans_are_complete(self) -> bool:
        """Whether the scans, if each is whole, hold every coefficient to its last bit."""
        missing = {(component, number) for component in self.frame[6::3] for number in range(64)}
        for count, *scan in filter(None, self.scan_headers):
            components = scan[: 2 * count : 2]
            first, last, precision = scan[2 * count :][:3] if self.progressive else (0, 63, 0)
            if precision & 15 == 0:
                missing -= {(component, number) for component in components for number in range(first, last + 1)}
        return not missing


def read_jpeg(data: bytes) -> JpegBytes:
    """Take a JPEG file apart.

    Raises:
        ValueError: if it is in more pieces than any photo.
    """
    kept, scans, at, frame, coding = [data[:2]], [], 2, b"", 0
    scans_at, end = len(data), None
    for _ in range(MAX_PIECES):
        found = _MARKER.search(data, at)  # jumps over pixels and, as decoders do, over stray bytes
        if not found or len(data) < found.end() + 2 or data[found.end() - 1] == _EOI:
            end = found.end() if found and data[found.end() - 1] == _EOI else None
            break
        marker, start = data[found.end() - 1], found.end()
        at = start + int.from_bytes(data[start : start + 2], "big")
        content = data[start + 2 : at]
        if marker == _SOS:
            scans_at = min(scans_at, found.start())
            scans.append(content)
        if marker in _SOF:
            frame, coding = content, marker
        if not scans and _is_needed(marker, content[:14]):
            kept.append(data[found.start() : at])
    else:
        raise ValueError(f"it is in more than {MAX_PIECES} pieces")
    progressive, arithmetic = coding in _PROGRESSIVE, coding in _ARITHMETIC
    return JpegBytes(b"".join(kept), data[scans_at:end], scans, frame, progressive, arithmetic, end is not None)


def _is_needed(marker: int, content: bytes) -> bool:
    """Whether a decoder needs the segment that begins so to show the picture as it is meant."""
    if marker in (0xE0, 0xEE):  # JFIF, and Adobe's note of the colour space
        return len(content) >= 12
    if marker == 0xE1:
        return content.startswith(b"Exif\0")
    if marker == 0xE2:
        return content.startswith(b"ICC_PROFILE\0") and len(content) == 14
    return not (0xE0 <= marker <= 0xEF or marker == 0xFE)  # the other APPn, and comments


@dataclass(frozen=True)
class PngBytes:
    """A PNG file without its metadata.

    Attributes:
        content: the file; of an animated one the still picture.
        bit_depth: bits of a sample.
        significant_bits: of a sample; ``bit_depth`` unless the file says less.
        profile: the colour profile, if there is a whole one of sensible size.
    """

    content: bytes
    bit_depth: int
    significant_bits: int
    profile: bytes | None


def read_png(data: bytes) -> PngBytes:
    """Take a PNG file apart.

    Raises:
        ValueError: if it is in more pieces than any photo.
    """
    kept, helpers, at = [_PNG_SIGNATURE], {}, len(_PNG_SIGNATURE)
    depth = data[24] if len(data) > 24 else 8
    for _ in range(MAX_PIECES):
        if at + 12 > len(data):
            break
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        is_critical = not kind[0] & 0x20
        if is_critical:
            kept.append(data[at:end])
        elif kind in _PNG_HELPERS and kind not in helpers and _is_whole(data[at:end]):
            helpers[kind] = data[at + 8 : end - 4]
            kept.append(data[at:end] if kind != b"iCCP" else b"")
        if kind == b"IEND":
            break
        at = end
    else:
        raise ValueError(f"it is in more than {MAX_PIECES} pieces")
    bits = max(helpers.get(b"sBIT", b""), default=depth)
    profile = _inflated(helpers.get(b"iCCP", b"").partition(b"\0")[2][1:])
    return PngBytes(b"".join(kept), depth, bits if 0 < bits <= depth else depth, profile)


def _is_whole(chunk: bytes) -> bool:
    """Whether the check sum of a chunk is right."""
    return struct.pack(">I", zlib.crc32(chunk[4:-4])) == chunk[-4:]


def _inflated(data: bytes) -> bytes | None:
    """A decompressed colour profile, if it is sound and no larger than profiles are."""
    decompressor = zlib.decompressobj()
    try:
        profile = decompressor.decompress(data, MAX_PROFILE_BYTES)
    except zlib.error:
        return None
    return profile if decompressor.eof else None
