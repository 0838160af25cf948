"""PNG: the skeletons drawn on the photo, and the sheet of confidence maps."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from demo.drawing.overlays import draw_people, map_sheet
from fusion_model import Pose


def encode(poses: Pose | Sequence[Pose], photo: np.ndarray) -> bytes:
    """Draw the skeleton of a pose, or of the people of one photo, at the photo's own size.

    Args:
        poses: one pose, or several; the first ends on top.
        photo: (H, W, 3) uint8 RGB.

    Returns:
        A PNG of (H, W, 3).
    """
    return _png(draw_people(photo, [poses] if isinstance(poses, Pose) else poses))


def encode_maps(pose: Pose, photo: np.ndarray) -> bytes:
    """Draw one person's 16 confidence maps, and all of them together, on one sheet.

    Args:
        pose: whose maps.
        photo: (H, W, 3) uint8 RGB.

    Returns:
        A PNG of three rows of six pictures, each with its joint's name and confidence.
    """
    return _png(map_sheet(photo, pose))


def _png(picture: np.ndarray) -> bytes:
    """Encode (H, W, 3) uint8 RGB."""
    _, data = cv2.imencode(".png", picture[:, :, ::-1])
    return data.tobytes()
