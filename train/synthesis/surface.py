"""What a scene is made of: surfaces of triangles and the materials that they name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

KINDS = ("skin", "cloth", "hair", "prop")  # one fragment shader each
PATTERNS = ("plain", "rows", "lines", "checks", "plaid", "dots", "blots", "two_tone")


@dataclass(frozen=True)
class Material:
    """The material of a surface; which fields matter depends on the kind of the surface.

    Attributes:
        colour: linear RGB.
        texture: layer of the texture array (props only), -1 for none.
        second: linear RGB of the pattern, or of the texture's joints.
        pattern: one of :data:`PATTERNS` (cloth only).
        size: size of pattern or texture in mm.
        fold: height of folds in mm.
        fold_size: distance between folds in mm.
        gloss: strength of the highlight.
        ragged: raggedness of the cut edges in mm.
        soft: softness of the edge between light and shadow, 0 to 1.
        special: glow of a prop; height in mm where a two-tone garment changes colour.
        wear: how much the colour varies over the surface.
    """

    colour: tuple[float, float, float]
    texture: int = -1
    second: tuple[float, float, float] = (0.5, 0.5, 0.5)
    pattern: str = "plain"
    size: float = 100.0
    fold: float = 0.0
    fold_size: float = 200.0
    gloss: float = 0.05
    ragged: float = 0.0
    soft: float = 0.0
    special: float = 0.0
    wear: float = 0.0

    def packed(self) -> np.ndarray:
        """(16,) float32 in the layout of the shaders' ``Material``."""
        first = (*self.colour, self.texture, *self.second, PATTERNS.index(self.pattern))
        rest = (self.size, self.fold, self.fold_size, self.gloss, self.ragged, self.soft, self.special, self.wear)
        return np.array(first + rest, np.float32)


@dataclass(frozen=True)
class Surface:
    """Triangles of one kind.

    Attributes:
        kind: one of :data:`KINDS`.
        position: (V, 3) float32, world mm.
        normal: (V, 3) float32, need not be of length one.
        faces: (F, 3) int32.
        coord: (V, 3) float32, texture space in mm.
        material: index into the scene's materials, one number or (V,).
        tint: (V, 4) float32 or one colour: factor of the colour, strength of folds.
        cover: (V,) float32 or one number, mm inside the edge; fragments below 0 are dropped.
        person: 0 for things, i + 1 for person i.
        casts: whether it throws a shadow.
    """

    kind: str
    position: np.ndarray
    normal: np.ndarray
    faces: np.ndarray
    coord: np.ndarray
    material: int | np.ndarray
    tint: np.ndarray | tuple[float, float, float, float] = (1.0, 1.0, 1.0, 0.5)
    cover: np.ndarray | float = 1000.0
    person: int = 0
    casts: bool = True

    def moved(self, rotation: np.ndarray, offset: np.ndarray) -> Surface:
        """The surface turned by ``rotation`` (3, 3) and then moved by ``offset`` (3,) mm."""
        turn = np.asarray(rotation, np.float32)
        position = self.position @ turn.T + np.asarray(offset, np.float32)
        return replace(self, position=position, normal=self.normal @ turn.T)

    def pack_into(self, rows: np.ndarray) -> None:
        """Fill rows (V, 16) float32 in the layout of ``surface.vert``."""
        rows[:, 0:3] = self.position
        rows[:, 3:6] = self.normal
        rows[:, 6:9] = self.coord
        rows[:, 9:13] = self.tint
        rows[:, 13] = self.material
        rows[:, 14] = self.cover
        rows[:, 15] = self.person


def face_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Normals (F, 3) float32 as long as the faces' areas, of vertices (V, 3) and triangles (F, 3)."""
    x, y, z = np.ascontiguousarray(vertices.T, np.float32)
    first, second, third = np.ascontiguousarray(faces.T)
    ax, ay, az = x[second] - x[first], y[second] - y[first], z[second] - z[first]
    bx, by, bz = x[third] - x[first], y[third] - y[first], z[third] - z[first]
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=1)


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Vectors (N, 3) made of length one; those of length zero are left."""
    length = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]
    return (vectors / np.maximum(length, 1e-9)).astype(np.float32)


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Normals (V, 3) float32 of vertices (V, 3), weighted by the areas of the triangles (F, 3)."""
    across, flat = face_normals(vertices, faces), faces.ravel()
    weights = np.repeat(across, 3, axis=0).T
    return unit_rows(np.stack([np.bincount(flat, weight, len(vertices)) for weight in weights], axis=1))


def linear(colour: Sequence[float]) -> tuple[float, float, float]:
    """Linear RGB of an sRGB colour, both 0 to 1."""
    red, green, blue = (float(max(0.0, value)) ** 2.2 for value in colour)
    return red, green, blue
