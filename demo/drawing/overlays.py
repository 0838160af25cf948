"""Skeleton and confidence maps, drawn on the photo."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np
import torch
from torchvision.utils import make_grid

from fusion_model import Pose
from fusion_model.crops import Crop
from fusion_model.drawing import SHIFT, SIDE_COLOURS, bone_side, fixed_point
from fusion_model.skeletons import MPII_16, SKELETONS

FADED = 0.35  # opacity of guessed joints
_MIN_OPACITY = 0.5  # of seen joints, at confidence 0
_DARK, _LIGHT = (20, 20, 20), (245, 245, 245)  # rims and frames

_Draw = Callable[[np.ndarray, np.ndarray], None]  # draws on a part of the picture, whose corner lies at x, y


def joint_opacity(pose: Pose, min_confidence: float = 0.0) -> np.ndarray:
    """(J,) opacity: by confidence if seen, faded if guessed, 0 if outside or below ``min_confidence``."""
    seen = _MIN_OPACITY + (1 - _MIN_OPACITY) * np.clip(pose.confidence, 0, 1)
    by_status = {"seen": seen, "guessed": np.full_like(seen, FADED), "outside": np.zeros_like(seen)}
    opacity = np.array([by_status[status][joint] for joint, status in enumerate(pose.status)])
    return np.where(pose.confidence >= min_confidence, opacity, 0.0)


def draw_people(
    photo: np.ndarray,
    poses: Sequence[Pose],
    boxes: Mapping[str, np.ndarray] | None = None,
    max_side: int | None = None,
    min_confidence: float = 0.0,
    min_side: int = 0,
) -> np.ndarray:
    """Draw 2D skeletons and boxes on a photo.

    Args:
        photo: (H, W, 3) uint8 RGB.
        poses: whose joints are drawn, the first on top; not those outside, nor bones that end there.
        boxes: (4,) x0, y0, x1, y1 in pixels of the photo, by the name that is written on them; it may be empty.
        max_side: the picture is shrunk until its longer side has at most that many pixels.
        min_confidence: joints below it are left out.
        min_side: the picture is enlarged until its longer side has so many pixels: lines are fine on small photos, too.

    Returns:
        (H', W', 3) uint8 RGB; the photo itself is not changed.
    """
    longer = max(photo.shape[:2])
    scale = max(min_side, min(max_side or longer, longer)) / longer
    size = [max(1, round(length * scale)) for length in photo.shape[1::-1]]
    picture = cv2.resize(photo, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    factor = np.array(picture.shape[1::-1]) / photo.shape[1::-1]
    corners = {
        name: np.rint((np.asarray(box, float).reshape(2, 2) + 0.5) * factor - 0.5).astype(int)
        for name, box in (boxes or {}).items()
    }
    for box in corners.values():
        _frame(picture, box)
    for pose in reversed(poses):
        _skeleton(picture, pose, factor, min_confidence)
    for name, box in reversed(corners.items()):  # last: no frame or limb hides a name
        _badge(picture, box[0], name)
    return picture


def map_pictures(
    photo: np.ndarray, pose: Pose, size: int = 224, joints: Sequence[str] = MPII_16.joints
) -> list[tuple[np.ndarray, str]]:
    """The confidence maps over the crop that the network saw.

    Args:
        photo: (H, W, 3) uint8 RGB.
        pose: whose maps.
        size: side of each picture in pixels.
        joints: names of the joints whose maps to draw, at least one.

    Returns:
        Overlay of these maps first, then one for each: (size, size, 3) uint8 RGB and its caption, with the confidence
        of the pose, or the height of the map's peak if the pose lacks the joint.
    """
    x0, y0, x1, y1 = (float(value) for value in pose.box)
    crop = Crop(((x0 + x1) / 2, (y0 + y1) / 2), x1 - x0, float(pose.angle), size).cut(photo)
    skeleton, wanted = SKELETONS[pose.skeleton], [MPII_16.index(name) for name in joints]
    maps = [cv2.resize(pose.heatmaps[k], (size, size), interpolation=cv2.INTER_LINEAR) for k in wanted]
    every = "all joints" if len(maps) == len(MPII_16) else "these joints"
    pictures = [(_glow(crop, np.max(maps, axis=0)), every)]
    for name, k, heat in zip(joints, wanted, maps, strict=True):
        known = name in skeleton.joints
        sure = f"{pose.confidence[skeleton.index(name)]:.2f}" if known else f"peak {pose.heatmaps[k].max():.2f}"
        pictures.append((_glow(crop, heat), f"{name.replace('_', ' ')} {sure}"))
    return pictures


def map_sheet(photo: np.ndarray, pose: Pose, size: int = 192) -> np.ndarray:
    """All pictures of :func:`map_pictures` with their captions on one sheet of six columns, (H, W, 3) uint8 RGB."""
    pictures = map_pictures(photo, pose, size)
    for picture, caption in pictures:
        _badge(picture, np.zeros(2, int), caption, size=size / 480)
    tiles = [torch.from_numpy(picture).permute(2, 0, 1) for picture, _ in pictures]
    return make_grid(tiles, nrow=6, padding=4, pad_value=255).permute(1, 2, 0).contiguous().numpy()


def _glow(crop: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Lay a map on the crop: the dimmed grey photo where it is 0, brighter and warmer the higher it is."""
    grey = 0.5 * crop.mean(2, keepdims=True, dtype=np.float32)
    levels = np.rint(255 * np.clip(heat, 0, 1) ** 0.8).astype(np.uint8)
    colours = cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[:, :, ::-1]
    return np.rint(255 - (255 - grey) * (1 - colours / 255)).astype(np.uint8)  # light adds to light: never darker


def _skeleton(picture: np.ndarray, pose: Pose, factor: np.ndarray, min_confidence: float) -> None:
    """One person's bones and joints, on a picture that is ``factor`` times the photo's size."""
    points = (pose.joints_2d + 0.5) * factor - 0.5
    opacity, width = joint_opacity(pose, min_confidence), line_width(pose, points)
    skeleton = SKELETONS[pose.skeleton]
    for bone in skeleton.bones:
        strength = float(opacity[list(bone)].min())
        if strength > 0:
            _bone(picture, points[list(bone)], SIDE_COLOURS[bone_side(skeleton, bone)], strength, width)
    for joint in np.flatnonzero(opacity):
        colour = SIDE_COLOURS[skeleton.side(joint)]
        _dot(picture, points[joint], colour, float(opacity[joint]), width, hollow=pose.status[joint] != "seen")


def _frame(picture: np.ndarray, corners: np.ndarray) -> None:
    """A light frame with a dark rim, through two corners (2, 2)."""
    start, end = corners.tolist()
    width = _frame_width(picture)
    cv2.rectangle(picture, start, end, _DARK, width + 2, cv2.LINE_AA)
    cv2.rectangle(picture, start, end, _LIGHT, width, cv2.LINE_AA)


def _frame_width(picture: np.ndarray) -> int:
    """Pixels of a frame's lines."""
    return max(1, round(max(picture.shape[:2]) / 400))


def _badge(picture: np.ndarray, corner: np.ndarray, name: str, size: float | None = None) -> None:
    """A name on a dark badge below and right of a corner (2,), by default as large as the picture asks for."""
    if not name:
        return
    size, width = size or max(picture.shape[:2]) / 900, _frame_width(picture) + 1
    (wide, high), below = cv2.getTextSize(name, cv2.FONT_HERSHEY_SIMPLEX, size, width)
    left, top = np.maximum(corner, 0).tolist()
    cv2.rectangle(picture, (left, top), (left + wide + 2 * below, top + high + 2 * below), _DARK, -1)
    place = (left + below, top + high + below)
    cv2.putText(picture, name, place, cv2.FONT_HERSHEY_SIMPLEX, size, _LIGHT, width, cv2.LINE_AA)


def line_width(pose: Pose, points: np.ndarray) -> int:
    """Width of a bone in pixels: a hundredth of the person's extent."""
    inside = np.array([status != "outside" for status in pose.status])
    extent = float(np.ptp(points[inside], axis=0).max()) if inside.any() else 0.0
    return int(np.clip(round(extent / 90), 2, 14))


def _blend(picture: np.ndarray, low: np.ndarray, high: np.ndarray, opacity: float, draw: _Draw) -> None:
    """Draw on a copy of the part between two corners, and lay it back with that opacity."""
    height, width = picture.shape[:2]
    x0, y0 = (int(value) for value in np.clip(np.floor(low), 0, (width, height)))
    x1, y1 = (int(value) for value in np.clip(np.ceil(high) + 1, 0, (width, height)))
    if x1 <= x0 or y1 <= y0:
        return
    part = picture[y0:y1, x0:x1]
    drawn = part.copy()
    draw(drawn, np.array([x0, y0]))
    part[:] = cv2.addWeighted(drawn, opacity, part.copy(), 1 - opacity, 0)


def _bone(picture: np.ndarray, ends: np.ndarray, colour: tuple[int, int, int], opacity: float, width: int) -> None:
    """One bone with a dark rim."""

    def draw(part: np.ndarray, corner: np.ndarray) -> None:
        first, second = (fixed_point(end - corner) for end in ends)
        cv2.line(part, first, second, _DARK, width + 2, cv2.LINE_AA, SHIFT)
        cv2.line(part, first, second, colour, width, cv2.LINE_AA, SHIFT)

    _blend(picture, ends.min(0) - width - 2, ends.max(0) + width + 2, opacity, draw)


def _dot(
    picture: np.ndarray, point: np.ndarray, colour: tuple[int, int, int], opacity: float, width: int, *, hollow: bool
) -> None:
    """One joint with a dark rim: filled where seen, a ring where guessed."""
    radius = width + 1

    def draw(part: np.ndarray, corner: np.ndarray) -> None:
        center = fixed_point(point - corner)
        cv2.circle(part, center, (radius + 1) << SHIFT, _DARK, -1, cv2.LINE_AA, SHIFT)
        cv2.circle(part, center, radius << SHIFT, colour, -1, cv2.LINE_AA, SHIFT)
        if hollow:
            cv2.circle(part, center, (radius << SHIFT) // 2, _DARK, -1, cv2.LINE_AA, SHIFT)

    _blend(picture, point - radius - 3, point + radius + 3, opacity, draw)
