"""A body of rounded limbs, and ellipsoids, as triangles that a 3D view can shade."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from demo.drawing.shades import shade
from fusion_model.drawing import bone_side
from fusion_model.skeletons import Skeleton

# mm, of a person 1.70 m tall: slim, so that a bone's direction shows. They are drawing, not measurement.
_RADII = {
    "hip": 58, "knee": 44, "ankle": 31, "shoulder": 46, "elbow": 34, "wrist": 26, "pelvis": 55, "spine": 52,
    "thorax": 50, "neck": 40, "head_top": 74,
}  # fmt: skip
_OTHER_RADIUS = 35
_BULGE = 1.15  # a joint is thicker than the limbs that meet in it
_TRUNK = ("left_shoulder", "right_shoulder", "thorax", "spine", "pelvis", "left_hip", "right_hip")
# Sections of the trunk from top to bottom: place between shoulders (0), waist (1) and hips (2); half width as a part of
# the shoulders' or hips' half distance; half depth in mm.
_SECTIONS = np.array([
    (-0.14, 0.3, 36), (0.0, 0.78, 68), (0.25, 0.86, 92), (0.6, 0.78, 92), (1.0, 0.66, 78), (1.5, 0.95, 84),
    (1.95, 1.2, 86), (2.2, 1.0, 70), (2.32, 0.5, 40),
])  # fmt: skip

# The pieces of the trunk: how many of its joints each needs, and from where to where it goes. Photos often end at chest
# or waist: what is known is drawn, and a flat end shows the cut. Cuts lie on straight sides, so that no seam shows.
_CUTS = (0.8, 1.3, 2.05)
_PIECES = ((3, -1.0, _CUTS[0]), (4, *_CUTS[:2]), (5, *_CUTS[1:]), (7, _CUTS[2], 3.0))


def _piece_places(start: float, end: float) -> np.ndarray:
    """Where the rings of a piece of the trunk lie; those of a lid lie twice, so that its edge is sharp."""
    inner = [place for place in _SECTIONS[:, 0] if start < place < end]
    low, high = [start] * 3 if start in _CUTS else [inner[0]], [end] * 3 if end in _CUTS else [inner[-1]]
    return np.array([*low, *inner, *high])


TRUNK_PLACES = tuple(_piece_places(start, end) for _, start, end in _PIECES)
"""Where the rings of the trunk's pieces lie, from the thorax (0) over the spine (1) to the pelvis (2), and a little
beyond."""


@dataclass(frozen=True)
class Mesh:
    """Triangles with a shade at each corner.

    Attributes:
        corners: (V, 3) float32 mm.
        faces: (F, 3) numbers of corners.
        shades: (V,) uint8 of :func:`demo.drawing.shades.shade`.
    """

    corners: np.ndarray
    faces: np.ndarray
    shades: np.ndarray

    @staticmethod
    def joined(parts: list[Mesh]) -> Mesh:
        """Several as one, which a browser draws faster."""
        starts = np.cumsum([0, *(len(part.corners) for part in parts)])
        faces = [part.faces + start for part, start in zip(parts, starts, strict=False)]
        return Mesh(
            np.concatenate([part.corners for part in parts]).astype(np.float32),
            np.concatenate(faces),
            np.concatenate([part.shades for part in parts]).astype(np.uint8),
        )


def attached(skeleton: Skeleton, opacity: np.ndarray) -> np.ndarray:
    """Opacities (..., J), with 0 for joints none of whose bones is drawn: alone, they would float in the air."""
    ends = np.array(skeleton.bones)
    drawn = opacity[..., ends].min(-1) > 0  # (..., B)
    return np.where(drawn @ (ends[:, :, None] == np.arange(len(skeleton))).any(1), opacity, 0.0)


def body_mesh(skeleton: Skeleton, points: np.ndarray, opacity: np.ndarray, height_mm: float, steps: int = 12) -> Mesh:
    """Limbs as capsules and joints as spheres in the colours of their sides, a head, and a trunk round the spine.

    Args:
        skeleton: J joints.
        points: (J, 3) mm, plot axes.
        opacity: (J,) in [0, 1]; 0 leaves out a joint and what is attached to it.
        height_mm: of the person: the thickness grows with it.
        steps: corners round a limb.

    Returns:
        A mesh; empty if no joint is drawn.
    """
    parts = body_parts(skeleton, points, opacity, height_mm, steps)
    return Mesh.joined([Mesh(np.empty((0, 3)), np.empty((0, 3), int), np.empty(0)), *(mesh for _, mesh in parts)])


def body_parts(
    skeleton: Skeleton, points: np.ndarray, opacity: np.ndarray, height_mm: float, steps: int
) -> list[tuple[tuple[int, ...], Mesh]]:
    """The parts of :func:`body_mesh`, each with the joints that it belongs to: a joint, a bone's two, or more.

    Those with more are the trunk's, from top to bottom: rings of ``2 * steps`` corners at :data:`TRUNK_PLACES`.
    """
    size = height_mm / 1700
    names = [name.removeprefix("left_").removeprefix("right_") for name in skeleton.joints]
    radii = size * np.array([_RADII.get(name, _OTHER_RADIUS) for name in names])
    parts: list[tuple[tuple[int, ...], Mesh]] = []
    for joint in np.flatnonzero(opacity).tolist():
        if skeleton.joints[joint] != "head_top":
            tone = shade(skeleton.side(joint), opacity[joint])
            parts.append(
                ((joint,), capsule(points[[joint, joint]], _BULGE * radii[[joint, joint]], [tone, tone], steps))
            )
    for bone in skeleton.bones:
        ends, strength = points[list(bone)], opacity[list(bone)]
        if strength.min() > 0:
            if skeleton.joints[bone[1]] == "head_top":
                ends, thick = _head(ends, radii[bone[1]])
            else:
                thick = radii[list(bone)]
            side = bone_side(skeleton, bone)
            parts.append((bone, capsule(ends, thick, [shade(side, strength.min())] * 2, steps)))
    return [*parts, *_trunk(skeleton, points, opacity, size, steps)]


def capsule(ends: np.ndarray, radii: np.ndarray, shades: list[int], steps: int = 12) -> Mesh:
    """A rod with round ends, or a sphere where both ends are the same point.

    Args:
        ends: (2, 3) mm.
        radii: (2,) mm at the ends.
        shades: at the ends.
        steps: corners round it.
    """
    latitude = np.radians([-90, -55, -25, 0, 0, 25, 55, 90])
    end = np.repeat([0, 1], 4)
    along = ends[1] - ends[0]
    length = float(np.linalg.norm(along))
    along = along / length if length > 0 else np.array([0.0, 0.0, 1.0])
    across = _perpendicular(along)
    turn = np.arange(steps) * 2 * np.pi / steps
    round_it = np.cos(turn)[:, None] * across + np.sin(turn)[:, None] * np.cross(along, across)
    rings = ends[end] + (np.asarray(radii)[end] * np.sin(latitude))[:, None] * along
    corners = rings[:, None] + (np.asarray(radii)[end] * np.cos(latitude))[:, None, None] * round_it
    return Mesh(corners.reshape(-1, 3), lathe_faces(len(latitude), steps), np.repeat(np.take(shades, end), steps))


def ellipsoid(center: np.ndarray, half_axes: np.ndarray, tone: int, steps: int = 12) -> Mesh:
    """An ellipsoid along the axes.

    Args:
        center: (3,) mm.
        half_axes: (3,) mm.
        tone: its shade.
        steps: corners round it.
    """
    rings = 3 * steps // 4
    polar, turn = np.meshgrid(np.linspace(0, np.pi, rings), np.arange(steps) * 2 * np.pi / steps, indexing="ij")
    ball = np.stack((np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar)), -1).reshape(-1, 3)
    return Mesh(center + half_axes * ball, lathe_faces(rings, steps), np.full(len(ball), tone))


def lathe_faces(rings: int, steps: int) -> np.ndarray:
    """(F, 3) triangles between rings of corners."""
    here = np.arange((rings - 1) * steps).reshape(rings - 1, steps)
    beside, below = np.roll(here, -1, axis=1), here + steps
    across = np.roll(below, -1, axis=1)
    return np.concatenate((np.stack((here, below, across), -1), np.stack((here, across, beside), -1))).reshape(-1, 3)


def vertex_normals(corners: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit vectors (V, 3) float32 at corners (V, 3): the mean over the faces (F, 3), by size."""
    a, b, c = np.moveaxis(corners[faces].astype(float), 1, 0)
    across, sums = np.cross(b - a, c - a), np.zeros(corners.shape)
    for column in faces.T:
        np.add.at(sums, column, across)
    length = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.where(length > 0, sums / np.maximum(length, 1e-12), [0.0, 1.0, 0.0]).astype(np.float32)


def _perpendicular(along: np.ndarray) -> np.ndarray:
    """A unit vector across another one."""
    helper = np.eye(3)[np.abs(along).argmin()]
    across = np.cross(along, helper)
    return across / np.linalg.norm(across)


def _head(ends: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Ends and radii of a head between neck and top: an egg whose upper end touches the top."""
    along = ends[1] - ends[0]
    length = float(np.linalg.norm(along))
    along = along / max(length, 1e-9)
    top = ends[1] - (radius - 8) * along
    bottom = ends[0] + min(0.3 * length, length - radius) * along
    return np.stack((bottom, top)), np.array([0.82 * radius, radius])


def _trunk(
    skeleton: Skeleton, points: np.ndarray, opacity: np.ndarray, size: float, steps: int
) -> list[tuple[tuple[int, ...], Mesh]]:
    """A body round the spine that shows which way the chest faces: the pieces whose joints are all drawn."""
    if not set(_TRUNK) <= set(skeleton.joints):
        return []
    joints = tuple(skeleton.index(name) for name in _TRUNK)
    left, right, _, waist, _, left_hip, right_hip = points[list(joints)]
    middles = np.stack(((left + right) / 2, waist, (left_hip + right_hip) / 2))
    spans = np.stack((left - right, (left - right + left_hip - right_hip) / 2, left_hip - right_hip)) / 2
    pieces = []
    for (needed, *_), place in zip(_PIECES, TRUNK_PLACES, strict=True):
        owners = joints[:needed]
        strength = float(opacity[list(owners)].min())
        if strength > 0:
            corners = _rings(middles, spans, place, size, 2 * steps)
            tones = np.full(len(place) * 2 * steps, shade("middle", strength))
            pieces.append((owners, Mesh(corners, lathe_faces(len(place), 2 * steps), tones)))
    return pieces


def _rings(middles: np.ndarray, spans: np.ndarray, place: np.ndarray, size: float, steps: int) -> np.ndarray:
    """(R * steps, 3) corners of rings at places (R,) of the trunk; the first and the last ring are points."""
    width, depth = (np.interp(place, _SECTIONS[:, 0], column) for column in _SECTIONS[:, 1:].T)
    width[[0, -1]] = depth[[0, -1]] = 0
    across = _along(spans, np.clip(place, 0, 2))
    front = np.cross(across, middles[0] - middles[2])
    front *= (size * depth / np.maximum(np.linalg.norm(front, axis=1), 1e-9))[:, None]
    turn = (np.arange(steps) * 2 * np.pi / steps)[:, None]
    rings = (across * width[:, None])[:, None] * np.cos(turn) + front[:, None] * np.sin(turn)
    return (_along(middles, place)[:, None] + rings).reshape(-1, 3)


def _along(points: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Places on a line through points 0, 1, 2, continued beyond its ends."""
    first = np.clip(np.floor(place), 0, len(points) - 2).astype(int)
    part = (place - first)[:, None]
    return (1 - part) * points[first] + part * points[first + 1]
