"""What stands behind people: photos from a folder, or rooms, streets, fields and studios built of simple things."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from train.synthesis.builder import Builder
from train.synthesis.indoors import room, studio
from train.synthesis.outdoors import field, street

_PHOTOS = (".jpg", ".jpeg", ".png", ".webp")
BUILDERS: dict[str, Callable[[Builder], None]] = {"room": room, "street": street, "field": field, "studio": studio}


class PhotoFolder:
    """Photos to put behind people.

    Args:
        folder: with JPEG, PNG or WebP files, in it or below.

    Raises:
        FileNotFoundError: if there is no such folder, or no photo in it.
    """

    def __init__(self, folder: Path) -> None:
        self.paths = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in _PHOTOS)
        if not self.paths:
            kinds = ", ".join(_PHOTOS)
            raise FileNotFoundError(f"no photos ({kinds}) in {folder}: name a folder that has some, or none at all")

    def draw(self, generator: np.random.Generator, size: int) -> np.ndarray:
        """A random square of a random photo, (size, size, 3) uint8, mirrored half of the time."""
        photo = _read(self.paths[int(generator.integers(len(self.paths)))])
        height, width = photo.shape[:2]
        side = int(min(height, width) * generator.uniform(0.55, 1.0))
        top, left = int(generator.integers(height - side + 1)), int(generator.integers(width - side + 1))
        square = photo[top : top + side, left : left + side]
        how = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
        square = cv2.resize(square, (size, size), interpolation=how)
        return np.ascontiguousarray(square[:, ::-1] if generator.random() < 0.5 else square)


@lru_cache(maxsize=64)
def _read(path: Path) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{path} cannot be read as a photo: remove it from the folder of backgrounds")
    scale = 640 / min(image.shape[:2])
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
