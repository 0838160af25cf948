"""Decoding of photos that lie in memory, whatever their bytes are."""

from __future__ import annotations

import cv2
import numpy as np


def decode(data: bytes | np.ndarray, flags: int = cv2.IMREAD_COLOR) -> np.ndarray | None:
    """(H, W, 3) uint8 BGR of a JPEG, PNG or WebP file; None if it is none, or has more pixels than OpenCV reads."""
    if not len(data):
        return None
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        return None
