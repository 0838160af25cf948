"""Reading photos: whatever people upload becomes (H, W, 3) uint8 RGB, or one clear sentence says why not."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

MIN_SIDE = 16
MAX_PIXELS = 50_000_000
_FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF")  # none that starts another program
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, OverflowError, struct.error)


def example_photo() -> np.ndarray:
    """The bundled example photo, (600, 512, 3) uint8 RGB: a portrait of Grace Hopper, in the public domain."""
    root = Path(__file__).parent
    folder = next(path for path in (root / "examples", root.parent / "assets" / "examples") if path.is_dir())
    return load_photo(folder / "hopper.jpg")


def load_photo(photo: np.ndarray | Image.Image | str | Path) -> np.ndarray:
    """Read a photo.

    Files and PIL images are turned by their EXIF entry; of an animated one the first frame counts; transparency is
    laid on white; 16-bit values are scaled down.

    Args:
        photo: path, PIL image, or array (H, W), (H, W, 3) or (H, W, 4): uint8, uint16,
            whole numbers 0 to 255, or floats in [0, 1].

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        FileNotFoundError: if there is no such file.
        TypeError: for anything that is no photo.
        ValueError: if it cannot be decoded, or is too small or too large; says what was found.
    """
    if isinstance(photo, str | Path):
        return _from_file(Path(photo))
    if isinstance(photo, Image.Image):
        return _from_pil(photo, "the image")
    if isinstance(photo, np.ndarray):
        return _from_array(photo)
    raise TypeError(f"a photo is a path, a PIL image or a numpy array, got {type(photo).__name__}")


def _from_file(path: Path) -> np.ndarray:
    """Decode a file, its size checked before its pixels are read."""
    if not path.is_file():
        raise FileNotFoundError(f"no photo at {path}")
    if path.stat().st_size == 0:
        raise ValueError(f"{path.name} is an empty file: expected a photo (JPEG, PNG, WebP, ...)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # _check_size refuses with clearer words
            Image.init()  # fills Image.OPEN with what this build of Pillow reads
            with Image.open(path, formats=[name for name in _FORMATS if name in Image.OPEN]) as image:
                return _from_pil(image, path.name)
    except UnidentifiedImageError as error:
        what = "a HEIC photo, which is not read" if _is_heic(path) else "not a photo that can be read"
        raise ValueError(f"{path.name} is {what}: expected JPEG, PNG, WebP, GIF, BMP or TIFF") from error
    except Image.DecompressionBombError as error:
        raise ValueError(
            f"{path.name} has too many pixels: at most {MAX_PIXELS // 1_000_000} megapixels are read"
        ) from error
    except OSError as error:
        raise ValueError(f"{path.name} cannot be opened ({error}): save or upload it again") from error


def _is_heic(path: Path) -> bool:
    """Whether a file says that it is of the kind that telephones take."""
    with path.open("rb") as file:
        head = file.read(12)
    return head[4:8] == b"ftyp" and head[8:] in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")


def _from_pil(image: Image.Image, name: str) -> np.ndarray:
    """Convert a PIL image of any mode."""
    _check_size(image.width, image.height, name)
    try:
        image.seek(0)
        image.load()
        image = ImageOps.exif_transpose(image)
        if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        deep = image.mode == "F" or image.mode.startswith("I")
        array = np.asarray(image if deep else image.convert("RGB"))
    except _DAMAGE as error:
        raise ValueError(
            f"{name} is damaged or cut off and cannot be decoded ({error}): save or upload it again"
        ) from error
    if deep and array.dtype != np.uint16 and image.mode != "F":
        if array.min() < 0 or array.max() > 65535:
            raise ValueError(f"{name} has values from {array.min()} to {array.max()}: expected 0 to 65535")
        array = array.astype(np.uint16)  # whole numbers of a deep greyscale file
    return _from_array(array, name)


def _from_array(array: np.ndarray, name: str = "the array") -> np.ndarray:
    """Check and convert an array."""
    if array.ndim == 2:
        array = np.repeat(array[:, :, None], 3, axis=2)
    if array.ndim != 3 or array.shape[2] not in (3, 4):
        raise ValueError(f"a photo array must be (H, W), (H, W, 3) or (H, W, 4), got {array.shape}")
    _check_size(array.shape[1], array.shape[0], name)
    array = _scaled(array, name)
    if array.shape[2] == 4:
        alpha = array[:, :, 3:].astype(np.float32) / 255
        array = (array[:, :, :3] * alpha + 255 * (1 - alpha)).round().astype(np.uint8)
    return np.ascontiguousarray(array)


def _scaled(array: np.ndarray, name: str) -> np.ndarray:
    """Values of any accepted type as uint8."""
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.uint16:
        return ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if np.issubdtype(array.dtype, np.integer):
        if array.min() < 0 or array.max() > 255:
            raise ValueError(
                f"{name} has {array.dtype} values from {array.min()} to {array.max()}: expected uint8 or uint16"
            )
        return array.astype(np.uint8)
    if np.issubdtype(array.dtype, np.floating):
        if not np.isfinite(array).all() or array.min() < 0 or array.max() > 1:
            raise ValueError(f"{name} holds floats beyond [0, 1] or not finite: expected uint8, or floats in [0, 1]")
        return (array * 255).round().astype(np.uint8)
    raise ValueError(f"{name} has values of type {array.dtype}: expected uint8, uint16, or floats in [0, 1]")


def _check_size(width: int, height: int, name: str) -> None:
    """Refuse what is too small to show a person or too large to hold in memory."""
    if min(width, height) < MIN_SIDE:
        raise ValueError(f"{name} is {width} x {height} pixels: a photo needs at least {MIN_SIDE} on each side")
    if width * height > MAX_PIXELS:
        limit = MAX_PIXELS // 1_000_000
        raise ValueError(
            f"{name} is {width} x {height} pixels: at most {limit} megapixels are read, make it smaller first"
        )
