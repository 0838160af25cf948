"""Things: boxes, posts, plants and what is put together from them."""

from __future__ import annotations

import numpy as np

from train.synthesis.surface import Surface

_CORNERS = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32) / 2
_QUAD = np.array([[0, 1, 2], [0, 2, 3]])
_SIDES = (  # outward axis and the two axes that span the side
    ((1, 0, 0), (0, 0, -1), (0, 1, 0)), ((-1, 0, 0), (0, 0, 1), (0, 1, 0)),
    ((0, 1, 0), (1, 0, 0), (0, 0, -1)), ((0, -1, 0), (1, 0, 0), (0, 0, 1)),
    ((0, 0, 1), (1, 0, 0), (0, 1, 0)), ((0, 0, -1), (-1, 0, 0), (0, 1, 0)),
)  # fmt: skip


def up(height: float) -> np.ndarray:
    """(3,) a vector of so many mm straight up."""
    return np.array([0.0, height, 0.0])


def yaw(angle: float) -> np.ndarray:
    """(3, 3) turn about y in radians: +z goes to (sin, 0, cos)."""
    sine, cosine = np.sin(angle), np.cos(angle)
    return np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])


def _thing(
    position: np.ndarray, normal: np.ndarray, faces: np.ndarray, coord: np.ndarray, material: int, **more: np.ndarray
) -> Surface:
    """A surface of arrays of any type of number."""
    position, normal, coord = (np.asarray(values, np.float32) for values in (position, normal, coord))
    return Surface("prop", position, normal, faces.astype(np.int32), coord, material, **more)


def panel(center: np.ndarray, across: np.ndarray, up: np.ndarray, material: int, shift: float = 0.0) -> Surface:
    """A rectangle.

    Args:
        center: (3,) mm.
        across: (3,) its width, as a vector.
        up: (3,) its height, as a vector.
        material: index.
        shift: mm that the texture is moved by.
    """
    across, up = np.asarray(across, np.float32), np.asarray(up, np.float32)
    position = _CORNERS[:, :1] * across + _CORNERS[:, 1:] * up + np.asarray(center, np.float32)
    size = np.array([np.linalg.norm(across), np.linalg.norm(up)])
    coord = np.concatenate([(_CORNERS + 0.5) * size + shift, np.zeros((4, 1))], axis=1)
    coord[:, 1] *= -1  # the sheets' first row is their top
    normal = np.cross(across, up)
    return _thing(position, np.tile(normal / np.linalg.norm(normal), (4, 1)), _QUAD, coord, material)


def _unit_box() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Corners (24, 3), normals (24, 3), faces (12, 3) of a cube, and which two of its axes a side spans (24, 2)."""
    sides = [np.array(side, np.float32) for side in _SIDES]
    corners = np.concatenate([side[0] / 2 + _CORNERS[:, :1] * side[1] + _CORNERS[:, 1:] * side[2] for side in sides])
    normals = np.repeat([side[0] for side in sides], 4, axis=0)
    axes = np.repeat([[np.flatnonzero(side[1])[0], np.flatnonzero(side[2])[0]] for side in sides], 4, axis=0)
    faces = np.concatenate([_QUAD + 4 * side for side in range(6)])
    return corners, normals, faces.astype(np.int32), axes


_BOX = _unit_box()


def box(
    center: np.ndarray, size: tuple[float, float, float], material: int, turn: float = 0.0, shift: float = 0.0
) -> Surface:
    """A cuboid: center (3,), size (width, height, depth) in mm, turned by ``turn`` radians about y."""
    corners, normals, faces, axes = _BOX
    place = np.tile(_CORNERS + 0.5, (6, 1)) * np.float32(size)[axes] + np.float32(shift)
    coord = np.concatenate([place * np.float32([1, -1]), np.zeros((24, 1), np.float32)], axis=1)
    rotation = yaw(turn).T.astype(np.float32)
    position = (corners * np.float32(size)) @ rotation + np.asarray(center, np.float32)
    return Surface("prop", position, normals @ rotation, faces, coord, material)


def column(
    foot: np.ndarray, radius: float, height: float, material: int, sides: int = 10, taper: float = 1.0
) -> Surface:
    """A post that stands at ``foot`` (3,); ``taper`` is the fraction of the radius that is left at its top."""
    angle = np.linspace(0, 2 * np.pi, sides + 1)
    around = np.stack([np.sin(angle), np.zeros_like(angle), np.cos(angle)], axis=1)
    low, high = around * radius, around * radius * taper + [0, height, 0]
    position = np.concatenate([low, high, [[0, height, 0]]]) + foot
    round_about, nothing = angle * radius, np.zeros_like(angle)
    coord = np.concatenate([
        np.stack([round_about, nothing, nothing], 1), np.stack([round_about, nothing - height, nothing], 1),
        [[0, -height, 0]],
    ])  # fmt: skip
    count = sides + 1
    first = np.arange(sides)
    faces = np.concatenate([
        np.stack([first, first + 1, first + count], 1), np.stack([first + 1, first + count + 1, first + count], 1),
        np.stack([first + count, first + count + 1, np.full(sides, 2 * count)], 1),
    ])  # fmt: skip
    normal = np.concatenate([around, around, [[0, 1, 0]]])
    return _thing(position, normal, faces, coord, material)


def foliage(
    generator: np.random.Generator,
    center: np.ndarray,
    size: tuple[float, float, float],
    leaves: int,
    leaf: float,
    material: int,
) -> Surface:
    """Leaves, each a pointed quadrilateral, in an ellipsoid with half axes ``size`` round ``center``."""
    place = generator.standard_normal((leaves, 3))
    place *= (generator.uniform(0.35, 1.0, leaves) ** 0.5 / np.linalg.norm(place, axis=1))[:, None]
    along = generator.standard_normal((leaves, 3)) + place + [0, 0.3, 0]
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    across = np.cross(along, generator.standard_normal((leaves, 3)))
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    length = leaf * generator.uniform(0.6, 1.3, (leaves, 1))
    middle = place * size + center
    corners = np.stack([
        middle - along * length, middle + across * length * 0.42,
        middle + along * length, middle - across * length * 0.42,
    ], axis=1)  # fmt: skip
    normal = np.cross(across, along) * 0.5 + place
    first = np.arange(leaves)[:, None] * 4
    faces = np.concatenate([first + triangle for triangle in _QUAD])
    shade = generator.uniform(0.6, 1.25, (leaves, 1)) * (0.55 + 0.45 * np.linalg.norm(place, axis=1, keepdims=True))
    colour = np.repeat(shade, 3, 1) * generator.uniform(0.85, 1.15, (leaves, 3))
    tint = np.repeat(np.concatenate([colour, np.ones((leaves, 1))], axis=1), 4, 0).astype(np.float32)
    flat = corners.reshape(-1, 3)
    return _thing(flat, np.repeat(normal, 4, 0), faces, flat, material, tint=tint)
