"""Colours of the body's sides, and stick figures drawn with OpenCV; whoever draws a skeleton starts here."""

from __future__ import annotations

import cv2
import numpy as np

from fusion_model.skeletons import Skeleton

SIDE_COLOURS = {"left": (41, 151, 255), "right": (255, 138, 30), "middle": (224, 224, 224)}
"""RGB of the person's left, right and middle: apart for colour-blind eyes too, on light and dark ground."""

SHIFT = 4
"""Binary digits of sub-pixel drawing: the ``shift`` that OpenCV wants beside :func:`fixed_point`."""


def bone_side(skeleton: Skeleton, bone: tuple[int, int]) -> str:
    """Side of a bone: that of its far end, or of its near end where the far end is in the middle.

    Args:
        skeleton: whose bone it is.
        bone: parent and joint, as :attr:`fusion_model.skeletons.Skeleton.bones` lists them.

    Returns:
        A key of :data:`SIDE_COLOURS`.
    """
    sides = [skeleton.side(joint) for joint in reversed(bone)]
    return next((side for side in sides if side != "middle"), "middle")


def fixed_point(point: np.ndarray) -> tuple[int, int]:
    """A point (2,) in pixels as OpenCV's fixed-point numbers; far-away points are held within its range."""
    x, y = np.clip(np.round(np.asarray(point) * 2**SHIFT), -(2**27), 2**27)
    return int(x), int(y)


def draw_bones(
    image: np.ndarray,
    skeleton: Skeleton,
    joints: np.ndarray,
    drawn: np.ndarray,
    *,
    width: int = 2,
    colour: tuple[int, int, int] | None = None,
) -> None:
    """Draw the bones whose two ends are drawn, in place.

    Args:
        image: (H, W, 3) uint8 RGB.
        skeleton: the joint set, J joints.
        joints: (J, 2) pixels of the image.
        drawn: (J,) bool.
        width: of a line, pixels.
        colour: RGB of all bones; None for that of each bone's side.
    """
    for bone in skeleton.bones:
        if drawn[list(bone)].all():
            ends = (fixed_point(joints[joint]) for joint in bone)
            cv2.line(image, *ends, colour or SIDE_COLOURS[bone_side(skeleton, bone)], width, cv2.LINE_AA, SHIFT)


def draw_joints(
    image: np.ndarray, skeleton: Skeleton, joints: np.ndarray, seen: np.ndarray, *, radius: int = 2
) -> None:
    """Draw every joint in the colour of its side, filled where it is seen and as a ring elsewhere, in place.

    Args:
        image: (H, W, 3) uint8 RGB.
        skeleton: the joint set, J joints.
        joints: (J, 2) pixels of the image.
        seen: (J,) bool.
        radius: pixels.
    """
    for joint, point in enumerate(joints):
        filled = -1 if seen[joint] else 1
        colour = SIDE_COLOURS[skeleton.side(joint)]
        cv2.circle(image, fixed_point(point), radius << SHIFT, colour, filled, cv2.LINE_AA, SHIFT)
