"""Reading photos: whatever people upload becomes (H, W, 3) uint8 RGB, or one clear sentence says why not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from fusion_model.files import printable
from fusion_model.photos.colours import to_srgb
from fusion_model.photos.decoding import MAX_PIXELS, MIN_SIDE, check_size, decoding, loaded
from fusion_model.photos.files import read_picture
from fusion_model.photos.tiff import orientation

__all__ = ["MAX_PIXELS", "MIN_SIDE", "example_photo", "load_photo"]

_TURNS = dict(
    enumerate(
        (
            Image.Transpose.FLIP_LEFT_RIGHT,
            Image.Transpose.ROTATE_180,
            Image.Transpose.FLIP_TOP_BOTTOM,
            Image.Transpose.TRANSPOSE,
            Image.Transpose.ROTATE_270,
            Image.Transpose.TRANSVERSE,
            Image.Transpose.ROTATE_90,
        ),
        start=2,
    )
)
"""How the values 2 to 8 of EXIF turn a picture."""


def example_photo() -> np.ndarray:
    """The bundled example photo, (600, 512, 3) uint8 RGB: a portrait of Grace Hopper, in the public domain."""
    root = Path(__file__).parent
    folder = next(path for path in (root / "examples", root.parent / "assets" / "examples") if path.is_dir())
    return load_photo(folder / "hopper.jpg")


def load_photo(photo: np.ndarray | Image.Image | str | Path, *, turn: bool = True) -> np.ndarray:
    """Read a photo.

    Files and PIL images are turned by their EXIF entry and brought from their colour profile to sRGB where that is
    seen; of an animated file the first frame counts, a PIL image counts as it stands; transparency is laid on white;
    16-bit values are scaled down. Metadata that is faulty, or large, is ignored.

    Args:
        photo: path, PIL image, or array (H, W), (H, W, 3) or (H, W, 4): uint8, uint16,
            whole numbers 0 to 255, or floats in [0, 1].
        turn: whether to follow the EXIF entry; without, the picture stays as it is stored, as some labels want it.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        FileNotFoundError: if there is no such file.
        TypeError: for anything that is no photo.
        ValueError: if it cannot be decoded, or is too small or too large; says what was found.
    """
    if isinstance(photo, str | Path):
        return _from_pil(read_picture(Path(photo)), printable(Path(photo).name), turn)
    if isinstance(photo, Image.Image):
        return _from_pil(photo, "the image", turn)
    if isinstance(photo, np.ndarray):
        return _from_array(photo)
    raise TypeError(f"a photo is a path, a PIL image or a numpy array, got {type(photo).__name__}")


def _from_pil(image: Image.Image, name: str, turn: bool) -> np.ndarray:
    """Convert a PIL image of any mode, which is only read: an animated one counts as it stands."""
    image = loaded(image, name)
    with decoding(name):
        deep = image.mode == "F" or image.mode.startswith("I")
        image = image if deep else _opaque(image)
        image = _turned(image) if turn else image
        array = np.asarray(image if deep else to_srgb(image).convert("RGB"))
    if deep and array.dtype != np.uint16 and image.mode != "F":
        if array.min() < 0 or array.max() > 65535:
            raise ValueError(f"{name} has values from {array.min()} to {array.max()}: expected 0 to 65535")
        array = array.astype(np.uint16)  # whole numbers of a deep greyscale file
    clear = image.info.get("transparency")
    if array.dtype == np.uint16 and isinstance(clear, int):
        array = np.where(array == clear, np.uint16(65535), array)
    return _from_array(array, name)


def _opaque(image: Image.Image) -> Image.Image:
    """The image on white, if it has transparent pixels; its turn and colour profile stay."""
    if image.mode not in ("RGBA", "LA", "PA", "RGBa", "La") and image.info.get("transparency") is None:
        return image
    image = image.convert("RGBA")
    shown = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    shown.info = {key: image.info[key] for key in ("exif", "icc_profile") if key in image.info}
    return shown


def _turned(image: Image.Image) -> Image.Image:
    """The image as its EXIF entry turns it."""
    turn = _TURNS.get(orientation(image))
    return image if turn is None else image.transpose(turn)


def _from_array(array: np.ndarray, name: str = "the array") -> np.ndarray:
    """Check and convert an array."""
    if array.ndim == 2:
        array = np.repeat(array[:, :, None], 3, axis=2)
    if array.ndim != 3 or array.shape[2] not in (3, 4):
        raise ValueError(f"a photo array must be (H, W), (H, W, 3) or (H, W, 4), got {array.shape}")
    check_size(array.shape[1], array.shape[0], name)
    array = _scaled(array, name)
    if array.shape[2] == 4:
        alpha = array[:, :, 3:].astype(np.float32) / 255
        array = (array[:, :, :3] * alpha + 255 * (1 - alpha)).round().astype(np.uint8)
    return np.ascontiguousarray(array)


def _scaled(array: np.ndarray, name: str) -> np.ndarray:
    """Values of any accepted type as uint8."""
    if array.dtype == np.uint8:
        return array
    if array.dtype.newbyteorder("=") == np.uint16:
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
