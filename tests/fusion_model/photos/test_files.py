"""Photos as cameras, scanners and cut transfers leave them: read as a viewer shows them, or refused with the reason."""

import struct
import sys
import time
import zlib
from itertools import count

import numpy as np
import pytest
from PIL import Image

from fusion_model.photos import files, stripping
from fusion_model.photos.files import is_photo, kind_of
from tests.helpers.photo_files import GREY, HEIC, NOISE, PHOTO, chunk, encoded, png, read, refusal, rows, tiff

BOMB = zlib.compress(bytes(50_000_000), 9)
END = b"\xff\xd9"


def rgb_png(**chunks):
    return png(48, 32, 2, 8, rows(PHOTO), **chunks)


def segment(marker, data):
    return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data


def with_faulty_check_sums():
    content = bytearray(rgb_png(before=[(b"tEXt", b"a\0b"), (b"tRNS", bytes(6))]))
    for kind in (b"tEXt", b"tRNS"):
        content[content.index(kind) + 4] ^= 1
    return bytes(content)


PNG, JPEG = rgb_png(), encoded(Image.fromarray(PHOTO))
CHUNKS = {
    "text": [(b"zTXt", b"comment\0\0" + BOMB)] + [(b"iTXt", b"comment\0\1\0\0\0" + BOMB)] * 3,
    "large profile": [(b"iCCP", b"sRGB\0\0" + BOMB)],
    "faulty profile": [(b"iCCP", b"sRGB\0\7" + BOMB), (b"eXIf", b"MM\0*\xff\xff\xff\xff")],
    "short": [(kind, b"") for kind in (b"iCCP", b"pHYs", b"gAMA", b"acTL")] + [(b"tIME", b"x"), (b"eXIf", b"M")],
}
SEGMENTS = {
    "EXIF": segment(0xE1, b"Exif\0\0" + b"\xff" * 500),
    "XMP": segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + b"<x" * 30_000) * 40,
    "MPF": segment(0xE2, b"MPF\0II*\0\x08\0\0\0\3\xd3\0\xb0\7\0\4\0\0\x000100\1\xb0\4\0\1\0\0\0\2\0\xd3\0" + bytes(60)),
    "JFIF": segment(0xE0, b"JFIF") + segment(0xEE, b"Adobe"),
    "profile": segment(0xE2, b"ICC_PROFILE\0\1\1" + b"profile" * 99) + segment(0xE2, b"ICC_PROFILE\0"),
    "comments": segment(0xFE, b"comment") * 3000,
    "filling": b"stray bytes" + b"\xff" * 3000,
}
FORGIVEN = {
    **{f"PNG, {name} before": (rgb_png(before=chunks), PNG) for name, chunks in CHUNKS.items()},
    **{f"PNG, {name} after": (rgb_png(after=chunks), PNG) for name, chunks in CHUNKS.items()},
    "PNG, check sums": (with_faulty_check_sums(), PNG),
    **{f"PNG, {cut} bytes short": (rgb_png(end=False)[:-cut], PNG) for cut in (1, 7)},  # in the pixels' check sum
    **{f"JPEG, {name}": (JPEG[:20] + data + JPEG[20:], JPEG) for name, data in SEGMENTS.items()},
}


@pytest.mark.parametrize(("content", "plain"), FORGIVEN.values(), ids=FORGIVEN)
def test_faults_that_leave_the_pixels_whole_stop_no_photo(tmp_path, content, plain):
    assert np.array_equal(read(tmp_path, content), read(tmp_path, plain))


@pytest.mark.parametrize("kind", ["WEBP", "GIF", "BMP", "AVIF", "TIFF", "PNG", "PPM", "JPEG"])
def test_kinds_are_told_by_content_and_trailing_bytes_stop_no_photo(tmp_path, kind):
    content = encoded(Image.fromarray(PHOTO), kind)
    expected = read(tmp_path, content, "x")
    for after in (b"x", bytes(1000), content):
        assert np.array_equal(read(tmp_path, content + after, "x"), expected)
    assert kind_of(tmp_path / "x") == kind
    assert is_photo(tmp_path / "x")


@pytest.mark.parametrize("progressive", [False, True])
def test_a_missing_end_marker_stops_no_photo(tmp_path, progressive):
    content = encoded(Image.fromarray(NOISE), progressive=progressive)
    assert content.endswith(END)
    for after in (b"", bytes(5000), b"\xff", b"trailing bytes"):
        assert np.array_equal(read(tmp_path, content[:-2] + after), read(tmp_path, content))


def test_the_last_bytes_of_a_jpeg_belong_to_it(tmp_path):
    """Zeros, which fill up interrupted copies, and a byte of ones, which JPEG writes as ff 00."""
    several = (encoded(Image.new("RGB", (16 * side, 16), (200, 30, 90)), quality=50) for side in count(1))
    content = next(one for one in several if one.endswith(b"\0" + END) and not one.endswith(b"\xff\0" + END))
    assert read(tmp_path, content)[:, :, 0].min() > 190
    squares = (np.random.default_rng(seed).integers(0, 256, (16, 16), np.uint8) for seed in count())
    content = next(one for one in (encoded(Image.fromarray(one)) for one in squares) if one.endswith(b"\xff\0" + END))
    assert np.array_equal(read(tmp_path, content[:-2]), read(tmp_path, content))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 2}, {"subsampling": 0}])
def test_a_jpeg_is_refused_if_a_part_of_the_picture_is_missing(tmp_path, options):
    """Some systems fill interrupted copies up with zeros; others leave an end marker in the middle."""
    content = encoded(Image.fromarray(NOISE), **options)
    for fraction in (0.4, 0.95):
        at = int(fraction * len(content))
        cut, rest = content[:at], content[at:]
        for broken in (cut, cut.ljust(len(content), b"\0"), cut + END, cut + END + rest):
            assert "is cut off" in refusal(tmp_path, broken)
    for number in range(3 if "restart_marker_blocks" in options else 0):
        at = content.index(bytes((0xFF, 0xD0 + number)))  # where decoding would restart
        for end in (b"", END):
            assert "is cut off" in refusal(tmp_path, content[:at] + end)


def test_the_scans_of_a_progressive_jpeg_are_counted(tmp_path):
    content = encoded(Image.fromarray(NOISE), progressive=True)
    for end in (b"", END):
        assert "details are missing" in refusal(tmp_path, content[: content.rindex(b"\xff\xda")] + end)
    content = encoded(Image.new("L", (3000, 3000)), progressive=True)
    last, began = content.rindex(b"\xff\xda"), time.perf_counter()
    text = refusal(tmp_path, content[:last] + content[last:-2] * 5000 + END)
    assert "scans of its picture: at most 100" in text
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize(
    "make",
    [
        lambda n: rgb_png(before=[(b"tEXt", b"")] * n),
        lambda n: b"\xff\xd8" + segment(0xFE, b"") * n + JPEG[2:],
    ],
)
def test_a_file_in_too_many_pieces_is_refused(tmp_path, make, monkeypatch):
    monkeypatch.setattr(stripping, "MAX_PIECES", 1000)
    assert read(tmp_path, make(900)).shape == PHOTO.shape
    assert "more than 1000 pieces" in refusal(tmp_path, make(1001))


def test_files_larger_than_any_photo_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAX_BYTES", 1_000_000)
    assert "has 2 MB: at most 1 MB are read" in refusal(tmp_path, b"\xff\xd8\xff" + bytes(2_000_000))
    text = b"P2\n# by hand\n48 32\n255\n" + b" ".join(b"%d" % value for value in GREY.ravel())
    assert np.array_equal(read(tmp_path, text)[:, :, 0], GREY)
    monkeypatch.setattr(files, "MAX_TEXT_BYTES", 1000)
    assert "is a PPM photo in text" in refusal(tmp_path, text)


def test_animations_of_a_hundred_thousand_frames_cost_no_more_than_the_first(tmp_path):
    frame = struct.pack(">IIIIIHHBB", 0, 48, 32, 0, 0, 1, 10, 0, 0)
    pieces = (chunk(b"fcTL", frame) + chunk(b"fdAT", bytes(8))) * 100_000
    still = rgb_png(before=[(b"acTL", struct.pack(">II", 100_000, 0))])
    gif = encoded(Image.fromarray(PHOTO).quantize(), "GIF")
    image, began = gif.index(b"\x2c"), time.perf_counter()
    assert np.array_equal(read(tmp_path, still[:-12] + pieces + still[-12:]), PHOTO)
    assert np.array_equal(read(tmp_path, gif[:image] + gif[image:-1] * 100_000 + b";"), read(tmp_path, gif))
    assert time.perf_counter() - began < 5


def large(kind):
    """A file that announces far more pixels than it has."""
    if kind == "TIFF":
        content = tiff(np.zeros((1, 64, 64), np.uint8), 1, packed=True)
        for tag in (256, 257):
            content = content.replace(struct.pack("<HHII", tag, 4, 1, 64), struct.pack("<HHII", tag, 4, 1, 60_000))
        return content
    content = HEIC if kind == "HEIC" else encoded(Image.new("RGB", (64, 64)), kind)
    at, size = {
        "GIF": (6, struct.pack("<HH", 65_535, 65_535)),
        "BMP": (18, struct.pack("<II", 60_000, 60_000)),
    }.get(kind, (content.find(b"ispe") + 8, struct.pack(">II", 16_000, 16_000)))
    return content[:at] + size + content[at + len(size) :]


@pytest.mark.parametrize("kind", ["TIFF", "AVIF", "GIF", "HEIC", "BMP"])
def test_an_announced_size_beyond_the_limit_is_refused_at_once(tmp_path, kind):
    content, began = large(kind), time.perf_counter()
    text = refusal(tmp_path, content)
    assert "51 megapixels" in text or (kind == "HEIC" and "damaged" in text)  # libheif compares with the picture's own
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize("bits", [10, 13])
def test_values_in_the_lower_bits_of_a_png(tmp_path, bits):
    """Grey is scaled, colours are refused."""
    low = PHOTO.astype(np.uint32) * (2**bits - 1) // 255
    right = png(48, 32, 2, 16, rows(PHOTO.astype(np.uint16) * 257), before=[(b"sBIT", bytes([bits] * 3))])
    assert np.array_equal(read(tmp_path, right), PHOTO)
    colours = png(48, 32, 2, 16, rows(low.astype(np.uint16)), before=[(b"sBIT", bytes([bits] * 3))])
    assert f"uses the lower {bits} of 16 bits" in refusal(tmp_path, colours)
    grey = png(48, 32, 0, 16, rows(low[:, :, 0].astype(np.uint16)), before=[(b"sBIT", bytes([bits]))])
    assert np.abs(read(tmp_path, grey)[:, :, 0].astype(int) - GREY).max() <= 1


@pytest.mark.parametrize(
    ("colour_type", "depth", "row", "clear", "place"),
    [
        (0, 4, bytes(range(0, 256, 17)), b"\0\7", slice(14, 16)),
        (0, 16, bytes(range(64)), b"\6\7", slice(3, 4)),
        (2, 8, bytes(range(96)), b"\0\6\0\7\0\x08", slice(2, 3)),
        (2, 16, bytes(range(192)), bytes(range(6, 12)), slice(1, 2)),
    ],
)
def test_a_transparent_colour_is_white_and_the_others_stay(tmp_path, colour_type, depth, row, clear, place):
    expected = read(tmp_path, png(32, 32, colour_type, depth, [row] * 32)).copy()
    expected[:, place] = 255
    found = read(tmp_path, png(32, 32, colour_type, depth, [row] * 32, before=[(b"tRNS", clear)]))
    assert np.array_equal(found, expected)


AS_SEEN = {
    1: lambda a: a, 2: np.fliplr, 3: lambda a: a[::-1, ::-1], 4: np.flipud, 5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1), 7: lambda a: a[::-1, ::-1].transpose(1, 0, 2), 8: np.rot90,
}  # fmt: skip


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "JPEG", "AVIF"])
def test_exif_turns_files_of_each_kind(tmp_path, kind):
    for orientation, as_seen in AS_SEEN.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        found = read(tmp_path, encoded(Image.fromarray(PHOTO), kind, exif=exif, quality=95, lossless=True))
        assert found.shape == as_seen(PHOTO).shape
        assert np.abs(found.astype(int) - as_seen(PHOTO)).mean() < 10  # JPEG and AVIF halve the colours' resolution


def test_heic_is_read_by_pi_heif(tmp_path, monkeypatch):
    photo = read(tmp_path, HEIC, "IMG_1.HEIC")
    assert photo.shape == (64, 48, 3)
    corners = [photo[5, 5], photo[5, -5], photo[-5, 5], photo[-5, -5]]
    assert np.abs(np.array(corners, int) - [(220, 40, 40), (240, 240, 240), (40, 40, 220), (40, 40, 220)]).max() < 8
    for cut in (100, 650):
        assert "IMG_1.HEIC is damaged" in refusal(tmp_path, HEIC[:cut], "IMG_1.HEIC")
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    text = refusal(tmp_path, HEIC, "IMG_1.HEIC")
    assert text.endswith(
        " is a HEIC photo, which only the package pi-heif reads: install it, or save the photo as JPEG"
    )


def test_what_is_worth_an_attempt(tmp_path):
    for text in (b"BMI of all patients in a table", b"P2 is a room", b"II. Chapter", b"RIFF....WAVE", b"", b"%PDF-1.4"):
        (tmp_path / "x").write_bytes(text)
        assert (kind_of(tmp_path / "x"), is_photo(tmp_path / "x")) == (None, False)
    for name in ("x.JPG", "x.jfif", "x.jpe", "x.heic", "x.tif"):
        (tmp_path / name).write_bytes(b"no photo, but called one")
        assert is_photo(tmp_path / name)
    (tmp_path / "x.dng").write_bytes(tiff(GREY[None], 1, tags=[(50706, 4, [1])]))
    assert (kind_of(tmp_path / "x.dng"), is_photo(tmp_path / "x.dng")) == ("RAW", False)


def test_a_refusal_is_one_line_whatever_the_file_is_called(tmp_path):
    text = refusal(tmp_path, b"no photo", "me\n\x1b[31m<b>\udcff.jpg")
    assert text.startswith("me\\n\\x1b[31m<b>\\udcff.jpg is not a photo")
    text.encode()
