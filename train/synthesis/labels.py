"""What is known exactly about the people of a rendered picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fusion_model.skeletons import HUMAN36M_17

# Millimetres that a joint may lie behind the surface that the camera sees and still count as visible: about the
# radius of the body there.
_DEPTH_INSIDE = {
    "pelvis": 190, "hip": 170, "knee": 95, "ankle": 75, "spine": 190, "thorax": 150, "neck": 120, "head_top": 150,
    "shoulder": 120, "elbow": 75, "wrist": 60,
}  # fmt: skip
DEPTH_INSIDE = np.array(
    [_DEPTH_INSIDE[name.removeprefix("left_").removeprefix("right_")] for name in HUMAN36M_17.joints]
)

_LEVEL = 5.0  # degrees of pitch, up or down
_FRONT_UNTIL, _BACK_FROM = 60.0, 120.0  # degrees between the body's front and the camera


@dataclass(frozen=True)
class Label:
    """One person of a picture; joints in Human3.6M's order.

    Attributes:
        joints_2d: (17, 2) float32 pixels.
        joints_3d: (17, 3) float32 mm, camera axes, pelvis at the origin.
        pelvis: (3,) float32 mm, where the pelvis is from the camera.
        visible: (17,) bool, within the picture and not hidden by anything.
        box: (4,) float32 x0, y0, x1, y1, tight round the pixels that show the person.
        azimuth: degrees from -180 to 180; 0: the chest faces the camera, 90: the camera sees the left side.
        subject: number of the body.
        stature: of that body, mm, standing upright.
        motion: name of the clip, or of the clips, that the posture comes from.
        kind: standing, seated, lying, ...
    """

    joints_2d: np.ndarray
    joints_3d: np.ndarray
    pelvis: np.ndarray
    visible: np.ndarray
    box: np.ndarray
    azimuth: float
    subject: int
    stature: float
    motion: str
    kind: str


@dataclass(frozen=True)
class Picture:
    """One rendered picture.

    Attributes:
        image: (H, W, 3) uint8.
        intrinsics: (3, 3) float64, pixels; the center of the top-left pixel is (0, 0).
        people: all of whom a pixel can be seen.
        pitch: degrees by which the camera faces down; NaN if it is not known.
    """

    image: np.ndarray
    intrinsics: np.ndarray
    people: list[Label]
    pitch: float = float("nan")


def visible_joints(
    pixels: np.ndarray, depth_of_joint: np.ndarray, depth: np.ndarray, mask: np.ndarray, scale: float = 1.0
) -> np.ndarray:
    """(17,) bool: the pixel at the joint shows this person, no deeper inside than its body is thick there.

    Args:
        pixels: (17, 2).
        depth_of_joint: (17,) mm along the optical axis.
        depth: (H, W) mm of the surface at each pixel.
        mask: (H, W) bool, pixels that show this person.
        scale: of the body's thickness, 1 for an adult.
    """
    height, width = mask.shape
    column, row = np.rint(pixels).astype(int).T
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    column, row = column.clip(0, width - 1), row.clip(0, height - 1)
    near = depth_of_joint - depth[row, column] <= DEPTH_INSIDE * scale
    return inside & mask[row, column] & near


def tight_box(mask: np.ndarray) -> np.ndarray | None:
    """Box (4,) round the set pixels, from edge to edge; None if there are none."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    return np.array([columns[0] - 0.5, rows[0] - 0.5, columns[-1] + 0.5, rows[-1] + 0.5], np.float32)


def body_azimuth(joints: np.ndarray) -> float:
    """How far the chest is turned away from the camera, degrees from -180 to 180.

    Args:
        joints: (17, 3) mm, camera axes.
    """
    index = HUMAN36M_17.index
    across = joints[index("left_shoulder")] - joints[index("right_shoulder")]
    up = joints[index("thorax")] - joints[index("pelvis")]
    ahead = np.cross(across, up)  # of a person facing the camera: towards it, -z
    return float(np.rad2deg(np.arctan2(-ahead[0], -ahead[2])))


def viewpoint_name(azimuth: np.ndarray) -> np.ndarray:
    """``front``, ``side`` or ``back`` for azimuths in degrees."""
    turned = np.abs(azimuth)
    return np.where(turned < _FRONT_UNTIL, "front", np.where(turned > _BACK_FROM, "back", "side"))


def camera_name(pitch: np.ndarray) -> np.ndarray:
    """``camera down``, ``camera level`` or ``camera up`` for pitches in degrees, positive: it faces down."""
    level = np.where(pitch < -_LEVEL, "camera up", "camera level")
    return np.where(pitch > _LEVEL, "camera down", level)


def posture_name(kind: str) -> str:
    """``standing``, ``low`` (squatting, kneeling), ``seated`` or ``lying``, for a kind of posture."""
    if kind.startswith("lying"):
        return "lying"
    return {"seated": "seated", "ground_seated": "seated", "squatting": "low", "kneeling": "low"}.get(kind, "standing")
