"""The pinhole camera, and how it is pointed at people.

World axes are y up; camera axes are x right, y down, z away. Pixels: the center of the top-left one is (0, 0).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from train.synthesis.lighting import direction
from train.synthesis.motion.rotation import cross

FULL_FRAME_MM = 36.0
NEAR_MM, FAR_MM = 150.0, 200_000.0
_PITCH, _LENS_MM = (-35.0, 50.0), (25.0, 100.0)  # degrees, positive: facing down; of full frame
_CUT, _PART = 0.5, (0.3, 1.0)  # fraction of pictures cut from a larger photo, and what they are of its longer side


@dataclass(frozen=True)
class Camera:
    """A pinhole camera.

    Attributes:
        intrinsics: (3, 3) float64, pixels.
        rotation: (3, 3) float64, world to camera axes.
        translation: (3,) float64, mm: ``camera = rotation @ world + translation``.
        width: pixels.
        height: pixels.
    """

    intrinsics: np.ndarray
    rotation: np.ndarray
    translation: np.ndarray
    width: int
    height: int

    @property
    def position(self) -> np.ndarray:
        """(3,) world mm of the center of projection."""
        return -self.rotation.T @ self.translation

    @property
    def focal(self) -> float:
        """Focal length in pixels."""
        return float(self.intrinsics[0, 0])

    @property
    def pitch(self) -> float:
        """Degrees by which the camera faces down."""
        return float(np.degrees(np.arcsin(np.clip(-self.rotation[2, 1], -1, 1))))

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixels and camera coordinates of world points.

        Args:
            points: (N, 3) world mm.

        Returns:
            (N, 2) float64 pixels and (N, 3) float64 mm in camera axes.
        """
        seen = np.asarray(points, np.float64) @ self.rotation.T + self.translation
        image = seen @ self.intrinsics.T
        return image[:, :2] / image[:, 2:], seen

    def clip_matrix(self) -> np.ndarray:
        """(4, 4) float64 world to clip space, with the picture's first row at the bottom of clip space.

        So the first row that is read back from the framebuffer is the top of the picture.
        """
        half = np.array([self.width, self.height]) / 2
        scale = np.diag(self.intrinsics)[:2] / half
        shift = (self.intrinsics[:2, 2] + 0.5) / half - 1
        depth = (FAR_MM + NEAR_MM) / (FAR_MM - NEAR_MM), -2 * FAR_MM * NEAR_MM / (FAR_MM - NEAR_MM)
        clip = np.array([[scale[0], 0, shift[0], 0], [0, scale[1], shift[1], 0], [0, 0, *depth], [0, 0, 1, 0]])
        view = np.eye(4)
        view[:3, :3], view[:3, 3] = self.rotation, self.translation
        return clip @ view


def look_at(
    position: np.ndarray,
    target: np.ndarray,
    roll: float,
    focal: float,
    size: tuple[int, int],
    axis: tuple[float, float] = (0.0, 0.0),
) -> Camera:
    """A camera at ``position`` whose optical axis goes through ``target``.

    Args:
        position: (3,) world mm.
        target: (3,) world mm.
        roll: radians, clockwise turn of the camera about its axis.
        focal: pixels.
        size: width and height in pixels.
        axis: (2,) where the optical axis meets the picture, fraction of its size away from its middle.
    """
    ahead = np.asarray(target, np.float64) - position
    ahead /= np.linalg.norm(ahead)
    right = cross(ahead, np.array([0.0, 1.0, 0.0]))
    right /= np.linalg.norm(right)
    upright = np.stack([right, cross(ahead, right), ahead])
    turn = np.array([[np.cos(roll), np.sin(roll), 0], [-np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    rotation = turn @ upright
    across, down = ((0.5 + away) * side - 0.5 for away, side in zip(axis, size, strict=True))
    intrinsics = np.array([[focal, 0, across], [0, focal, down], [0, 0, 1]])
    return Camera(intrinsics, rotation, -rotation @ position, *size)


@dataclass(frozen=True)
class Shot:
    """How a picture is to be taken.

    Attributes:
        azimuth: radians, direction from the people to the camera, 0 along world +z, a quarter turn along +x.
        elevation: radians, positive: the camera faces down.
        roll: radians.
        focal: millimetres on full frame (36 mm wide) of the photo that the picture is cut from.
        fill: wanted larger side of the framed points' box, as a fraction of the picture.
        center: (2,) wanted center of that box, fraction of the picture's size away from its middle.
        part: side of the picture over the longer side of the photo.
        axis: (2,) where the photo's optical axis is, fraction of the picture's size away from the picture's middle.
    """

    azimuth: float
    elevation: float
    roll: float
    focal: float
    fill: float
    center: tuple[float, float]
    part: float = 1.0
    axis: tuple[float, float] = (0.0, 0.0)


def draw_shot(generator: np.random.Generator, fill: tuple[float, float]) -> Shot:
    """A shot from any side, mostly from about eye level, half of them cut from anywhere in a larger photo.

    Joints are labelled in the axes of the photo's camera, z along its optical axis, wherever in the photo the picture
    is cut from: as measured sets label them and as the estimator gives them. Away from the optical axis people are seen
    from another side than their pose in these axes says, as in photos.

    Args:
        generator: of every choice.
        fill: smallest and largest fraction of the picture that the framed points take.
    """
    usual = generator.random() < 0.6
    elevation = np.clip(generator.normal(4, 7), *_PITCH) if usual else generator.uniform(*_PITCH)
    roll = np.clip(generator.normal(0, 3), -12, 12)
    part, axis = 1.0, (0.0, 0.0)
    if generator.random() < _CUT:
        part = float(generator.uniform(*_PART))
        # The picture lies anywhere within the photo, which is as wide as high or half as wide again, either way.
        sides = np.array([1.0, generator.uniform(1 / 1.5, 1.0)])[:: generator.choice([-1, 1])]
        reach = np.maximum(sides / part - 1, 0) / 2
        axis = tuple(generator.uniform(-reach, reach).tolist())
    return Shot(
        azimuth=float(generator.uniform(0, 2 * np.pi)),
        elevation=float(np.radians(elevation)),
        roll=float(np.radians(roll)),
        focal=float(np.exp(generator.uniform(*np.log(_LENS_MM)))),
        fill=float(generator.uniform(*fill)),
        center=(float(generator.normal(0, 0.03)), float(generator.normal(0, 0.03))),
        part=part,
        axis=axis,
    )


def frame(shot: Shot, points: np.ndarray, size: tuple[int, int], lowest: float) -> Camera:
    """The camera that takes ``shot`` of ``points``.

    Args:
        shot: what is wanted.
        points: (N, 3) world mm, what is to be framed.
        size: width and height in pixels.
        lowest: world height in mm that the camera is to stay above.
    """
    focal = shot.focal / FULL_FRAME_MM * size[0] / shot.part
    middle = (points.min(0) + points.max(0)) / 2
    extent = float(np.linalg.norm(points - middle, axis=1).max())
    side = direction(shot.azimuth, shot.elevation)
    distance = 2 * extent * focal / (shot.fill * size[0])
    wanted = (np.array(shot.center) + 0.5) * size - 0.5
    nearest = extent + 250.0
    target = middle
    for _ in range(8):
        position = target + side * max(distance, nearest)
        position[1] = max(position[1], lowest)
        camera = look_at(position, target, shot.roll, focal, size, shot.axis)
        pixels, seen = camera.project(points)
        low, high = pixels.min(0), pixels.max(0)
        distance = max(distance, nearest) * float(((high - low) / size).max()) / shot.fill
        off = ((low + high) / 2 - wanted) * np.median(seen[:, 2]) / focal
        target = target + camera.rotation[:2].T @ off
    return camera
