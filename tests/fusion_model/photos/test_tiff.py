"""TIFF files of scanners and cameras: decoded as viewers do, or refused by the kind of their values."""

import numpy as np
import pytest
from PIL import Image

from tests.helpers.photo_files import GREY, PHOTO, encoded, read, refusal, tiff

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
