"""What the network sees, drawn on the photo: the 2D skeleton and the joint confidence maps."""

from __future__ import annotations

import cv2
import numpy as np

from demo.palette import SIDES, opacity, rgb, title
from fusion_model import Pose
from fusion_model.crops import Crop
from fusion_model.skeletons import MPII_16, SKELETONS

MOST_PIXELS, LEAST_PIXELS = 1280, 640  # longer side of the drawn photo
MAP_SIZE = 224  # side of a drawn map
_SHIFT = 4  # OpenCV draws at sixteenths of a pixel
_OUTLINE = (16, 18, 22)


def draw_skeleton(photo: np.ndarray, pose: Pose) -> np.ndarray:
    """The photo with the 2D skeleton.

    Left and right have a colour each; the surer a joint, the more opaque; guessed joints are faded, those outside the
    photo are left out together with their bones.

    Args:
        photo: (H, W, 3) uint8 RGB.
        pose: the pose, in pixels of the photo.

    Returns:
        (H', W', 3) uint8 RGB: the photo, at most 1280 and at least 640 pixels on its longer side.
    """
    canvas, scale = _to_screen(photo)
    skeleton = SKELETONS[pose.skeleton]
    points = (pose.joints_2d + 0.5) * scale - 0.5
    alphas = [opacity(float(c), status) for c, status in zip(pose.confidence, pose.status, strict=True)]
    width = max(3, round(max(canvas.shape) / 180))
    for parent, child in skeleton.bones:
        alpha, ends = min(alphas[parent], alphas[child]), points[[parent, child]]
        if alpha > 0:
            side = skeleton.side(child) if skeleton.side(child) != "middle" else skeleton.side(parent)
            _blend_line(canvas, ends, _OUTLINE, alpha * 0.6, width + 4)
            _blend_line(canvas, ends, rgb(SIDES[side]), alpha, width)
    for joint, point in enumerate(points):
        if alphas[joint] > 0:
            ends = np.stack((point, point))
            _blend_line(canvas, ends, _OUTLINE, alphas[joint] * 0.8, 2 * width + 5)
            _blend_line(canvas, ends, rgb(SIDES[skeleton.side(joint)]), alphas[joint], 2 * width + 1)
    return canvas


def draw_maps(photo: np.ndarray, pose: Pose) -> list[tuple[np.ndarray, str]]:
    """The confidence maps laid over the crop that the network saw.

    Args:
        photo: (H, W, 3) uint8 RGB.
        pose: the pose with its (16, H', W') maps.

    Returns:
        17 pairs of a (224, 224, 3) uint8 RGB picture and its caption: all maps in one, then one for each joint.
    """
    crop = cut_crop(photo, pose)
    grey = np.repeat(crop.mean(2, keepdims=True), 3, axis=2) * 0.55
    maps = [_map_on_screen(heat) for heat in pose.heatmaps]
    every = grey.copy()
    pictures = []
    for number, (name, heat) in enumerate(zip(MPII_16.joints, maps, strict=True)):
        colour = np.array(rgb(SIDES[MPII_16.side(number)]), np.float32)
        every += (colour - every) * heat[:, :, None]
        glow = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)[:, :, ::-1]
        one = grey + (glow - grey) * heat[:, :, None]
        pictures.append((_bytes(one), f"{title(name)}: {float(pose.heatmaps[number].max()):.2f}"))
    return [(_bytes(every), "all joints"), *pictures]


def cut_crop(photo: np.ndarray, pose: Pose, size: int = MAP_SIZE) -> np.ndarray:
    """The window of the photo that the network saw, (size, size, 3) uint8 RGB, black beyond the photo."""
    x0, y0, x1, y1 = (float(value) for value in pose.box)
    return Crop(((x0 + x1) / 2, (y0 + y1) / 2), x1 - x0, pose.angle, size).cut(photo)


def _to_screen(photo: np.ndarray) -> tuple[np.ndarray, float]:
    """A copy of the photo at a size for screens, and by what it was scaled."""
    longest = max(photo.shape[:2])
    scale = min(max(longest, LEAST_PIXELS), MOST_PIXELS) / longest
    if scale == 1:
        return photo.copy(), 1.0
    height, width = (max(1, round(length * scale)) for length in photo.shape[:2])
    smooth = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(photo, (width, height), interpolation=smooth), scale


def _map_on_screen(heat: np.ndarray) -> np.ndarray:
    """One map as (224, 224) float32 in [0, 1], lifted a little so that low peaks can be seen."""
    large = cv2.resize(np.clip(heat, 0, 1).astype(np.float32), (MAP_SIZE, MAP_SIZE), interpolation=cv2.INTER_CUBIC)
    return np.clip(large, 0, 1) ** 0.7


def _blend_line(
    canvas: np.ndarray, ends: np.ndarray, colour: tuple[int, int, int], alpha: float, thickness: int
) -> None:
    """Draw a line with round ends into the canvas, in place; equal ends make a disc.

    Args:
        canvas: (H, W, 3) uint8.
        ends: (2, 2) pixels.
        colour: RGB.
        alpha: opacity in [0, 1].
        thickness: pixels.
    """
    height, width = canvas.shape[:2]
    low = np.maximum(np.floor(ends.min(0)) - thickness, 0).astype(int)
    high = np.minimum(np.ceil(ends.max(0)) + thickness + 1, (width, height)).astype(int)
    if (high <= low).any():
        return
    part = canvas[low[1] : high[1], low[0] : high[0]]
    mask = np.zeros(part.shape[:2], np.uint8)
    start, end = (tuple(int(v) for v in np.rint((point - low) * 2**_SHIFT)) for point in ends)
    cv2.line(mask, start, end, 255, thickness, cv2.LINE_AA, _SHIFT)
    weight = mask[:, :, None] * (alpha / 255)
    part[:] = _bytes(part + (np.array(colour) - part) * weight)


def _bytes(picture: np.ndarray) -> np.ndarray:
    """Values of 0 to 255, rounded."""
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)
