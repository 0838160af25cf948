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

METADATA = {
    "a text of 50 MB": [(b"zTXt", b"comment\0\0" + BOMB)],
    "many large texts": [(b"iTXt", b"comment\0\1\0\0\0" + BOMB)] * 3,
    "a profile of 50 MB": [(b"iCCP", b"sRGB\0\0" + BOMB)],
    "a profile without a name": [(b"iCCP", b"")],
    "a profile of another compression": [(b"iCCP", b"sRGB\0\7" + BOMB)],
    "broken EXIF": [(b"eXIf", b"MM\0*\xff\xff\xff\xff")],
    "EXIF of one byte": [(b"eXIf", b"M")],
    "a time that is none": [(b"tIME", b"x"), (b"pHYs", b""), (b"gAMA", b""), (b"cHRM", b"\xff")],
    "an animation of no frames": [(b"acTL", b"")],
}


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("what", METADATA)
def test_metadata_of_png_never_stops_a_photo(tmp_path, what, before):
    content = png(48, 32, 2, 8, rows(PHOTO), **{"before" if before else "after": METADATA[what]})
    assert np.array_equal(read(tmp_path, content), PHOTO)


def test_a_faulty_check_sum_of_metadata_stops_no_png(tmp_path):
    content = bytearray(png(48, 32, 2, 8, rows(PHOTO), before=[(b"tEXt", b"a\0b"), (b"tRNS", bytes(6))]))
    for kind in (b"tEXt", b"tRNS"):
        content[content.index(kind) + 4] ^= 1
    assert np.array_equal(read(tmp_path, bytes(content)), PHOTO)


def test_a_png_without_its_end_is_read(tmp_path):
    whole = png(48, 32, 2, 8, rows(PHOTO), end=False)
    for cut in (0, 1, 4, 7):  # into the check sums of the chunk and of the pixels
        assert np.array_equal(read(tmp_path, whole[: len(whole) - cut]), PHOTO)


def segment(marker, data):
    return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data


@pytest.mark.parametrize(
    "what",
    [
        segment(0xE1, b"Exif\0\0" + b"\xff" * 500),
        segment(0xE1, b"Exif\0\0MM"),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + b"<x" * 30_000) * 40,
        segment(0xE2, b"MPF\0II*\0\x08\0\0\0\3\xd3\0\xb0\7\0\4\0\0\x000100\1\xb0\4\0\1\0\0\0\2\0\xd3\0" + bytes(60)),
        segment(0xE0, b"JFIF"),
        segment(0xEE, b"Adobe"),
        segment(0xE2, b"ICC_PROFILE\0\1\1" + b"profile" * 99),
        segment(0xE2, b"ICC_PROFILE\0"),
        segment(0xED, b"Photoshop 3.0\x008BIM\x03\xed"),
        segment(0xFE, b"comment") * 3000,
        b"\xff" * 3000,
        b"stray bytes",
    ],
)
def test_metadata_of_jpeg_never_stops_a_photo(tmp_path, what):
    content = encoded(Image.fromarray(PHOTO))
    expected = read(tmp_path, content)
    behind_the_first = content[:20] + what + content[20:]
    assert np.array_equal(read(tmp_path, behind_the_first), expected)


@pytest.mark.parametrize(
    "options", [{"exif": b"Exif\0\0MM"}, {"exif": b"\xff" * 99}, {"icc_profile": b"x" * 99}, {"xmp": b"<" * 10**6}]
)
def test_metadata_of_webp_never_stops_a_photo(tmp_path, options):
    assert np.array_equal(read(tmp_path, encoded(Image.fromarray(PHOTO), "WEBP", lossless=True, **options)), PHOTO)


@pytest.mark.parametrize("kind", ["WEBP", "GIF", "BMP", "AVIF", "TIFF", "PNG", "PPM", "JPEG"])
def test_trailing_bytes_stop_no_photo(tmp_path, kind):
    content = encoded(Image.fromarray(PHOTO), kind)
    for after in (b"x", bytes(1000), b"\xff" * 77, content):
        assert np.array_equal(read(tmp_path, content + after), read(tmp_path, content))


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("after", [b"", bytes(5000), b"\xff", b"trailing bytes"])
def test_a_missing_end_marker_stops_no_photo(tmp_path, progressive, after):
    content = encoded(Image.fromarray(NOISE), progressive=progressive)
    assert content.endswith(b"\xff\xd9")
    assert np.array_equal(read(tmp_path, content[:-2] + after), read(tmp_path, content))
    assert np.array_equal(read(tmp_path, content + after), read(tmp_path, content))


def test_a_missing_end_behind_a_byte_of_ones_stops_no_photo(tmp_path):
    """JPEG writes it as ff 00, and the zero is no filling."""
    several = (
        encoded(Image.fromarray(np.random.default_rng(seed).integers(0, 256, (16, 16), np.uint8))) for seed in count()
    )
    content = next(one for one in several if one.endswith(b"\xff\0\xff\xd9"))
    assert np.array_equal(read(tmp_path, content[:-2]), read(tmp_path, content))


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("filled", [False, True])
@pytest.mark.parametrize("fraction", [0.4, 0.9])
def test_a_jpeg_is_refused_if_a_part_of_the_picture_is_missing(tmp_path, progressive, filled, fraction):
    """Interrupted copies are as long as the whole file on some systems, and filled up with zeros."""
    content = encoded(Image.fromarray(NOISE), progressive=progressive)
    cut = content[: int(fraction * len(content))]
    assert "is cut off" in refusal(tmp_path, cut.ljust(len(content) if filled else 0, b"\0"))


def test_a_progressive_jpeg_is_refused_if_it_ends_between_two_scans(tmp_path):
    content = encoded(Image.fromarray(NOISE), progressive=True)
    assert "details are missing" in refusal(tmp_path, content[: content.rindex(b"\xff\xda")])


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 2}, {"subsampling": 0}])
@pytest.mark.parametrize("fraction", [0.5, 0.95])
def test_a_jpeg_is_refused_if_its_end_marker_comes_early(tmp_path, options, fraction):
    content = encoded(Image.fromarray(NOISE), **options)
    at = int(fraction * len(content))
    for rest in (b"", content[at:]):
        assert "is cut off" in refusal(tmp_path, content[:at] + b"\xff\xd9" + rest)


def test_a_jpeg_is_refused_if_it_ends_where_decoding_would_restart(tmp_path):
    content = encoded(Image.fromarray(NOISE), restart_marker_blocks=2)
    for number in range(3):
        at = content.index(bytes((0xFF, 0xD0 + number)))
        for end in (b"", b"\xff\xd9"):
            assert "is cut off" in refusal(tmp_path, content[:at] + end)


def test_a_jpeg_without_all_its_scans_is_refused_in_spite_of_an_end_marker(tmp_path):
    content = encoded(Image.fromarray(NOISE), progressive=True)
    assert "details are missing" in refusal(tmp_path, content[: content.rindex(b"\xff\xda")] + b"\xff\xd9")


def test_zeros_at_the_end_of_a_jpeg_belong_to_it(tmp_path):
    several = (encoded(Image.new("RGB", (16 * side, 16), (200, 30, 90)), quality=50) for side in count(1))
    content = next(one for one in several if one.endswith(b"\0\xff\xd9") and not one.endswith(b"\xff\0\xff\xd9"))
    assert read(tmp_path, content)[:, :, 0].min() > 190


def test_a_jpeg_of_thousands_of_scans_is_refused_at_once(tmp_path):
    content = encoded(Image.new("L", (3000, 3000)), progressive=True)
    last = content.rindex(b"\xff\xda")
    began = time.perf_counter()
    text = refusal(tmp_path, content[:last] + content[last:-2] * 5000 + b"\xff\xd9")
    assert "scans of its picture: at most 100" in text
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize(
    "make",
    [
        lambda n: png(48, 32, 2, 8, rows(PHOTO), before=[(b"tEXt", b"")] * n),
        lambda n: b"\xff\xd8" + segment(0xFE, b"") * n + encoded(Image.fromarray(PHOTO))[2:],
    ],
)
def test_a_file_in_too_many_pieces_is_refused(tmp_path, make, monkeypatch):
    monkeypatch.setattr(stripping, "MAX_PIECES", 1000)
    assert read(tmp_path, make(900)).shape == PHOTO.shape
    assert "more than 1000 pieces" in refusal(tmp_path, make(1001))


def test_a_file_larger_than_any_photo_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAX_BYTES", 1_000_000)
    assert "has 2 MB: at most 1 MB are read" in refusal(tmp_path, b"\xff\xd8\xff" + bytes(2_000_000))


def test_photos_in_text_are_read_up_to_a_size(tmp_path, monkeypatch):
    content = b"P2\n# by hand\n48 32\n255\n" + b" ".join(b"%d" % value for value in GREY.ravel())
    assert np.array_equal(read(tmp_path, content)[:, :, 0], GREY)
    monkeypatch.setattr(files, "MAX_TEXT_BYTES", 1000)
    assert "is a PPM photo in text" in refusal(tmp_path, content)


def test_animations_of_a_hundred_thousand_frames_cost_no_more_than_the_first(tmp_path):
    frame = struct.pack(">IIIIIHHBB", 0, 48, 32, 0, 0, 1, 10, 0, 0)
    pieces = (chunk(b"fcTL", frame) + chunk(b"fdAT", bytes(8))) * 100_000
    still = png(48, 32, 2, 8, rows(PHOTO), before=[(b"acTL", struct.pack(">II", 100_000, 0))])
    gif = encoded(Image.fromarray(PHOTO).quantize(), "GIF")
    image = gif.index(b"\x2c")
    webp = encoded(
        Image.fromarray(PHOTO), "WEBP", lossless=True, save_all=True, append_images=[Image.new("RGB", (48, 32))]
    )
    last = webp.rindex(b"ANMF")
    webp += webp[last:] * 20_000
    webp = webp[:4] + struct.pack("<I", len(webp) - 8) + webp[8:]
    began = time.perf_counter()
    assert np.array_equal(read(tmp_path, still[:-12] + pieces + still[-12:]), PHOTO)
    assert np.array_equal(read(tmp_path, webp), PHOTO)
    assert np.array_equal(read(tmp_path, gif[:image] + gif[image:-1] * 100_000 + b";"), read(tmp_path, gif))
    assert time.perf_counter() - began < 5


def large(kind):
    """A file that announces far more pixels than it has."""
    tiny = Image.new("RGB", (64, 64))
    if kind == "TIFF":
        content = tiff(np.zeros((1, 64, 64), np.uint8), 1, packed=True)
        for tag in (256, 257):
            content = content.replace(struct.pack("<HHII", tag, 4, 1, 64), struct.pack("<HHII", tag, 4, 1, 60_000))
    elif kind == "WEBP":
        content = bytearray(encoded(tiny, kind, save_all=True, append_images=[Image.new("RGB", (64, 64), "red")]))
        place = content.index(b"VP8X") + 12
        content[place : place + 6] = (16_000).to_bytes(3, "little") * 2
    elif kind == "AVIF":
        content = encoded(tiny, kind)
        place = content.index(b"ispe") + 8
        content = content[:place] + struct.pack(">II", 16_000, 16_000) + content[place + 8 :]
    elif kind == "GIF":
        content = encoded(tiny.quantize(), kind)
        content = content[:6] + struct.pack("<HH", 65_535, 65_535) + content[10:]
    elif kind == "HEIC":
        place = HEIC.index(b"ispe") + 8
        content = HEIC[:place] + struct.pack(">II", 30_000, 30_000) + HEIC[place + 8 :]
    elif kind == "BMP":
        content = bytearray(encoded(tiny, kind))
        content[18:26] = struct.pack("<II", 60_000, 60_000)
    else:
        content = b"P6\n60000 60000\n255\n" + bytes(100)
    return bytes(content)


@pytest.mark.parametrize("kind", ["TIFF", "WEBP", "AVIF", "GIF", "HEIC", "BMP", "PPM"])
def test_an_announced_size_beyond_the_limit_is_refused_at_once(tmp_path, kind):
    began = time.perf_counter()
    text = refusal(tmp_path, large(kind))
    assert "51 megapixels" in text or (kind == "HEIC" and "damaged" in text)  # libheif compares with the picture's own
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize("bits", [10, 12])
def test_values_in_the_lower_bits_of_a_png_are_scaled(tmp_path, bits):
    values = GREY.astype(np.uint16) << (bits - 8)
    for written in (values, values << (16 - bits)):  # the second is what the format wants
        content = png(48, 32, 0, 16, rows(written), before=[(b"sBIT", bytes([bits]))])
        assert np.abs(read(tmp_path, content)[:, :, 0].astype(int) - GREY).max() <= 1
    low = PHOTO.astype(np.uint16) << (bits - 8)
    text = refusal(tmp_path, png(48, 32, 2, 16, rows(low), before=[(b"sBIT", bytes([bits] * 3))]))
    assert f"uses the lower {bits} of 16 bits" in text
    right = png(48, 32, 2, 16, rows(PHOTO.astype(np.uint16) * 257), before=[(b"sBIT", bytes([bits] * 3))])
    assert np.array_equal(read(tmp_path, right), PHOTO)


@pytest.mark.parametrize("colour_type", [2, 6])
@pytest.mark.parametrize("bits", [13, 14, 15])
def test_colours_in_many_lower_bits_of_a_png_are_refused(tmp_path, colour_type, bits):
    low = np.full((32, 48, 3 if colour_type == 2 else 4), 65535, np.uint16)
    low[:, :, :3] = PHOTO.astype(np.uint16) * (2**bits - 1) // 255
    content = png(48, 32, colour_type, 16, rows(low), before=[(b"sBIT", bytes([bits] * low.shape[2]))])
    assert f"uses the lower {bits} of 16 bits" in refusal(tmp_path, content)


@pytest.mark.parametrize("colour_type", [0, 2])
def test_a_dark_photo_of_many_bits_stays_dark(tmp_path, colour_type):
    dark = (PHOTO.astype(np.uint16) // 4 * 256) & 0xFFFC  # 14 of 16 bits, and no value beyond a quarter of white
    dark, bits = (dark, b"\x0e" * 3) if colour_type else (dark[:, :, 0], b"\x0e")
    found = read(tmp_path, png(48, 32, colour_type, 16, rows(dark), before=[(b"sBIT", bits)]))
    assert 32 < found.max() < 64


@pytest.mark.parametrize(
    ("colour_type", "depth", "row", "clear"),
    [
        (0, 1, b"\xaa" * 4, b"\0\1"),
        (0, 2, b"\x1b" * 8, b"\0\1"),
        (0, 4, bytes(range(16)), b"\0\7"),
        (0, 8, bytes(range(32)), b"\0\7"),
        (0, 16, bytes(range(64)), b"\6\7"),
        (2, 8, bytes(range(96)), b"\0\6\0\7\0\x08"),
        (2, 16, bytes(range(192)), bytes(range(6, 12))),
    ],
)
def test_a_transparent_colour_is_white_and_the_others_stay(tmp_path, colour_type, depth, row, clear):
    plain = read(tmp_path, png(32, 32, colour_type, depth, [row] * 32))
    found = read(tmp_path, png(32, 32, colour_type, depth, [row] * 32, before=[(b"tRNS", clear)]))
    bits = np.unpackbits(np.frombuffer(row, np.uint8)).reshape(32, -1)
    wanted = np.frombuffer(clear, ">u2")
    values = bits.reshape(32, len(wanted), depth) @ (1 << np.arange(depth)[::-1])
    is_clear = (values == wanted).all(1)
    assert is_clear.any()
    assert (found[:, is_clear] == 255).all()
    assert np.array_equal(found[:, ~is_clear], plain[:, ~is_clear])


AS_SEEN = {
    1: lambda a: a, 2: np.fliplr, 3: lambda a: a[::-1, ::-1], 4: np.flipud, 5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1), 7: lambda a: a[::-1, ::-1].transpose(1, 0, 2), 8: np.rot90,
}  # fmt: skip


@pytest.mark.parametrize("orientation", AS_SEEN)
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "JPEG", "AVIF"])
def test_exif_turns_files_of_each_kind(tmp_path, orientation, kind):
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = read(tmp_path, encoded(Image.fromarray(PHOTO), kind, exif=exif, quality=95, lossless=True))
    expected = AS_SEEN[orientation](PHOTO)
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).mean() < 10  # JPEG and AVIF halve the colours' resolution


def test_heic_is_read_by_pi_heif(tmp_path):
    photo = read(tmp_path, HEIC, "IMG_1.HEIC")
    assert photo.shape == (64, 48, 3)
    corners = [photo[5, 5], photo[5, -5], photo[-5, 5], photo[-5, -5]]
    assert np.abs(np.array(corners, int) - [(220, 40, 40), (240, 240, 240), (40, 40, 220), (40, 40, 220)]).max() < 8
    for cut in (100, 400, 650):
        assert "IMG_1.HEIC is damaged" in refusal(tmp_path, HEIC[:cut], "IMG_1.HEIC")


def test_without_pi_heif_the_refusal_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    text = refusal(tmp_path, HEIC, "IMG_1.HEIC")
    assert text == (
        "IMG_1.HEIC is a HEIC photo, which only the package pi-heif reads: install it, or save the photo as JPEG"
    )


def test_kinds_are_told_by_content(tmp_path):
    for kind in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "PPM", "AVIF"):
        (tmp_path / "x").write_bytes(encoded(Image.fromarray(PHOTO), kind))
        assert kind_of(tmp_path / "x") == kind
        assert is_photo(tmp_path / "x")
    for text in (b"BMI of all patients in a table", b"P2 is a room", b"II. Chapter", b"RIFF....WAVE", b"", b"%PDF-1.4"):
        (tmp_path / "x").write_bytes(text)
        assert kind_of(tmp_path / "x") is None
        assert not is_photo(tmp_path / "x")
    for name in ("x.JPG", "x.jfif", "x.jpe", "x.heic", "x.tif"):
        (tmp_path / name).write_bytes(b"no photo, but called one")
        assert is_photo(tmp_path / name)
    (tmp_path / "x.dng").write_bytes(tiff(GREY[None], 1, tags=[(50706, 4, [1])]))
    assert kind_of(tmp_path / "x.dng") == "RAW"
    assert not is_photo(tmp_path / "x.dng")


def test_a_refusal_is_one_line_whatever_the_file_is_called(tmp_path):
    text = refusal(tmp_path, b"no photo", "me\n\x1b[31m<b>\udcff.jpg")
    assert text.startswith("me\\n\\x1b[31m<b>\\udcff.jpg is not a photo")
    text.encode()
