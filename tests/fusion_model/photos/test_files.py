"""Photos as cameras, scanners and cut transfers leave them: read as a viewer shows them, or refused with the reason."""

import re
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from fusion_model.images import load_photo
from fusion_model.photos import files, stripping
from fusion_model.photos.files import is_photo, kind_of
from tests.helpers.photo_files import GREY, HEIC, NOISE, PHOTO, encoded, png, read, refusal, rows, tiff

QUARTER_TURN = b"MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"  # EXIF
BOMB = zlib.compress(bytes(50_000_000), 9)
END = b"\xff\xd9"


def rgb_png(**chunks):
    return png(48, 32, 2, 8, rows(PHOTO), **chunks)


def segment(marker, data):
    return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data


PNG, JPEG = rgb_png(), encoded(Image.fromarray(PHOTO))
CHUNKS = {
    "text": [(b"zTXt", b"comment\0\0" + BOMB), (b"iTXt", b"comment\0\1\0\0\0" + BOMB)],
    "large profile": [(b"iCCP", b"sRGB\0\0" + BOMB)],
    "faulty profile": [(b"iCCP", b"sRGB\0\7" + BOMB), (b"eXIf", b"MM\0*\xff\xff\xff\xff")],
    "short": [(kind, b"") for kind in (b"iCCP", b"pHYs", b"gAMA", b"acTL")] + [(b"tIME", b"x"), (b"eXIf", b"M")],
}
SEGMENTS = {
    "EXIF": segment(0xE1, b"Exif\0\0" + b"\xff" * 500),
    "XMP": segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + b"<x" * 30_000) * 40,
    "MPF": segment(0xE2, b"MPF\0II*\0\x08\0\0\0\3\xd3\0\xb0\7\0\4\0\0\x000100\1\xb0\4\0\1\0\0\0\2\0\xd3\0" + bytes(60)),
    "profile": segment(0xE2, b"ICC_PROFILE\0\1\1" + b"profile" * 99) + segment(0xE2, b"ICC_PROFILE\0"),
    "filling": b"stray bytes" + b"\xff" * 3000,
}
FORGIVEN = {
    **{f"PNG, {name} before": (rgb_png(before=chunks), PNG) for name, chunks in CHUNKS.items()},
    **{f"PNG, {name} after": (rgb_png(after=chunks), PNG) for name, chunks in CHUNKS.items()},
    "PNG, check sum": (rgb_png(before=[(b"tRNS", bytes(6))]).replace(b"tRNS\0", b"tRNS\1"), PNG),
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


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 2}, {"subsampling": 0}])
def test_a_jpeg_is_refused_if_a_part_of_the_picture_is_missing(tmp_path, options):
    """Some systems fill interrupted copies up with zeros; others leave an end marker in the middle."""
    content = encoded(Image.fromarray(NOISE), **options)
    for fraction in (0.4, 0.95):
        at = int(fraction * len(content))
        cut, rest = content[:at], content[at:]
        for broken in (cut, cut.ljust(len(content), b"\0"), cut + END, cut + END + rest):
            text = refusal(tmp_path, broken)
            assert "is cut off" in text
            if "progressive" not in options:
                assert int(re.search(r"all below line (\d+) of 200", text)[1]) == pytest.approx(200 * fraction, abs=25)
    for number in range(3 if "restart_marker_blocks" in options else 0):
        at = content.index(bytes((0xFF, 0xD0 + number)))  # where decoding would restart
        for end in (b"", END):
            assert "is cut off" in refusal(tmp_path, content[:at] + end)


def test_the_scans_of_a_progressive_jpeg_are_counted(tmp_path):
    content = encoded(Image.fromarray(NOISE), progressive=True)
    for end in (b"", END):
        assert "details are missing" in refusal(tmp_path, content[: content.rindex(b"\xff\xda")] + end)
    content = encoded(Image.new("L", (64, 64)), progressive=True)
    last = content.rindex(b"\xff\xda")
    assert "scans of its picture: at most 100" in refusal(tmp_path, content[:last] + content[last:-2] * 5000 + END)


def test_files_larger_or_in_more_pieces_than_any_photo_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(stripping, "MAX_PIECES", 1000)
    for pieces in (900, 1001):
        for content in (rgb_png(before=[(b"tEXt", b"")] * pieces), JPEG[:2] + segment(0xFE, b"") * pieces + JPEG[2:]):
            if pieces < 1000:
                assert read(tmp_path, content).shape == PHOTO.shape
            else:
                assert "more than 1000 pieces" in refusal(tmp_path, content)
    assert stripping._inflated(BOMB) is None  # which is given up in time
    monkeypatch.setattr(files, "MAX_BYTES", 1_000_000)
    assert "has 2 MB: at most 1 MB are read" in refusal(tmp_path, b"\xff\xd8\xff" + bytes(2_000_000))
    text = b"P2\n# by hand\n48 32\n255\n" + b" ".join(b"%d" % value for value in GREY.ravel())
    assert np.array_equal(read(tmp_path, text)[:, :, 0], GREY)
    monkeypatch.setattr(files, "MAX_TEXT_BYTES", 1000)
    for start in (b"P1", b"P2", b"P3"):
        assert "is a PPM photo in text" in refusal(tmp_path, start + text[2:])


@pytest.mark.parametrize(("kind", "form"), [("AVIF", ">II"), ("GIF", "<HH"), ("BMP", "<II"), ("TIFF", "<HHII")])
def test_an_announced_size_beyond_the_limit_is_refused(tmp_path, kind, form):
    if kind == "TIFF":
        old, new = ((257, 4, 1, height) for height in (64, 10**6))  # an entry of its page
        content = tiff(np.zeros((1, 64, 64), np.uint8), 1)
    else:
        old, new, content = (64, 64), (16_000, 16_000), encoded(Image.new("RGB", (64, 64)), kind)
    content = content.replace(struct.pack(form, *old), struct.pack(form, *new), 1)
    assert "51 megapixels" in refusal(tmp_path, content)


@pytest.mark.parametrize("bits", [10, 13])
def test_grey_values_in_the_lower_bits_of_a_png_are_scaled_and_colours_refused(tmp_path, bits):
    low = (PHOTO.astype(np.uint32) * (2**bits - 1) // 255).astype(np.uint16)
    for values, sure in ((PHOTO.astype(np.uint16) * 257, True), (low, False)):
        content = png(48, 32, 2, 16, rows(values), before=[(b"sBIT", bytes((bits - 2, bits, bits - 1)))])
        if sure:
            assert np.array_equal(read(tmp_path, content), PHOTO)
        else:
            assert f"uses the lower {bits} of 16 bits" in refusal(tmp_path, content)
    grey = png(48, 32, 0, 16, rows(low[:, :, 0]), before=[(b"sBIT", bytes([bits])), (b"eXIf", QUARTER_TURN)])
    assert np.abs(read(tmp_path, grey)[:, :, 0].astype(int) - np.rot90(GREY, -1)).max() <= 1
    dark = GREY // 32  # of 16 bits the upper ones, as the format wants
    for values, said in ((GREY, bits), (GREY, 0), (GREY, 17), *([(dark, bits)] if bits > 12 else [])):
        deep = rows(values.astype(np.uint16) * 257 // 8 * 8)
        grey = png(48, 32, 0, 16, deep, before=[(b"sBIT", bytes([said]))])
        assert np.array_equal(read(tmp_path, grey)[:, :, 0], values)


@pytest.mark.parametrize(
    ("colour_type", "depth", "row", "clear", "place"),
    [
        (0, 4, bytes(range(0, 256, 17)), b"\0\7", slice(14, 16)),
        (2, 8, bytes(range(96)), b"\0\6\0\7\0\x08", slice(2, 3)),
        (2, 16, bytes(range(192)), bytes(range(6, 12)), slice(1, 2)),
    ],
)
def test_a_transparent_colour_is_white_and_the_others_stay(tmp_path, colour_type, depth, row, clear, place):
    expected = read(tmp_path, png(32, 32, colour_type, depth, [row] * 32)).copy()
    expected[:, place] = 255
    found = read(tmp_path, png(32, 32, colour_type, depth, [row] * 32, before=[(b"tRNS", clear)]))
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "JPEG", "AVIF"])
def test_exif_turns_files_and_images_of_each_kind_unless_they_are_wanted_as_stored(tmp_path, kind):
    image = Image.fromarray(PHOTO)
    for orientation in range(1, 9):
        image.getexif()[0x0112] = orientation
        options = {"exif": image.getexif().tobytes(), "quality": 95, "lossless": True}
        found = read(tmp_path, encoded(image, kind, **options)).astype(int)
        as_seen = np.asarray(ImageOps.exif_transpose(image))
        with Image.open(tmp_path / "me.jpg") as stored:
            assert np.array_equal(load_photo(stored), found)
            assert kind == "TIFF" or np.abs(load_photo(stored, turn=False).astype(int) - PHOTO).mean() < 10
        assert found.shape == as_seen.shape
        assert np.abs(found - as_seen).mean() < 10  # JPEG and AVIF halve the colours' resolution


def test_heic_is_read_by_pi_heif(tmp_path, monkeypatch):
    photo = read(tmp_path, HEIC, "IMG_1.HEIC")
    assert photo.shape == (64, 48, 3)
    corners = [photo[5, 5], photo[5, -5], photo[-5, 5], photo[-5, -5]]
    assert np.abs(np.array(corners, int) - [(220, 40, 40), (240, 240, 240), (40, 40, 220), (40, 40, 220)]).max() < 8
    for cut in (100, 650):
        assert "IMG_1.HEIC is damaged" in refusal(tmp_path, HEIC[:cut], "IMG_1.HEIC")
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    assert "a HEIC photo, which only the package pi-heif reads: install" in refusal(tmp_path, HEIC, "IMG_1.HEIC")


def test_what_is_worth_an_attempt(tmp_path):
    for text in (b"BMI of all patients in a table", b"P2 is a room", b"II. Chapter", b"RIFF....WAVE", b"", b"%PDF-1.4"):
        (tmp_path / "x").write_bytes(text)
        assert (kind_of(tmp_path / "x"), is_photo(tmp_path / "x")) == (None, False)
    for name in ("x.JPG", "x.jfif", "x.jpe", "x.heic", "x.HEIF", "x.tif"):
        (tmp_path / name).write_bytes(b"no photo, but called one")
        assert is_photo(tmp_path / name)
    assert is_photo(tmp_path / "gone"), "reading it says why not"
    raw = [tiff(GREY[None], 1, tags=[(tag, 4, [1])]) for tag in (50706, 254)]
    for content in (*raw, b"II*\0\x10\0\0\0CR\2\0", b"FUJIFILMCCD-RAW 0201", b"\0\0\0\x18ftypcrx "):
        (tmp_path / "x.dng").write_bytes(content)
        assert (kind_of(tmp_path / "x.dng"), is_photo(tmp_path / "x.dng")) == ("RAW", False)
    brands = {"heic": "HEIC", "hevc": "HEIC", "msf1": "HEIC", "mif1": "HEIC", "mif1____avif": "AVIF", "avis": "AVIF"}
    for brand, kind in {**brands, "isom": None}.items():
        (tmp_path / "x").write_bytes(b"\0\0\0\x20ftyp" + brand.encode().ljust(40))
        assert kind_of(tmp_path / "x") == kind


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SWAPPED = SRGB.replace(b"rXYZ", b"____", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"____", b"bXYZ", 1)
LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_primaries_that_a_profile_swaps_are_put_right(tmp_path, kind):
    image = Image.fromarray(PHOTO[:, :, ::-1])
    content = encoded(image, kind, icc_profile=SWAPPED, quality=95, subsampling=0, lossless=True)
    assert np.abs(read(tmp_path, content).astype(int) - PHOTO).mean() < 5


@pytest.mark.parametrize(("divisor", "seen"), [(16, False), (4, True)])
def test_a_change_counts_once_it_is_seen(tmp_path, divisor, seen):
    """Red and blue swapped: a difference of 5 of 255 on average, and of 21."""
    pale = PHOTO // divisor
    found = read(tmp_path, encoded(Image.fromarray(pale), "TIFF", icc_profile=SWAPPED))
    assert np.abs(found.astype(int) - (pale[:, :, ::-1] if seen else pale)).mean() < 1
    assert seen or np.array_equal(found, pale)


@pytest.mark.parametrize("data", [b"profile", bytes(128), SRGB, b"\xff" * 5_000_000, LAB])
def test_a_profile_that_is_broken_or_changes_nothing_leaves_the_pixels_alone(tmp_path, data):
    assert np.array_equal(read(tmp_path, encoded(Image.fromarray(PHOTO), "TIFF", icc_profile=data)), PHOTO)


PLANES = PHOTO.transpose(2, 0, 1)
DEEP_GREY = GREY[None].astype(np.uint16) * 257


@pytest.mark.parametrize(("separate", "packed", "order"), [(0, 0, "<"), (1, 0, ">"), (0, 1, ">"), (1, 1, "<")])
def test_tiff_of_16_bits_a_colour(tmp_path, separate, packed, order):
    content = tiff(PLANES.astype(np.uint16) * 257, 2, separate=separate, packed=packed, order=order)
    assert np.array_equal(read(tmp_path, content, "scan.tif"), PHOTO)


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "jpeg"])
def test_tiff_of_brightness_and_colour(tmp_path, compression):
    content = encoded(Image.fromarray(PHOTO).convert("YCbCr"), "TIFF", compression=compression)
    assert np.abs(read(tmp_path, content, "scan.tif").astype(int) - PHOTO).mean() < 4
    assert compression or "is damaged or cut off" in refusal(tmp_path, content[:-1000], "scan.tif")


def test_deep_grey_tiff(tmp_path):
    for content in (tiff(DEEP_GREY, 1), tiff(DEEP_GREY, 1, order=">"), tiff(65535 - DEEP_GREY, 0)):
        assert np.array_equal(read(tmp_path, content, "scan.tif"), np.stack((GREY,) * 3, 2))
    first, second = (GREY.astype(np.uint32) * 4095 // 255).reshape(32, -1, 2).transpose(2, 0, 1)  # two in three bytes
    packed = np.stack((first >> 4, (first & 15) << 4 | second >> 8, second & 255), 2).astype(np.uint8)
    found = read(tmp_path, tiff(packed.reshape(1, 32, -1), 1, bits=12), "scan.tif")
    assert np.abs(found[:, :, 0].astype(int) - GREY).max() <= 1
    assert np.array_equal(read(tmp_path, encoded(Image.fromarray(PHOTO), "TIFF", big_tiff=True)), PHOTO)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (tiff(PLANES.astype(np.float32) / 255, 2, numbers=3), "is a float TIFF"),
        (tiff(PLANES, 8), "is a TIFF in CIE Lab colours"),
        (tiff(PLANES.astype(np.uint32), 2), "with 32/32/32 bits a colour"),
        (tiff(PLANES[[0, 1, 2, 0, 1]].astype(np.uint32), 2), "with 32/32/32/32/... bits a colour"),
        (tiff(PLANES.astype(np.int16), 2, numbers=2), "is a TIFF of signed numbers"),
        (tiff(GREY[None], 1, tags=[(50706, 4, [1])]), "is a raw file of a camera"),
        (b"II*\0\x10\0\0\0CR\2\0" + bytes(99), "is a raw file of a camera"),
        (b"II*\0\xff\xff\xff\0", "is damaged or cut off"),
    ],
)
def test_tiff_that_is_refused_says_what_it_is(tmp_path, content, words):
    text = refusal(tmp_path, content, "scan.tif")
    assert text.startswith(f"scan.tif {words}" if words.startswith("is") else "scan.tif is a TIFF")
    assert words in text
    assert "save" in text


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "jpeg", "group4"])
def test_of_every_compression_the_first_page_counts(tmp_path, compression):
    frames = [Image.new("RGB", (32, 24), colour) for colour in ("red", "blue")]
    if compression == "group4":
        frames = [image.convert("1") for image in frames]
    found = read(tmp_path, encoded(frames[0], "TIFF", compression=compression, save_all=True, append_images=frames[1:]))
    assert np.abs(found.astype(int) - np.asarray(frames[0].convert("RGB"))).max() < 3
