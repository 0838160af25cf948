"""Whatever people upload becomes (H, W, 3) uint8 RGB, or one clear sentence says why not."""

import struct

import numpy as np
import pytest
from PIL import Image, ImageSequence

from fusion_model.images import load_photo
from fusion_model.photos.decoding import check_size, decoding
from tests.helpers.photo_files import GREY, NOISE, PHOTO, chunk, encoded, read, refusal

FLOATS = PHOTO.astype(np.float32) / 255
DEEP, VIEW = PHOTO.astype(np.uint16) * 257, PHOTO[::-1, ::-1][::-1, ::-1]
ARRAYS = [PHOTO, VIEW, FLOATS, PHOTO / 255, DEEP, DEEP.astype(">u2"), PHOTO.astype(int), Image.fromarray(PHOTO)]
EXIF = Image.Exif()
EXIF[0x0112] = 6  # a quarter turn


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP"])
def test_a_file_and_its_path_as_text_whatever_its_name(tmp_path, kind):
    assert np.array_equal(read(tmp_path, encoded(Image.fromarray(PHOTO), kind, lossless=True), "a.jpg"), PHOTO)
    assert np.array_equal(load_photo(str(tmp_path / "a.jpg")), PHOTO)


def test_jpeg_keeps_its_colours(tmp_path):
    for mode, colour in (("RGB", (200, 30, 60)), ("CMYK", (0, 255, 255, 0))):
        image = Image.new(mode, (40, 32), colour)
        found = read(tmp_path, encoded(image, quality=95)).astype(int)
        assert np.abs(found - image.convert("RGB").getpixel((0, 0))).max() <= 5


@pytest.mark.parametrize("given", ARRAYS)
def test_an_array_of_any_type_and_a_pil_image(given):
    before = np.array(given)
    found = load_photo(given)
    assert np.array_equal(found, PHOTO)
    assert found.flags.c_contiguous
    assert np.array_equal(given, before)


def test_greyscale_files_and_arrays_and_sixteen_bits_are_scaled_not_clipped(tmp_path):
    for given in (GREY, Image.fromarray(GREY), Image.fromarray(FLOATS[:, :, 0])):
        assert np.array_equal(load_photo(given), np.stack((GREY,) * 3, 2))
    one_bit = encoded(Image.fromarray(GREY > 127), "PNG")
    assert np.array_equal(read(tmp_path, one_bit)[:, :, 1], np.where(GREY > 127, 255, 0))
    deep = GREY.astype(np.uint16) * 257
    for content in (encoded(Image.fromarray(deep), "PNG"), encoded(Image.fromarray(deep.astype(np.int32)), "TIFF")):
        assert np.array_equal(read(tmp_path, content)[:, :, 2], GREY)
    assert np.array_equal(load_photo(deep)[:, :, 0], GREY)
    dark = np.full((32, 32), 255 * 64, np.uint16)  # a quarter of white, although no value is above 16320
    assert load_photo(dark).max() == 64
    for level in (70_000, -1):
        beyond = encoded(Image.fromarray(np.full((32, 32), level, np.int32)), "TIFF")
        assert f"has values from {level} to {level}: expected 0 to 65535" in refusal(tmp_path, beyond, "i.tiff")


def test_transparency_is_laid_on_white(tmp_path):
    alpha = np.full((*PHOTO.shape[:2], 1), 255, np.uint8)
    alpha[:, 24:] = 0
    rgba = np.concatenate((PHOTO, alpha), 2)
    before, expected = rgba.copy(), np.where(alpha > 0, PHOTO, 255)
    assert np.array_equal(read(tmp_path, encoded(Image.fromarray(rgba), "PNG")), expected)
    assert np.array_equal(load_photo(rgba), expected)
    assert np.array_equal(rgba, before)
    assert (load_photo(np.full((32, 32, 4), (0, 0, 0, 51), np.uint8)) == 204).all()
    turned = encoded(Image.fromarray(rgba), "PNG", exif=EXIF)
    assert np.array_equal(read(tmp_path, turned), np.rot90(expected, -1)), "and turned"


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame_counts_and_an_image_object_as_it_stands(tmp_path, kind):
    colours = {"red": [255, 0, 0], "blue": [0, 0, 255], "lime": [0, 255, 0]}
    frames = [Image.new("RGB", (32, 24), colour) for colour in colours]
    content = encoded(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True)
    assert (read(tmp_path, content) == [255, 0, 0]).all()
    with Image.open(tmp_path / "me.jpg") as image:
        for frame, colour in zip(ImageSequence.Iterator(image), colours.values(), strict=True):
            before = frame.tobytes(), image.tell()
            assert (load_photo(frame) == colour).all()
            assert before == (frame.tobytes(), image.tell()), "left alone"


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full((32, 32, 3), np.nan), r"beyond \[0, 1\] or not finite"),
        (np.full((32, 32, 3), 255.0), r"beyond \[0, 1\] or not finite"),
        (np.full((32, 32, 3), -1), "int64 values from -1 to -1"),
        (np.zeros((32, 32, 3), bool), "values of type bool"),
        (np.zeros((32, 32, 2), np.uint8), r"got \(32, 32, 2\)"),
        (np.zeros((400, 15, 3), np.uint8), "15 x 400 pixels: a photo needs at least 16 on each side"),
        (np.broadcast_to(np.uint8(0), (20_000, 20_000, 3)), "20000 x 20000 pixels"),
    ],
)
def test_bad_arrays_are_refused_with_what_was_found(array, message):
    with pytest.raises(ValueError, match=message):
        load_photo(array)


def test_what_is_no_photo_a_missing_file_a_folder_and_an_empty_file(tmp_path):
    for thing in (None, b"bytes", [[0, 0], [0, 0]]):
        with pytest.raises(TypeError, match=f"a path, a PIL image or a numpy array, got {type(thing).__name__}"):
            load_photo(thing)
    for path in (tmp_path / "none.jpg", tmp_path):
        with pytest.raises(FileNotFoundError, match="no photo at"):
            load_photo(path)
    assert "me.jpg is an empty file" in refusal(tmp_path, b"")


def test_what_is_no_image_or_a_part_of_one_named_jpg(tmp_path):
    whole = [encoded(Image.fromarray(NOISE), kind) for kind in ("PNG", "WEBP", "GIF", "BMP", "TIFF")]
    cut = [content[: int(0.7 * len(content))] for content in whole]
    for content in (b"this is text", b"\xff\xd8\xff", b"GIF89a", b"%!PS-Adobe", bytes(5000), *cut):
        text = refusal(tmp_path, content, "me\n\x1b[31m<b>\udcff.jpg")
        assert text.startswith(("me\\n\\x1b[31m<b>\\udcff.jpg is", "me\\n\\x1b[31m<b>\\udcff.jpg cannot"))


def test_too_many_pixels_are_refused_before_they_are_read(tmp_path):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 8000, 7000, 1, 0, 0, 0, 0))
    assert "51 megapixels are read" in refusal(tmp_path, b"\x89PNG\r\n\x1a\n" + header + chunk(b"IEND", b""))
    for size in ((8192, 6144), (6144, 8160), (16, 16)):  # those of cameras, and the smallest
        check_size(*size, "x")
    with pytest.raises(MemoryError), decoding("x"):
        raise MemoryError  # says nothing of the file
