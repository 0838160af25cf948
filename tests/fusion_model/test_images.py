"""Whatever people upload becomes (H, W, 3) uint8 RGB, or one clear sentence says why not."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageSequence

from fusion_model.images import MAX_PIXELS, MIN_SIDE, load_photo

RNG = np.random.default_rng(0)
PHOTO = np.repeat(np.repeat(RNG.integers(0, 256, (4, 6, 3), np.uint8), 8, 0), 8, 1)  # 48 wide, 32 high


def saved(tmp_path, image, name, **options):
    path = tmp_path / name
    image.save(path, **options)
    return path


def assert_refused(photo, message, kind=ValueError):
    """In a message for people: one line, no type names of exceptions, no address in memory."""
    with pytest.raises(kind, match=message) as error:
        load_photo(photo)
    text = str(error.value)
    assert "\n" not in text
    assert "Traceback" not in text
    assert " object at 0x" not in text
    return text


def png_header(path, width, height):
    """A PNG that says how large it is, and has no pixels."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tiff", "a.webp"])
def test_a_file_and_its_path_as_text(tmp_path, name):
    path = saved(tmp_path, Image.fromarray(PHOTO), name, **({"lossless": True} if name == "a.webp" else {}))
    assert np.array_equal(load_photo(path), PHOTO)
    assert np.array_equal(load_photo(str(path)), PHOTO)


def test_jpeg_keeps_its_colours(tmp_path):
    photo = np.full((32, 40, 3), (200, 30, 60), np.uint8)
    found = load_photo(saved(tmp_path, Image.fromarray(photo), "a.jpg", quality=95))
    assert np.abs(found.astype(int) - photo).max() <= 4


def test_the_name_does_not_decide_the_format(tmp_path):
    path = saved(tmp_path, Image.fromarray(PHOTO), "a.png").rename(tmp_path / "a.jpg")
    assert np.array_equal(load_photo(path), PHOTO)


FLOATS = PHOTO.astype(np.float32) / 255


@pytest.mark.parametrize(
    "given", [PHOTO, Image.fromarray(PHOTO), PHOTO.astype(np.int64), PHOTO.astype(np.uint16) * 257, FLOATS, PHOTO / 255]
)
def test_an_array_of_any_type_and_a_pil_image(given):
    before = np.array(given)
    assert np.array_equal(load_photo(given), PHOTO)
    assert np.array_equal(given, before)


def test_a_view_of_an_array():
    view = PHOTO[::-1, ::-1]
    assert load_photo(view).flags.c_contiguous
    assert np.array_equal(load_photo(view), view)


def test_greyscale_files_and_arrays(tmp_path):
    grey = PHOTO[:, :, 0]
    expected = np.stack((grey,) * 3, 2)
    assert np.array_equal(load_photo(saved(tmp_path, Image.fromarray(grey), "grey.png")), expected)
    assert np.array_equal(load_photo(grey), expected)
    assert np.array_equal(load_photo(Image.fromarray(FLOATS[:, :, 0])), expected)
    one = Image.fromarray(grey > 127)
    assert np.array_equal(load_photo(saved(tmp_path, one, "one.png"))[:, :, 1], np.where(grey > 127, 255, 0))


def test_sixteen_bits_are_scaled_not_clipped(tmp_path):
    deep = PHOTO[:, :, 0].astype(np.uint16) * 257
    path = saved(tmp_path, Image.fromarray(deep), "deep.png")
    with Image.open(path) as image:
        assert image.mode.startswith("I")
    assert np.array_equal(load_photo(path)[:, :, 2], PHOTO[:, :, 0])
    assert np.array_equal(load_photo(deep)[:, :, 0], PHOTO[:, :, 0])
    dark = np.full((32, 32), 255 * 64, np.uint16)  # a quarter of white, although no value is above 16320
    assert load_photo(dark).max() == 64
    assert np.array_equal(
        load_photo(saved(tmp_path, Image.fromarray(deep.astype(np.int32)), "i.tiff"))[:, :, 0], PHOTO[:, :, 0]
    )


def test_deep_values_beyond_sixteen_bits_are_refused(tmp_path):
    path = saved(tmp_path, Image.fromarray(np.full((32, 32), 70_000, np.int32)), "i.tiff")
    assert_refused(path, r"i\.tiff has values from 70000 to 70000: expected 0 to 65535")


def test_transparency_is_laid_on_white(tmp_path):
    alpha = np.full((*PHOTO.shape[:2], 1), 255, np.uint8)
    alpha[:, 24:] = 0
    rgba = np.concatenate((PHOTO, alpha), 2)
    before, expected = rgba.copy(), np.where(alpha > 0, PHOTO, 255)
    assert np.array_equal(load_photo(saved(tmp_path, Image.fromarray(rgba), "rgba.png")), expected)
    assert np.array_equal(load_photo(rgba), expected)
    assert np.array_equal(rgba, before)
    grey = Image.fromarray(PHOTO[:, :, 0]).convert("LA")
    grey.putalpha(Image.fromarray(alpha[:, :, 0]))
    found = load_photo(saved(tmp_path, grey, "la.png"))
    assert np.array_equal(found, np.where(alpha > 0, PHOTO[:, :, :1], 255).repeat(3, 2))
    half = np.full((32, 32, 4), (0, 0, 0, 51), np.uint8)
    assert (load_photo(half) == 204).all()


def test_a_palette_with_a_transparent_colour(tmp_path):
    indices = np.zeros((32, 32), np.uint8)
    indices[:, 16:] = 1
    image = Image.fromarray(indices)
    image.putpalette([10, 20, 30, 200, 100, 50])
    plain = load_photo(saved(tmp_path, image, "plain.png"))
    assert plain[0, 0].tolist() == [10, 20, 30]
    assert plain[0, 31].tolist() == [200, 100, 50]
    path = saved(tmp_path, image, "p.png", transparency=1)
    with Image.open(path) as found:
        assert found.mode == "P"
    clear = load_photo(path)
    assert clear[0, 0].tolist() == [10, 20, 30]
    assert clear[0, 31].tolist() == [255, 255, 255]


def test_cmyk_jpeg(tmp_path):
    path = saved(tmp_path, Image.new("CMYK", (40, 32), (0, 255, 255, 0)), "cmyk.jpg", quality=95)
    photo = load_photo(path)
    assert photo.shape == (32, 40, 3)
    assert np.abs(photo.astype(int) - [255, 0, 0]).max() <= 5  # magenta and yellow ink are red


@pytest.mark.parametrize(
    ("orientation", "as_seen"),
    [(1, lambda a: a), (2, np.fliplr), (3, lambda a: a[::-1, ::-1]), (6, lambda a: np.rot90(a, -1)), (8, np.rot90)],
)
def test_exif_turns_the_photo(tmp_path, orientation, as_seen):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path, Image.fromarray(PHOTO), "turned.png", exif=exif)
    assert np.array_equal(load_photo(path), as_seen(PHOTO))
    with Image.open(path) as image:
        assert np.array_equal(load_photo(image), as_seen(PHOTO))


def test_a_photo_as_it_is_stored(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path, Image.fromarray(PHOTO), "turned.png", exif=exif)
    assert np.array_equal(load_photo(path, turn=False), PHOTO)
    with Image.open(path) as image:
        assert np.array_equal(load_photo(image, turn=False), PHOTO)


def test_exif_turns_a_photo_with_transparent_pixels(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path, Image.fromarray(PHOTO).convert("RGBA"), "turned.png", exif=exif)
    assert np.array_equal(load_photo(path), np.rot90(PHOTO, -1))


def test_the_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("RGB", (32, 24), colour) for colour in ("red", "blue", "lime")]
    for name in ("a.gif", "a.webp", "a.png"):
        options = {"append_images": frames[1:], "duration": 50, **({"lossless": True} if name == "a.webp" else {})}
        path = saved(tmp_path, frames[0], name, save_all=True, **options)
        assert (load_photo(path) == [255, 0, 0]).all(), name


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.tiff"])
def test_an_image_object_counts_as_it_stands_and_is_left_alone(tmp_path, name):
    colours = {"red": [255, 0, 0], "blue": [0, 0, 255], "lime": [0, 255, 0]}
    frames = [Image.new("RGB", (32, 24), colour) for colour in colours]
    options = {"lossless": True} if name == "a.webp" else {}
    path = saved(tmp_path, frames[0], name, save_all=True, append_images=frames[1:], **options)
    with Image.open(path) as image:
        for number, frame in enumerate(ImageSequence.Iterator(image)):
            before = frame.tobytes(), frame.mode, frame.size, dict(frame.info)
            assert (load_photo(frame) == [*colours.values()][number]).all()
            assert image.tell() == number
            assert before == (frame.tobytes(), frame.mode, frame.size, dict(frame.info))
        assert number == 2


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full((32, 32, 3), np.nan), "beyond \\[0, 1\\] or not finite"),
        (np.full((32, 32, 3), np.inf), "beyond \\[0, 1\\] or not finite"),
        (np.full((32, 32, 3), 255.0), "beyond \\[0, 1\\] or not finite"),
        (np.full((32, 32, 3), -0.1), "beyond \\[0, 1\\] or not finite"),
        (np.full((32, 32, 3), -1), "int64 values from -1 to -1"),
        (np.full((32, 32, 3), 256), "int64 values from 256 to 256"),
        (np.zeros((32, 32, 3), bool), "values of type bool"),
        (np.zeros((32, 32, 3), complex), "values of type complex"),
        (np.full((32, 32, 3), "x"), "values of type <U1"),
        (np.full((32, 32, 3), None), "values of type object"),
        (np.zeros((32, 32, 2), np.uint8), r"got \(32, 32, 2\)"),
        (np.zeros((3, 32, 32), np.uint8), r"got \(3, 32, 32\)"),
        (np.zeros((1, 32, 32, 3), np.uint8), r"got \(1, 32, 32, 3\)"),
        (np.zeros(32, np.uint8), r"got \(32,\)"),
        (np.zeros((0, 0, 3), np.uint8), "0 x 0 pixels"),
        (np.zeros((0, 32), np.float32), "32 x 0 pixels"),
        (np.zeros((1, 1, 3), np.uint8), "1 x 1 pixels"),
        (np.zeros((400, MIN_SIDE - 1, 3), np.uint8), "15 x 400 pixels"),
        (np.broadcast_to(np.uint8(0), (20_000, 20_000, 3)), "20000 x 20000 pixels"),
    ],
)
def test_bad_arrays_are_refused_with_what_was_found(array, message):
    text = assert_refused(array, message)
    assert "expected" in text or "must be" in text or "pixels" in text


@pytest.mark.parametrize("thing", [None, 7, b"bytes", [[0, 0], [0, 0]], {"path": "x"}])
def test_what_is_no_photo_is_a_type_error(thing):
    with pytest.raises(TypeError, match=f"a path, a PIL image or a numpy array, got {type(thing).__name__}"):
        load_photo(thing)


def test_a_missing_file_and_a_folder(tmp_path):
    for path in (tmp_path / "none.jpg", tmp_path):
        assert_refused(path, "no photo at", FileNotFoundError)


def test_an_empty_file(tmp_path):
    (tmp_path / "void.jpg").touch()
    assert_refused(tmp_path / "void.jpg", r"void\.jpg is an empty file")


@pytest.mark.parametrize(
    "content", [b"this is text", b"\xff\xd8\xff", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"BM", b"%!PS-Adobe", bytes(5000)]
)
def test_what_is_no_image_named_jpg(tmp_path, content):
    path = tmp_path / "note.jpg"
    path.write_bytes(content)
    assert_refused(path, r"note\.jpg (is|cannot)")


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.gif", "a.bmp", "a.tiff"])
@pytest.mark.parametrize("fraction", [0.3, 0.7])
def test_a_truncated_file(tmp_path, name, fraction):
    noise = RNG.integers(0, 256, (200, 300, 3), np.uint8)
    path = saved(tmp_path, Image.fromarray(noise), name)
    content = path.read_bytes()
    path.write_bytes(content[: int(fraction * len(content))])
    assert_refused(path, f"{name} (is|cannot)")


def test_one_pixel(tmp_path):
    dot = saved(tmp_path, Image.new("RGB", (1, 1)), "dot.png")
    assert_refused(dot, r"dot\.png is 1 x 1 pixels: a photo needs at least 16 on each side")
    assert load_photo(saved(tmp_path, Image.new("RGB", (16, 16)), "small.png")).shape == (16, 16, 3)


def test_too_many_pixels_are_refused_before_they_are_read(tmp_path):
    for width, height in ((20_000, 20_000), (8000, 7000), (60_000, 60_000)):
        assert_refused(png_header(tmp_path / "huge.png", width, height), r"huge\.png .*51 megapixels are read")
    assert 8192 * 6144 < MAX_PIXELS == 51_000_000
