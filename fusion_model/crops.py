"""Box -> square crop, turned by any angle -> back to the photo.

A crop is described by where it lies in the photo, as plain numbers, so that joints return exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

_LONGEST = 32_766  # pixels of a side that OpenCV 4 warps


@dataclass(frozen=True)
class Crop:
    """A square of a photo, turned by any angle.

    Attributes:
        center: x, y in pixels of the photo (pixel centers are whole numbers).
        side: length of the square's side in pixels of the photo.
        angle: degrees by which the square is turned clockwise as seen on the screen (y down). A person whose body
            axis is turned by this angle stands upright in the crop.
        size: pixels of the crop's side.
    """

    center: tuple[float, float]
    side: float
    angle: float
    size: int

    @property
    def matrix(self) -> np.ndarray:
        """(2, 3) float64: photo pixels -> crop pixels."""
        scale = self.size / self.side
        cosine, sine = np.cos(np.deg2rad(self.angle)) * scale, np.sin(np.deg2rad(self.angle)) * scale
        turn = np.array([[cosine, sine], [-sine, cosine]])
        middle = (self.size - 1) / 2
        return np.column_stack((turn, middle - turn @ np.asarray(self.center, float)))

    def to_crop(self, points: np.ndarray) -> np.ndarray:
        """(..., 2) photo pixels -> crop pixels."""
        matrix = self.matrix
        return np.asarray(points, float) @ matrix[:, :2].T + matrix[:, 2]

    def to_photo(self, points: np.ndarray) -> np.ndarray:
        """(..., 2) crop pixels -> photo pixels."""
        matrix = self.matrix
        return (np.asarray(points, float) - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T

    def turn_back(self, joints_3d: np.ndarray) -> np.ndarray:
        """(..., 3) camera axes of the crop -> camera axes of the photo: a turn about z."""
        cosine, sine = np.cos(np.deg2rad(self.angle)), np.sin(np.deg2rad(self.angle))
        turn = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
        return np.asarray(joints_3d, float) @ turn.T

    def cut(self, photo: np.ndarray) -> np.ndarray:
        """Sample the square: (H, W, 3) uint8 -> (size, size, 3) uint8, black beyond the photo."""
        shrink = self.side / self.size
        matrix = self.matrix
        if shrink > 2:  # average before sampling, else fine texture turns into noise
            factor = 1 / (shrink / 1.5)
            height, width = (max(1, round(length * factor)) for length in photo.shape[:2])
            scale = np.array([width / photo.shape[1], height / photo.shape[0]])
            photo = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA)
            # centers: small = (large + 0.5) * scale - 0.5
            matrix = np.column_stack((matrix[:, :2] / scale, matrix[:, 2] + matrix[:, :2] @ (0.5 / scale - 0.5)))
        if max(photo.shape[:2]) > _LONGEST:  # what lies within a side of the middle
            middle = np.linalg.solve(matrix[:, :2], (self.size - 1) / 2 - matrix[:, 2])
            reach = self.size / np.linalg.det(matrix[:, :2]) ** 0.5 + 2
            low = np.clip(middle - reach, 0, np.array(photo.shape[1::-1]) - 1).astype(int)
            high = np.maximum(middle + reach, low + 1).astype(int)
            photo = np.ascontiguousarray(photo[low[1] : high[1], low[0] : high[0]])
            matrix = np.column_stack((matrix[:, :2], matrix[:, 2] + matrix[:, :2] @ low))
        return cv2.warpAffine(photo, matrix, (self.size, self.size), flags=cv2.INTER_LINEAR)


def crop_of_box(box: np.ndarray, size: int, margin: float, angle: float = 0.0) -> Crop:
    """The square crop round a tight box, turned about the box's center.

    Args:
        box: (4,) x0, y0, x1, y1 in pixels of the photo.
        size: pixels of the crop's side.
        margin: side of the square over the box's longer side.
        angle: see :class:`Crop`.
    """
    x0, y0, x1, y1 = (float(value) for value in box)
    return Crop(((x0 + x1) / 2, (y0 + y1) / 2), margin * max(x1 - x0, y1 - y0), angle, size)


def letterbox(width: int, height: int, size: int) -> Crop:
    """The crop that shows a whole photo in ``size`` x ``size`` pixels."""
    return Crop(((width - 1) / 2, (height - 1) / 2), float(max(width, height)), 0.0, size)


def body_angle(thorax: np.ndarray, pelvis: np.ndarray) -> float:
    """Degrees by which a crop must be turned to show the body upright.

    Args:
        thorax: (2,) x, y, y down.
        pelvis: (2,).
    """
    x, y = np.asarray(thorax, float) - np.asarray(pelvis, float)
    return float(np.rad2deg(np.arctan2(x, -y)))
