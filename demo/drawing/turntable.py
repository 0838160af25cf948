"""People in 3D on a turntable, drawn with OpenCV: pictures of the 3D view where there is no browser."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from demo.drawing import people, stage
from demo.drawing.body_mesh import Mesh, body_mesh, vertex_normals
from demo.drawing.shades import shade_rgb
from fusion_model import Pose
from fusion_model.drawing import SHIFT
from fusion_model.skeletons import SKELETONS

_FINE, _COARSE = 16, 8  # corners round a limb, of one or two people and of more
_OVERSAMPLED = 1.5  # drawn larger by that, then made smaller: smooth edges
_ELEVATION = np.radians(9.0)
_HALF_VIEW = np.tan(np.radians(16.0))  # half of what the eye sees at distance 1
_LIGHT = np.array([-0.451, 0.621, -0.641])  # unit vector towards the lamp: right, up, away from the eye
_HALFWAY = (_LIGHT - [0, 0, 1]) / np.linalg.norm(_LIGHT - [0, 0, 1])  # between lamp and eye
_AMBIENT, _DIFFUSE, _GLOSS = 0.52, 0.55, 0.16
_MIDDLE, _EDGE = np.array([253, 253, 254.0]), np.array([226, 230, 237.0])  # of the background
_FLOOR_PIXELS = 640
_LONGEST = 70.0  # mm
_INK = np.float32([96, 104, 118])


def turntable(poses: Sequence[Pose], photo: np.ndarray, size: int, count: int) -> Iterator[np.ndarray]:
    """One turn round people, upright on a floor.

    Args:
        poses: at least one.
        photo: (H, W, 3) uint8 RGB: people are where it shows them.
        size: pixels of a picture's side.
        count: pictures of the turn, of which the first is seen from where the camera was.

    Yields:
        (size, size, 3) uint8 RGB.
    """
    bodies, _ = people.bodies(poses, stage.Camera.usual(photo.shape[:2], poses), min_confidence=0.0, show_outside=False)
    steps = _FINE if len(bodies) <= 2 else _COARSE
    mesh = Mesh.joined([
        body_mesh(SKELETONS[one.pose.skeleton], one.points, one.opacity, one.pose.height_mm, steps) for one in bodies
    ])  # fmt: skip
    normals = vertex_normals(mesh.corners, mesh.faces[:, ::-1])
    for _ in range(2):
        mesh, normals = _split(mesh, normals)
    every = np.concatenate([one.extent for one in bodies])
    ground, radius = stage.ground(every)
    floor, middle = _floor(mesh, ground, radius), (every.min(0) + every.max(0)) / 2
    reach = np.linalg.norm((every - middle)[:, :2], axis=1).max()
    distance = 1.12 * max(np.ptp(every[:, 2]) / 2, reach, 450.0) / _HALF_VIEW + reach
    side = round(size * _OVERSAMPLED)
    back = _background(side)
    for number in range(count):
        axes = _axes(2 * np.pi * number / count)
        picture = back.copy()
        _draw_floor(picture, floor, (ground - middle) @ axes.T, axes, radius, distance)
        _draw_mesh(picture, mesh, (mesh.corners - middle) @ axes.T, normals @ axes.T, distance)
        yield cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)


def _split(mesh: Mesh, normals: np.ndarray) -> tuple[Mesh, np.ndarray]:
    """Long faces in four each, and normals (V, 3) of all corners: what is sorted by depth must be small."""
    ends = mesh.corners[mesh.faces]
    long = np.linalg.norm(ends - np.roll(ends, -1, axis=1), axis=2).max(1) > _LONGEST
    a, b, c = mesh.faces[long].T
    ab, bc, ca = (len(mesh.corners) + len(a) * k + np.arange(len(a)) for k in range(3))
    parts = [np.stack(one, axis=1) for one in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))]

    def halved(values: np.ndarray) -> np.ndarray:
        """Values of the corners, and in the middle between them."""
        return np.concatenate((values, *((values[one] + values[other]) / 2 for one, other in ((a, b), (b, c), (c, a)))))

    shades = np.concatenate((mesh.shades, *[mesh.shades[a]] * 3))
    return Mesh(halved(mesh.corners), np.concatenate((mesh.faces[~long], *parts)), shades), halved(normals)


def _axes(turn: float) -> np.ndarray:
    """(3, 3) right, up and away, as the eye sees plot axes after a turn in radians."""
    right = np.array([np.cos(turn), np.sin(turn), 0.0])
    level = np.array([-np.sin(turn), np.cos(turn), 0.0])
    away = np.cos(_ELEVATION) * level - np.array([0, 0, np.sin(_ELEVATION)])
    return np.stack((right, np.cross(right, away), away))


def _projected(points: np.ndarray, distance: float, side: int) -> np.ndarray:
    """(N, 2) pixels of points (N, 3) mm in the eye's axes, relative to what it looks at."""
    scale = side / 2 / _HALF_VIEW / (points[:, 2:] + distance)
    return side / 2 + points[:, :2] * [1, -1] * scale


def _background(side: int) -> np.ndarray:
    """(side, side, 3) uint8, brighter in the middle."""
    line = np.linspace(-1, 1, side)
    far = np.clip(np.hypot(*np.meshgrid(line, line)) / 1.3, 0, 1)[..., None]
    return np.rint(_MIDDLE + far * (_EDGE - _MIDDLE)).astype(np.uint8)


def _floor(mesh: Mesh, ground: np.ndarray, radius: float) -> np.ndarray:
    """(N, N) float32, how dark the floor is: half metres as lines, and the shadow of the body; clear at the edge."""
    line = np.linspace(-radius, radius, _FLOOR_PIXELS)
    x, y = np.meshgrid(line, line)
    lines = np.min([np.abs((one + at + 250) % 500 - 250) for one, at in ((x, ground[0]), (y, ground[1]))], axis=0)
    fade = np.clip(1 - np.hypot(x, y) / radius, 0, 1) ** 0.7
    dark = fade * (0.05 + 0.13 * np.clip(1.6 - lines / (radius / _FLOOR_PIXELS * 2), 0, 1))
    cast = np.zeros((_FLOOR_PIXELS, _FLOOR_PIXELS), np.uint8)
    flat = (mesh.corners[:, :2] - ground[:2] + radius) / (2 * radius) * (_FLOOR_PIXELS - 1)
    for face in np.rint(flat).astype(np.int32)[mesh.faces]:
        cv2.fillConvexPoly(cast, face, 255)
    soft = cv2.GaussianBlur(cast, (0, 0), 45.0 * _FLOOR_PIXELS / (2 * radius)) / 255
    return np.maximum(dark, 0.5 * soft).astype(np.float32)


def _draw_floor(
    picture: np.ndarray, floor: np.ndarray, ground: np.ndarray, axes: np.ndarray, radius: float, distance: float
) -> None:
    """Darken a picture where the floor is, in place."""
    ends = radius * np.array([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)]) @ axes.T + ground
    pixels = _projected(ends, distance, len(picture)).astype(np.float32)
    corners = np.float32([(0, 0), (1, 0), (1, 1), (0, 1)]) * (_FLOOR_PIXELS - 1)
    matrix = cv2.getPerspectiveTransform(corners, pixels)
    dark = cv2.warpPerspective(floor, matrix, picture.shape[1::-1], flags=cv2.INTER_AREA)[..., None]
    picture[:] = np.rint(picture + dark * (_INK - picture.astype(np.float32)))


def _draw_mesh(picture: np.ndarray, mesh: Mesh, corners: np.ndarray, normals: np.ndarray, distance: float) -> None:
    """Draw what is seen of a mesh in the eye's axes, in place: numbers of faces first, then the light at each pixel."""
    a, b, c = np.moveaxis(corners[mesh.faces], 1, 0)
    middle = (a + b + c) / 3 + [0, 0, distance]
    facing = np.flatnonzero((np.cross(b - a, c - a) * middle).sum(1) < 0)  # the eye's axes are left-handed
    facing = facing[np.argsort(-middle[facing, 2])]  # the farthest first
    pixels = _projected(corners, distance, len(picture))
    numbers = np.zeros_like(picture)
    fixed = np.rint(pixels * 2**SHIFT).astype(np.int32)[mesh.faces[facing]]
    for number, face in enumerate(fixed, start=1):
        cv2.fillConvexPoly(numbers, face, (number & 255, number >> 8 & 255, number >> 16), cv2.LINE_8, SHIFT)
    rows, columns = np.nonzero(cv2.transform(numbers, np.ones((1, 3), np.float32)))
    faces = mesh.faces[facing[numbers[rows, columns] @ [1, 256, 65536] - 1]]
    weights = _weights(np.stack((columns, rows), axis=1), pixels[faces])
    normal = (weights[..., None] * normals[faces]).sum(1)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    bright = _AMBIENT + _DIFFUSE * np.clip(normal @ _LIGHT, 0, 1)
    gloss = 255 * _GLOSS * np.clip(normal @ _HALFWAY, 0, 1) ** 24
    colours = shade_rgb(mesh.shades[faces[:, 0]]) * bright[:, None] + gloss[:, None]
    picture[rows, columns] = np.clip(colours, 0, 255)


def _weights(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(N, 3) barycentric weights of points (N, 2) in triangles (N, 3, 2), or of the nearest places on their edges."""
    (ax, ay), (bx, by), (cx, cy) = np.moveaxis(triangles, 0, 2)
    x, y = points.T
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    area = np.where(np.abs(area) < 1e-9, 1e-9, area)
    second = ((x - ax) * (cy - ay) - (cx - ax) * (y - ay)) / area
    third = ((bx - ax) * (y - ay) - (x - ax) * (by - ay)) / area
    weights = np.clip(np.stack((1 - second - third, second, third), axis=1), 0, 1)
    return weights / weights.sum(1, keepdims=True)
