"""Decoding of photos in memory."""

from __future__ import annotations

import cv2
import numpy as np


def decode_rgb(data: bytes, what: str) -> np.ndarray:
    """(H, W, 3) uint8 RGB of such a file; ValueError that names ``what`` it is if it is none."""
    image = decode(data)
    if image is None:
        raise ValueError(f"{what} cannot be decoded; expected a JPEG, PNG or WebP file")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def decode(data: bytes) -> np.ndarray | None:
    """(H, W, 3) uint8 BGR of a JPEG, PNG or WebP file; None if it is none, or has more pixels than OpenCV reads."""
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    except cv2.error:
        return None
