"""Where people of a photo stand in 3D, and what stands round them: floor, shadows, and the photo with its camera."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import plotly.graph_objects as go

from demo.drawing.body_mesh import Mesh, lathe_faces
from demo.drawing.shades import COLOUR_SCALE
from fusion_model import Pose
from fusion_model.projection import fit_camera

_FOCAL = 1.45  # focal length of a normal lens, in lengths of the photo's longer side: Plotly's eye sees more than it
_NEAREST = 1800.0  # mm from the camera
_PHOTO_SIDE = 720  # pixels of the photo's longer side, as drawn
_GREY = (128, 134, 145)  # of floor and lines, on white and on near black
_GRID = 500.0  # mm
_SHADOW_CELL = 40.0  # mm
_SHADOW_BLUR = 1.1  # cells


BEHIND = 350.0
"""Millimetres from the farthest limb to the photo."""


def upright(points: np.ndarray) -> np.ndarray:
    """(N, 3) camera axes (x right, y down, z away) -> plot axes (right, away, up), by a turn, not a mirror."""
    return np.stack((points[:, 0], points[:, 2], -points[:, 1]), axis=1)


@dataclass(frozen=True)
class Camera:
    """A pinhole camera that may have taken the photo: a photo seldom tells its focal length.

    Attributes:
        shape: height and width of the photo in pixels.
        focal: focal length in pixels.
    """

    shape: tuple[int, int]
    focal: float

    @classmethod
    def usual(cls, shape: tuple[int, int], poses: Sequence[Pose]) -> Camera:
        """With a normal lens, or from farther away with a longer one where that would be too near for a portrait."""
        return cls(shape, max(_FOCAL * max(shape), _NEAREST * max(_fitted(pose)[0] for pose in poses)))

    def ray(self, pixels: np.ndarray) -> np.ndarray:
        """(N, 2) pixels -> (N, 3) points at depth 1 that are seen there, camera axes."""
        middle = (np.array(self.shape[::-1]) - 1) / 2
        return np.concatenate(((pixels - middle) / self.focal, np.ones((len(pixels), 1))), axis=1)

    def place(self, pose: Pose) -> np.ndarray:
        """(3,) mm from the camera to a person's pelvis, camera axes: the smaller in the photo, the farther away."""
        scale, pelvis = _fitted(pose)
        return self.ray(pelvis[None])[0] * self.focal / scale

    def corners(self, depth: float) -> np.ndarray:
        """(4, 3) mm from the camera, plot axes: the photo's corners at a depth, clockwise from the top left."""
        height, width = self.shape
        ends = np.array([(0, 0), (width, 0), (width, height), (0, height)]) - 0.5
        return upright(depth * self.ray(ends))


def ground(points: np.ndarray) -> tuple[np.ndarray, float]:
    """The middle of the floor under points (N, 3) mm, plot axes, and its radius in mm."""
    low, high = points.min(0), points.max(0)
    middle = np.array([*(low + high)[:2] / 2, low[2]])
    return middle, max(1000.0, 0.5 * float(np.linalg.norm((high - low)[:2])) + 500.0)


def floor(middle: np.ndarray, radius: float) -> list[go.Mesh3d | go.Scatter3d]:
    """A round floor that fades out, with a grid of half metres.

    Args:
        middle: (3,) mm, plot axes.
        radius: mm.
    """
    turn = np.arange(48) * np.pi / 24
    circle = np.stack((np.cos(turn), np.sin(turn), np.zeros(48)), -1)
    rings = np.concatenate([middle + part * radius * circle for part in (0.0, 0.35, 0.7, 1.0)])
    disc = _faded(rings, lathe_faces(4, 48), np.repeat(np.uint8([255, 200, 90, 0]), 48), _GREY, 0.3, "floor")
    lines = []
    for axis in (0, 1):
        first = np.ceil((middle[axis] - radius) / _GRID) * _GRID
        for value in np.arange(first, middle[axis] + radius, _GRID):
            half = np.sqrt(max(radius**2 - (value - middle[axis]) ** 2, 0.0))
            ends = np.array([middle, middle], float)
            ends[:, axis] = value
            ends[:, 1 - axis] += (-half, half)
            lines += [*ends, np.full(3, np.nan)]
    grid = go.Scatter3d(
        **dict(zip("xyz", np.float32(lines).T, strict=True)), mode="lines", hoverinfo="skip", name="grid",
        line={"color": _clear_line(0.35), "width": 1},
    )  # fmt: skip
    return [disc, grid]


def blobs(count: int) -> go.Mesh3d:
    """Round shadows of radius 1 m on the floor, all in one place, to be moved, made smaller and fainter."""
    turn = np.arange(24) * np.pi / 12
    circle = np.stack((np.cos(turn), np.sin(turn), np.zeros(24)), -1)
    rings = np.concatenate([[0, 0, 2] + 1000 * part * circle for part in (0.0, 0.35, 0.7, 1.0)])
    faces = np.concatenate([lathe_faces(4, 24) + number * len(rings) for number in range(count)])
    strength = np.tile(np.repeat(np.uint8([255, 190, 70, 0]), 24), count)
    return _faded(np.tile(rings, (count, 1)), faces, strength, (16, 19, 26), 0.45, "shadow")


def shadow(body: Mesh, height: float) -> go.Mesh3d | None:
    """The soft shadow of a body under a light straight above; None of an empty one.

    Args:
        body: what throws it.
        height: of the floor in mm.
    """
    if not len(body.faces):
        return None
    margin = 6 * _SHADOW_BLUR * _SHADOW_CELL
    low, high = body.corners[:, :2].min(0) - margin, body.corners[:, :2].max(0) + margin
    size = np.ceil((high - low) / _SHADOW_CELL).astype(int)
    mask = np.zeros(size[::-1], np.uint8)
    flat = np.rint((body.corners[:, :2] - low) / _SHADOW_CELL * 16).astype(np.int32)[body.faces]
    sides = flat[:, 1:] - flat[:, :1]
    above = sides[:, 0, 0] * sides[:, 1, 1] > sides[:, 0, 1] * sides[:, 1, 0]  # their undersides throw the same shadow
    for face in flat[above]:
        cv2.fillConvexPoly(mask, face, 255, cv2.LINE_8, 4)
    soft = cv2.GaussianBlur(mask, (0, 0), _SHADOW_BLUR)
    x, y = np.meshgrid(*(low[axis] + _SHADOW_CELL * np.arange(size[axis]) for axis in (0, 1)))
    cells = np.arange(soft.size).reshape(soft.shape)
    quads = [cells[:-1, :-1], cells[1:, :-1], cells[1:, 1:], cells[:-1, 1:]]
    faces = np.concatenate([np.stack([quads[k] for k in one], -1).reshape(-1, 3) for one in ((0, 1, 2), (0, 2, 3))])
    faces = faces[soft.ravel()[faces].any(1)]
    corners = np.stack((x, y, np.full(soft.shape, height + 2)), -1).reshape(-1, 3)
    return _faded(corners, faces, soft.ravel(), (16, 19, 26), 0.55, "shadow")


def backdrop(photo: np.ndarray, corners: np.ndarray) -> dict[str, Any]:
    """The photo standing upright, for the page to draw: Plotly has no pictures in 3D.

    As a surface of Plotly's, it would take 0.1 MB for 144 blurred pixels a side, and several times as long to draw.

    Args:
        photo: (H, W, 3) uint8 RGB.
        corners: (4, 3) mm, plot axes, as :meth:`Camera.corners` has them.

    Returns:
        A JPEG picture as an address, and its corners.
    """
    scale = min(1.0, _PHOTO_SIDE / max(photo.shape[:2]))
    size = [max(1, round(length * scale)) for length in photo.shape[1::-1]]
    small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", small[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])
    address = f"data:image/jpeg;base64,{b64encode(data.tobytes()).decode()}"
    return {"photo": address, "corners": np.round(corners, 1).tolist()}


def frustum(apex: np.ndarray, corners: np.ndarray) -> go.Scatter3d:
    """Lines from the camera to the photo's corners, and round the photo.

    Args:
        apex: (3,) mm, plot axes.
        corners: (4, 3) mm, plot axes.
    """
    gap = np.full(3, np.nan)
    points = [*corners, corners[0], gap]
    for corner in corners:
        points += [apex, corner, gap]
    return go.Scatter3d(
        **dict(zip("xyz", np.float32(points).T, strict=True)), mode="lines", hoverinfo="skip", name="camera",
        line={"color": _clear_line(0.6), "width": 2},
    )  # fmt: skip


def _clear_line(opacity: float) -> str:
    """Grey of a clear line: Plotly adds a line's colour to what lies behind without multiplying it by the opacity."""
    red, green, blue = (round(opacity * value) for value in _GREY)
    return f"rgba({red},{green},{blue},{opacity})"


def _fitted(pose: Pose) -> tuple[float, np.ndarray]:
    """Pixels per millimetre at a person, and where the pelvis (2,) is in the photo."""
    sure = np.where([status == "outside" for status in pose.status], 0.0, pose.confidence)
    scale, pelvis = fit_camera(pose.joints_2d, pose.joints_3d, sure)
    lowest = float(pose.person_box[3] - pose.person_box[1]) / (3 * pose.height_mm)  # of somebody crouching
    return max(scale, lowest), pelvis


def mesh_trace(mesh: Mesh, **style: Any) -> go.Mesh3d:
    """A mesh in the colours of its shades, which nothing can be hovered on."""
    return go.Mesh3d(
        **_packed(mesh.corners, mesh.faces), intensity=mesh.shades, cmin=0, cmax=254, colorscale=COLOUR_SCALE,
        showscale=False, hoverinfo="skip", **style,
    )  # fmt: skip


def _faded(
    corners: np.ndarray, faces: np.ndarray, strength: np.ndarray, rgb: tuple[int, int, int], opacity: float, name: str
) -> go.Mesh3d:
    """A flat mesh of one colour, clear where its strength (V,) uint8 is 0, and of that opacity where it is 255."""
    return go.Mesh3d(
        **_packed(corners, faces), intensity=strength, cmin=0, cmax=255, showscale=False, hoverinfo="skip", name=name,
        colorscale=[[end, f"rgba{(*rgb, opacity * end)}"] for end in (0, 1)],
        lighting={"ambient": 1.0, "diffuse": 0.0, "specular": 0.0, "fresnel": 0.0},
        opacity=0.99,  # below 1, else Plotly takes the scale's colours as solid
    )  # fmt: skip


def _packed(corners: np.ndarray, faces: np.ndarray) -> dict[str, np.ndarray]:
    """Arguments of a mesh, as arrays, which Plotly packs: lists of that many numbers take longer to check and send."""
    near = np.abs(corners).max(initial=0) < 32_000  # whole millimetres, in half the bytes
    places = np.rint(corners).astype(np.int16) if near else corners.astype(np.float32)
    numbers = faces.astype(np.uint16 if len(corners) < 65_536 else np.uint32)
    return dict(zip("xyz", places.T, strict=True)) | dict(zip("ijk", numbers.T, strict=True))
