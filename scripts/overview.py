"""The picture of the README: ``python -m scripts.overview``. Photo with skeleton, confidence maps, turning 3D pose."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from demo.drawing.overlays import draw_people, map_pictures
from fusion_model import Pose, PoseEstimator
from fusion_model.drawing import SIDE_COLOURS, bone_side, fixed_point
from fusion_model.images import load_photo
from fusion_model.skeletons import SKELETONS

SIDE = 384  # of each of the three panels, pixels
STEPS = 36  # of a turn to both sides and back
MILLISECONDS = 100  # a step
_PAPER, _FLOOR, _INK = (247, 247, 249), (226, 228, 233), (120, 124, 132)


def turned(pose: Pose, degrees: float) -> np.ndarray:
    """(SIDE, SIDE, 3) uint8 RGB: the 3D skeleton, seen from slightly above after a turn about the vertical axis.

    Args:
        pose: whose ``joints_3d`` to draw.
        degrees: 0 shows it from the camera, 90 from the left of the picture.
    """
    skeleton, angle, tilt = SKELETONS[pose.skeleton], np.radians(degrees), np.radians(12)
    x, y, z = (pose.joints_3d - pose.joints_3d.mean(0)).T
    across, away = np.cos(angle) * x - np.sin(angle) * z, np.sin(angle) * x + np.cos(angle) * z
    scale = 0.8 * SIDE / pose.height_mm
    points = SIDE / 2 + scale * np.stack((across, np.cos(tilt) * y - np.sin(tilt) * away), 1)
    panel = np.full((SIDE, SIDE, 3), _PAPER, np.uint8)
    floor = SIDE / 2 + scale * np.cos(tilt) * (y.max() + 40)
    axes = (round(scale * 620), round(scale * 620 * np.sin(tilt)))
    cv2.ellipse(panel, (SIDE // 2, round(float(floor))), axes, 0, 0, 360, _FLOOR, -1, cv2.LINE_AA)
    middle = {**SIDE_COLOURS, "middle": _INK}
    for bone in sorted(skeleton.bones, key=lambda ends: -away[list(ends)].mean()):  # the nearest last
        ends = [fixed_point(points[joint]) for joint in bone]
        cv2.line(panel, *ends, middle[bone_side(skeleton, bone)], 6, cv2.LINE_AA, 4)
    for joint in np.argsort(-away):
        cv2.circle(panel, fixed_point(points[joint]), 5 << 4, middle[skeleton.side(joint)], -1, cv2.LINE_AA, 4)
    return panel


def square(picture: np.ndarray) -> np.ndarray:
    """The picture (H, W, 3) uint8 RGB shrunk or grown into (SIDE, SIDE, 3), with borders where it is no square."""
    scale = SIDE / max(picture.shape[:2])
    size = [max(1, round(scale * length)) for length in picture.shape[1::-1]]
    panel, small = np.full((SIDE, SIDE, 3), _PAPER, np.uint8), cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    top, left = (SIDE - size[1]) // 2, (SIDE - size[0]) // 2
    panel[top : top + size[1], left : left + size[0]] = small
    return panel


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; None takes the command line's arguments."""
    parser = argparse.ArgumentParser(prog="python -m scripts.overview", description=__doc__)
    parser.add_argument("photo", type=Path, nargs="?", default=Path("assets/examples/walking.jpg"))
    parser.add_argument("--model", default="default", help="checkpoint: a folder, a Hub id, or the bundled one")
    parser.add_argument("--out", type=Path, default=Path("assets/overview.webp"))
    options = parser.parse_args(arguments)
    try:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        photo = load_photo(options.photo)
        pose = PoseEstimator.from_pretrained(options.model)(photo)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    still = np.hstack((square(draw_people(photo, [pose])), map_pictures(photo, pose, SIDE)[0][0]))
    turns = 40 * np.sin(2 * np.pi * np.arange(STEPS) / STEPS)  # to and fro: the depth shows, and who is meant
    frames = [Image.fromarray(np.hstack((still, turned(pose, degrees)))) for degrees in turns]
    frames[0].save(options.out, save_all=True, append_images=frames[1:], duration=MILLISECONDS, loop=0, quality=80)
    print(f"{options.out}: {options.out.stat().st_size:,} bytes, {len(frames)} frames")


if __name__ == "__main__":
    main()
