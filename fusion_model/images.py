"""Reading photos: whatever people upload becomes (H, W, 3) uint8 RGB, or one clear sentence says why not."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

LEAST_SIDE = 16
MOST_PIXELS = 50_000_000


def load_photo(photo: np.ndarray | Image.Image | str | Path) -> np.ndarray:
    """Read a photo.

    Files and PIL images are turned by their EXIF entry; of an animated one the first frame counts; transparency is
    laid on white; 16-bit values are scaled down.

    Args:
        photo: path, PIL image, or array (H, W), (H, W, 3) or (H, W, 4): uint8, uint16, or float in [0, 1].

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
    msg = f"a photo is a path, a PIL image or a numpy array, got {type(photo).__name__}"
    raise TypeError(msg)


def _from_file(path: Path) -> np.ndarray:
    """Decode a file, its size checked before its pixels are read."""
    if not path.is_file():
        msg = f"no photo at {path}"
        raise FileNotFoundError(msg)
    if path.stat().st_size == 0:
        msg = f"{path.name} is an empty file: expected a photo (JPEG, PNG, WebP, ...)"
        raise ValueError(msg)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # _check_size refuses with clearer words
            with Image.open(path) as image:
                return _from_pil(image, path.name)
    except UnidentifiedImageError as error:
        msg = f"{path.name} is not a photo that can be read: expected JPEG, PNG, WebP, GIF, BMP or TIFF"
        raise ValueError(msg) from error
    except Image.DecompressionBombError as error:
        msg = f"{path.name} has too many pixels: at most {MOST_PIXELS // 1_000_000} megapixels are read"
        raise ValueError(msg) from error


def _from_pil(image: Image.Image, name: str) -> np.ndarray:
    """Convert a PIL image of any mode."""
    _check_size(image.width, image.height, name)
    try:
        image.seek(0)
        image = ImageOps.exif_transpose(image)
        if image.mode.startswith("I") or image.mode == "F":
            return _from_array(_scaled(np.asarray(image), name))
        if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
            image = image.convert("RGBA")
            white = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(white, image)
        return np.array(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        msg = f"{name} is damaged or cut off and cannot be decoded ({error}): save or upload it again"
        raise ValueError(msg) from error


def _from_array(array: np.ndarray) -> np.ndarray:
    """Check and convert an array."""
    if array.ndim == 2:
        array = np.repeat(array[:, :, None], 3, axis=2)
    if array.ndim != 3 or array.shape[2] not in (3, 4):
        msg = f"a photo array must be (H, W), (H, W, 3) or (H, W, 4), got {array.shape}"
        raise ValueError(msg)
    _check_size(array.shape[1], array.shape[0], "the array")
    array = _scaled(array, "the array")
    if array.shape[2] == 4:
        alpha = array[:, :, 3:].astype(np.float32) / 255
        array = (array[:, :, :3] * alpha + 255 * (1 - alpha)).round().astype(np.uint8)
    return np.ascontiguousarray(array)


def _scaled(array: np.ndarray, name: str) -> np.ndarray:
    """Values of any accepted type as uint8."""
    if array.dtype == np.uint8:
        return array
    if np.issubdtype(array.dtype, np.integer):
        if array.size and (array.min() < 0 or array.max() > 65535):
            msg = f"{name} has values from {array.min()} to {array.max()}: expected 0 to 65535"
            raise ValueError(msg)
        return (array.astype(np.uint32) // 257).astype(np.uint8)
    if np.issubdtype(array.dtype, np.floating):
        if not np.isfinite(array).all() or array.min() < 0 or array.max() > 1:
            msg = f"{name} holds floats beyond [0, 1] or not finite: expected uint8, or floats in [0, 1]"
            raise ValueError(msg)
        return (array * 255).round().astype(np.uint8)
    msg = f"{name} has values of type {array.dtype}: expected uint8, uint16, or floats in [0, 1]"
    raise ValueError(msg)


def _check_size(width: int, height: int, name: str) -> None:
    """Refuse what is too small to show a person or too large to hold in memory."""
    if min(width, height) < LEAST_SIDE:
        msg = f"{name} is {width} x {height} pixels: a photo needs at least {LEAST_SIDE} on each side"
        raise ValueError(msg)
    if width * height > MOST_PIXELS:
        limit = MOST_PIXELS // 1_000_000
        msg = f"{name} is {width} x {height} pixels: at most {limit} megapixels are read, make it smaller first"
        raise ValueError(msg)
