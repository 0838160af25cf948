"""The bytes of JPEG and PNG files that make the picture: metadata, whole or broken, is left out before decoding."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass

from fusion_model.colours import MAX_PROFILE_BYTES

MAX_PIECES = 1_000_000  # an animation of 100,000 frames has 200,000
JPEG_END = b"\xff\xd9"
_MARKER = re.compile(rb"\xff[^\x00\xff]", re.DOTALL)
_SOS, _SOF = 0xDA, {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_HELPERS = (
    b"tRNS",
    b"sBIT",
    b"eXIf",
    b"iCCP",
)  # chunks without which a picture could be decoded, but not as it is meant


@dataclass(frozen=True)
class JpegBytes:
    """A JPEG file without its metadata.

    Attributes:
        header: all before the first scan; of the metadata only JFIF, EXIF, the colour profile and Adobe's colour space.
        scans: the rest of the file.
        frame: the segment that announces size and components, without its length; empty if there is none.
        progressive: whether several scans refine one another.
    """

    header: bytes
    scans: bytes
    frame: bytes
    progressive: bool

    @property
    def without_end(self) -> bytes:
        """The file without an end marker, nor the zeros to which interrupted copies are filled up."""
        end = self.scans.rstrip(b"\0")
        return self.header + (end + b"\0" if end.endswith(b"\xff") else end)

    @property
    def scan_count(self) -> int:
        """How often the whole picture may have to be gone through."""
        return self.scans.count(bytes((0xFF, _SOS)))

    @property
    def scans_are_complete(self) -> bool:
        """Whether the scans, if each is whole, hold every coefficient to its last bit."""
        if not self.progressive:
            return True
        components = {self.frame[at] for at in range(6, len(self.frame) - 2, 3)}
        missing = {(component, number) for component in components for number in range(64)}
        at = self.scans.find(bytes((0xFF, _SOS)))
        while 0 <= at < len(self.scans) - 5:
            count = self.scans[at + 4]
            named, (first, last, *bits) = (
                self.scans[at + 5 : at + 5 + 2 * count : 2],
                _padded(self.scans, at + 5 + 2 * count),
            )
            if bits[0] & 15 == 0:
                missing -= {(component, number) for component in named for number in range(first, last + 1)}
            at = self.scans.find(bytes((0xFF, _SOS)), at + 2)
        return not missing


def _padded(data: bytes, at: int) -> bytes:
    """Three bytes of a file that may end before them."""
    return data[at : at + 3].ljust(3, b"\xff")


def read_jpeg(data: bytes) -> JpegBytes:
    """Take a JPEG file apart; where it is no JPEG, it is left to the decoder as it is.

    Raises:
        ValueError: if it is in more pieces than any photo.
    """
    kept, at, frame, progressive = [data[:2]], 2, b"", False
    for _ in range(MAX_PIECES):
        found = _MARKER.search(data, at)  # jumps over stray bytes, as decoders do
        if not found or len(data) < found.end() + 2:
            return JpegBytes(data, b"", frame, progressive)
        marker, start = data[found.end() - 1], found.end()
        at = start + int.from_bytes(data[start : start + 2], "big")
        if marker == _SOS:
            return JpegBytes(b"".join(kept), data[found.start() :], frame, progressive)
        if marker in _SOF:
            frame, progressive = data[start + 2 : at], marker in _PROGRESSIVE
        if _is_needed(marker, data[start + 2 : min(at, start + 16)]):
            kept.append(data[found.start() : at])
    raise ValueError(f"it is in more than {MAX_PIECES} pieces")


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
