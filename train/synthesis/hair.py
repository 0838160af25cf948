"""Heads: hair, beards, brows, lips, eyes, hats.

Measured on the person at rest from the eyes and the crown; *h* is the height of the crown over the eyes (about 105 mm
in an adult), and angles go round the head from the front.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from train.synthesis.body import Person
from train.synthesis.props import up
from train.synthesis.rig import RIG
from train.synthesis.surface import Material, Surface, linear, vertex_normals
from train.synthesis.tailor import Figure, Tailor

Colour = tuple[float, float, float]
_HAIR: tuple[Colour, ...] = (
    (0.07, 0.06, 0.06), (0.13, 0.10, 0.08), (0.22, 0.15, 0.11), (0.34, 0.23, 0.15), (0.50, 0.36, 0.22),
    (0.68, 0.54, 0.35), (0.82, 0.70, 0.50), (0.45, 0.20, 0.10), (0.50, 0.49, 0.48), (0.70, 0.69, 0.67),
)  # fmt: skip
_EYES: tuple[Colour, ...] = ((0.16, 0.10, 0.07), (0.25, 0.16, 0.09), (0.20, 0.28, 0.36), (0.25, 0.30, 0.22))
STYLES = ("bald", "stubble", "short", "cap", "afro", "long", "ponytail", "bun")
_THICKNESS = {
    "stubble": (2, 5), "short": (7, 20), "cap": (16, 34), "afro": (35, 75), "long": (9, 20), "ponytail": (6, 11),
    "bun": (6, 11),
}  # fmt: skip
_HAT_EDGE = 0.34  # of the height of the crown over the eyes
HATS = ("none", "cap", "brim", "beanie", "helmet")


@dataclass(frozen=True)
class Head:
    """The hair and hat of a head.

    Attributes:
        style: one of :data:`STYLES`.
        hair: material of hair, brows and beard.
        thickness: of the hair in mm.
        length: how far long hair falls, 0 the chin to 1 the shoulder blades.
        hairline: how far the hair has gone back, 0 to 1.
        beard: 0 none, to 0.4 stubble, to 1 a full beard.
        lips: factor of the skin's colour.
        iris: linear RGB.
        hat: one of :data:`HATS`.
        hat_cloth: its material.
    """

    style: str
    hair: Material
    thickness: float
    length: float
    hairline: float
    beard: float
    lips: Colour
    iris: Colour
    hat: str
    hat_cloth: Material


def draw_head(generator: np.random.Generator, person: Person, darkness: float) -> Head:
    """Hair, face and hat that fit the person.

    Args:
        generator: of all choices.
        person: sex and age decide.
        darkness: of the skin, 0 to 1.
    """
    woman, age = person.sex == 0, person.age_years
    man_grown = not woman and age > 17
    weights = [0.01, 0.01, 0.14, 0.10, 0.03 + 0.12 * darkness, 0.38, 0.2, 0.13] if woman else [
        0.07 * man_grown, 0.14, 0.5, 0.16, 0.04 + 0.12 * darkness, 0.05, 0.02, 0.01]  # fmt: skip
    style = str(generator.choice(STYLES, p=np.array(weights) / np.sum(weights)))
    grey = np.clip((age - 45) / 35, 0, 0.75)
    dark = generator.random() < darkness**0.6
    natural = _HAIR[int(generator.integers(0, 3 if dark else 8))]
    colour = _HAIR[int(generator.integers(8, 10))] if generator.random() < grey else natural
    colour = tuple(np.clip(np.array(colour) + generator.normal(0, 0.02, 3), 0.02, 0.95))
    beard = float(generator.random()) if man_grown and generator.random() < 0.4 else 0.0
    hat = str(generator.choice(HATS, p=[0.84, 0.07, 0.03, 0.04, 0.02]))
    lips = (1.0, 0.72, 0.70) if not woman or generator.random() < 0.6 else (0.95, 0.42, 0.42)
    ragged = 10.0 if style == "stubble" else 26.0
    hair = Material(linear(colour), gloss=float(generator.uniform(0.05, 0.25)), ragged=ragged, soft=0.2)
    thickness, length = float(generator.uniform(*_THICKNESS.get(style, (0, 1)))), float(generator.random())
    hairline = float(generator.beta(2, 3)) * float(np.clip((age - 25) / 40, 0, 1)) if man_grown else 0.0
    iris = linear(_EYES[int(generator.integers(0, 2 if dark else 4))])
    cloth = generator.uniform(0.08, 0.85, 3) if generator.random() < 0.6 else (0.1, 0.1, 0.12)
    hat_cloth = Material(linear(cloth), fold=3.0, fold_size=120, gloss=0.05)
    return Head(style, hair, thickness, length, hairline, beard, lips, iris, hat, hat_cloth)


@dataclass(frozen=True)
class _Landmarks:
    """Places on the head at rest: mm."""

    eyes: np.ndarray  # (2, 3)
    height: float  # of the crown over the eyes
    middle: np.ndarray  # (3,) of the skull at the height of the eyes


def _landmarks(figure: Figure) -> _Landmarks:
    tailor, person = figure.tailor, figure.person
    rows = tailor.vertices["eyes"]
    left = tailor.left[rows]
    eyes = np.stack([person.rest[rows[left]].mean(0), person.rest[rows[~left]].mean(0)])
    height = float(person.tails[RIG.index("head"), 1] - eyes[0, 1])
    skull = person.rest[tailor.vertices["skin"]]
    skull = skull[skull[:, 1] > eyes[0, 1]]
    middle = np.array([0.0, eyes[0, 1], 0.5 * (skull[:, 2].min() + skull[:, 2].max())])
    return _Landmarks(eyes, height, middle)


def _scalp_cover(places: np.ndarray, marks: _Landmarks, hairline: float) -> np.ndarray:
    """Distance (N,) in mm of places (N, 3) inside the hairline."""
    x, y, z = (places - marks.middle).T
    angle = np.degrees(np.arctan2(np.abs(x), z))
    h = marks.height
    bare = np.array([0.56, 0.60, 0.50, 0.05, -0.12, -0.45, -0.72, -0.8]) * h
    bare = bare + hairline * h * np.array([0.45, 0.5, 0.4, 0.15, 0.0, 0.0, 0.0, 0.0])
    edge = np.interp(angle, [0, 35, 58, 74, 100, 118, 150, 180], bare)
    ear = (np.abs(x) > 0.70 * h) & (y < 0.18 * h) & (angle < 118)
    return np.where(ear, -50.0, y - edge)


def skin_tint(head: Head, figure: Figure) -> np.ndarray:
    """(N, 4) colour factors of the skin's vertices: lips, brows, beard, shaved scalp, flushed cheeks."""
    tailor, person = figure.tailor, figure.person
    rows = figure.rows("skin")
    tint = np.ones((len(rows), 4), np.float32)
    near = np.flatnonzero(tailor.head[rows] > 0.5)
    places, marks = person.rest[rows[near]], _landmarks(figure)
    apart = float(np.abs(marks.eyes[0, 0] - marks.eyes[1, 0])) / 62.0
    x, y, z = ((places - [0.0, marks.eyes[0, 1], marks.eyes[0, 2]]) / apart).T
    front = z > -12
    factor = np.ones((len(near), 3))
    lips = front * np.exp(-_fourth(x / 21) - _fourth((y + 66) / 7.5))
    factor *= 1 - lips[:, None] * (1 - np.array(head.lips))
    cheeks = front * np.exp(-(((np.abs(x) - 36) / 16) ** 2) - (((y + 34) / 16) ** 2))
    factor *= 1 - cheeks[:, None] * np.array([0.0, 0.10, 0.09])
    colour = np.array(head.hair.colour) * 1.4
    aside = np.abs(x) - 31
    brows = front * np.exp(-_fourth(aside / 17) - _fourth((y - 19 + np.abs(aside) * 0.12) / 4.6)) * 0.75
    factor = factor * (1 - brows[:, None]) + brows[:, None] * np.minimum(colour, 0.6)
    sockets = front * np.exp(-_fourth(aside / 16) - _fourth(y / 7.0)) * 0.35
    factor *= 1 - sockets[:, None]
    if head.beard > 0:
        jaw = _beard_fraction(x, y, z)[:, None] * (0.25 + 0.6 * head.beard)
        factor = factor * (1 - jaw) + jaw * np.minimum(colour * 1.5, 0.9)
    if head.style != "bald":
        under = np.clip(_scalp_cover(places, marks, head.hairline) / 12, 0, 1)[:, None] * 0.8
        factor = factor * (1 - under) + under * np.minimum(colour, 0.8)
    tint[near, :3] = factor
    return tint


def _fourth(values: np.ndarray) -> np.ndarray:
    """The fourth power, many times as fast as ``**`` makes it."""
    return np.square(np.square(values))


def _beard_fraction(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """How much (N,) of the skin of a face is under the beard; from the middle of the eyes in mm."""
    below = 1 / (1 + np.exp((y + 48 - 0.30 * np.abs(x)) / 4))
    above = 1 / (1 + np.exp(-(y + 128) / 6))
    mouth = 1 - 0.9 * np.exp(-_fourth(x / 21) - _fourth((y + 66) / 7))
    return below * above * mouth * (z > -75)


def head_surfaces(head: Head, figure: Figure, materials: list[Material]) -> list[Surface]:
    """Hair, eyes and hat of a posed body; their materials are added."""
    marks = _landmarks(figure)
    surfaces = [_eyes(head, figure, materials, marks)]
    materials.append(head.hair)
    index = len(materials) - 1
    if head.style != "bald":
        surfaces.append(_scalp(head, figure, index, marks))
    if head.beard > 0.55:
        surfaces.append(_beard(head, figure, index, marks))
    if head.style == "long":
        surfaces.append(_falling(head, figure, index, marks))
    stiff = [_tied(head, index, marks)] if head.style in ("ponytail", "bun") else []
    if head.hat != "none":
        materials.append(head.hat_cloth)
        stiff += _hat(head, len(materials) - 1, marks)
    if stiff:
        frame, origin = _frame(figure)
        surfaces += [part.moved(frame, origin) for part in stiff]
    return surfaces


def _frame(figure: Figure) -> tuple[np.ndarray, np.ndarray]:
    """Rotation (3, 3) and offset (3,) that take the skull at rest to its place."""
    tailor, person, posed = figure.tailor, figure.person, figure.posed
    rows = figure.rows("skin")
    rows = rows[tailor.head[rows] > 0.999][::7]
    rows = rows[person.rest[rows, 1] > person.heads[RIG.index("head"), 1] + 40]
    rest, there = person.rest[rows], posed[rows]
    u, _, v = np.linalg.svd((there - there.mean(0)).T @ (rest - rest.mean(0)))
    rotation = u @ np.diag([1, 1, np.linalg.det(u @ v)]) @ v
    return rotation, there.mean(0) - rotation @ rest.mean(0)


def _eyes(head: Head, figure: Figure, materials: list[Material], marks: _Landmarks) -> Surface:
    tailor, person, posed = figure.tailor, figure.person, figure.posed
    materials.append(Material((0.72, 0.70, 0.68), gloss=0.5, soft=0.2))
    rows = tailor.vertices["eyes"]
    own = np.where(tailor.left[rows, None], marks.eyes[0], marks.eyes[1])
    rest = person.rest[rows]
    front = rest[:, 2] - own[:, 2]
    aside = np.linalg.norm((rest - own)[:, :2], axis=1)
    size = float(aside.max())
    tint = np.ones((len(rows), 4), np.float32)
    ahead = front > 0
    tint[ahead & (aside < 0.52 * size), :3] = np.array(head.iris) / 0.7
    tint[ahead & (aside < 0.24 * size), :3] = 0.02
    normal = tailor.normals("eyes", posed[rows])
    return Surface("skin", posed[rows], normal, tailor.faces["eyes"], rest, len(materials) - 1, tint)


def _offset_skin(figure: Figure, cover: np.ndarray, stand: np.ndarray, index: int) -> Surface:
    """A surface off the skin where it covers: cover and distance (N,) of the skin's vertices."""
    rows, weld = figure.rows("skin"), figure.tailor.weld["skin"]
    faces = figure.tailor.faces["skin"]
    faces = faces[(cover > -12)[faces].any(1)]
    position = figure.posed[rows] + figure.normals("skin") * stand[:, None].astype(np.float32)
    used, local = np.unique(np.concatenate([faces, weld[faces]]), return_inverse=True)
    own, welded = local.reshape(2, *faces.shape).astype(np.int32)
    back = np.arange(len(used))
    back[own] = welded
    normal = vertex_normals(position[used], welded)[back]
    rest = figure.size.rest[rows[used]]
    return Surface("hair", position[used], normal, own, rest, index, (1.0, 1.0, 1.0, 1.0), cover[used])


def _on_head(tailor: Tailor, values: np.ndarray) -> np.ndarray:
    """Cover of the skin's vertices, none away from the head."""
    return np.where(tailor.head[tailor.vertices["skin"]] > 0.5, values, -200.0).astype(np.float32)


def _scalp(head: Head, figure: Figure, index: int, marks: _Landmarks) -> Surface:
    tailor, person = figure.tailor, figure.person
    places = person.rest[tailor.vertices["skin"]]
    cover = _on_head(tailor, _scalp_cover(places, marks, head.hairline))
    cover = _under_hat(cover, places, head, marks)
    top = np.clip((places[:, 1] - marks.middle[1]) / marks.height, 0, 1)
    x, z = places[:, 0] / 23.0, places[:, 2] / 31.0
    lumps = 1 + 0.22 * np.sin(x * 2.1 + head.length * 9) * np.sin(z * 1.7 + head.thickness)
    thickness = head.thickness if head.hat == "none" else min(head.thickness, 8.0)
    even = 1.0 if head.style == "afro" else 0.45 + 0.55 * top
    edge = np.clip((cover + 6) / (30 + thickness), 0.12, 1) ** 0.7
    return _offset_skin(figure, cover, thickness * even * lumps * edge + 1.5, index)


def _under_hat(cover: np.ndarray, places: np.ndarray, head: Head, marks: _Landmarks) -> np.ndarray:
    """Cover (N,) of hair at places (N, 3), none where a hat is over it."""
    if head.hat == "none":
        return cover
    return np.minimum(cover, marks.middle[1] + _HAT_EDGE * marks.height - places[:, 1])


def _beard(head: Head, figure: Figure, index: int, marks: _Landmarks) -> Surface:
    tailor, person = figure.tailor, figure.person
    apart = float(np.abs(marks.eyes[0, 0] - marks.eyes[1, 0])) / 62.0
    x, y, z = ((person.rest[tailor.vertices["skin"]] - [0.0, marks.eyes[0, 1], marks.eyes[0, 2]]) / apart).T
    fraction = _beard_fraction(x, y, z)
    cover = _on_head(tailor, (fraction - 0.55) * 30)
    return _offset_skin(figure, cover, np.clip(fraction - 0.4, 0, 1) * 12 * (head.beard - 0.3) + 1.5, index)


def _falling(head: Head, figure: Figure, index: int, marks: _Landmarks) -> Surface:
    tailor, person, posed = figure.tailor, figure.person, figure.posed
    rows = tailor.vertices["hair"]
    rest = person.rest[rows]
    end = marks.eyes[0, 1] - marks.height * (0.9 + 3.0 * head.length)
    angle = np.degrees(np.arctan2(np.abs(rest[:, 0]), rest[:, 2] - marks.middle[2]))
    over_face = (rest[:, 1] - marks.middle[1] - 0.40 * marks.height) * (angle < 62)
    before_face = (angle < 62) & (rest[:, 1] < marks.middle[1] + 0.45 * marks.height)
    cover = np.where(before_face, np.minimum(over_face, 0) - 8, 60.0)
    cover = _under_hat(np.minimum(cover, rest[:, 1] - end), rest, head, marks).astype(np.float32)
    normal = tailor.normals("hair", posed[rows])
    position = posed[rows] + normal * 5.0
    return Surface("hair", position, normal, tailor.faces["hair"], rest, index, (1.0, 1.0, 1.0, 1.0), cover)


def _ball(
    center: np.ndarray, radii: tuple[float, float, float], rows: int = 9, columns: int = 14
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices, normals and faces of an ellipsoid."""
    down, around = np.meshgrid(np.linspace(0, np.pi, rows), np.linspace(0, 2 * np.pi, columns), indexing="ij")
    unit = np.stack([np.sin(down) * np.sin(around), np.cos(down), np.sin(down) * np.cos(around)], -1).reshape(-1, 3)
    normal = unit / np.array(radii)
    return (unit * radii + center).astype(np.float32), normal.astype(np.float32), _grid_faces(rows, columns)


def _grid_faces(rows: int, columns: int) -> np.ndarray:
    """Faces (F, 3) int32 of a grid of vertices."""
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    lower = np.stack([first + 1, first + columns, first + columns + 1], 1)
    return np.concatenate([np.stack([first, first + columns, first + 1], 1), lower]).astype(np.int32)


def _tied(head: Head, index: int, marks: _Landmarks) -> Surface:
    """A bun, or a tail that hangs down from it."""
    h = marks.height
    high = marks.middle[1] + h * (0.1 + 0.6 * (head.length if head.style == "ponytail" else 1 - head.length))
    back = marks.middle[2] - h * 0.95
    if head.style == "bun":
        position, normal, faces = _ball(np.array([0.0, high, back]), (0.34 * h, 0.32 * h, 0.30 * h))
    else:
        long = h * (0.8 + 1.1 * head.length)
        center = np.array([0.0, high - long * 0.75, back - 0.12 * h])
        position, normal, faces = _ball(center, (0.24 * h, long, 0.20 * h))
    return Surface("hair", position, normal, faces, position, index)


def _hat(head: Head, index: int, marks: _Landmarks) -> list[Surface]:
    """A hat round the skull at rest: a dome, and what stands off it."""
    h = marks.height
    over = marks.middle + up(0.22 * h)
    wide = {"cap": 1.0, "brim": 1.02, "beanie": 1.02, "helmet": 1.18}[head.hat]
    tall = {"cap": 0.92, "brim": 1.05, "beanie": 1.0, "helmet": 1.02}[head.hat] * h
    position, normal, faces = _ball(over, (0.80 * h * wide, tall, 0.98 * h * wide), 13, 20)
    cover = position[:, 1] - over[1] - (0.08 * h if head.hat != "beanie" else 0.0)
    parts = [Surface("cloth", position, normal, faces, position, index, cover=cover.astype(np.float32))]
    if head.hat in ("cap", "brim"):
        parts.append(_brim(index, over + up(0.10 * h), h, wide, whole=head.hat == "brim"))
    return parts


def _brim(index: int, at: np.ndarray, h: float, wide: float, *, whole: bool) -> Surface:
    angles = np.linspace(-np.pi, np.pi, 33) if whole else np.linspace(-1.15, 1.15, 17)
    reach = np.full_like(angles, 0.62 * h) if whole else 0.72 * h * np.cos(angles / 1.15 * np.pi / 2) ** 0.5
    rim = np.stack([np.sin(angles), np.zeros_like(angles), np.cos(angles)], axis=1)
    inner = rim * [0.78 * h * wide, 0, 0.96 * h * wide]
    outer = inner + rim * reach[:, None] - np.array([0, 1.0, 0]) * reach[:, None] * 0.22
    position = (np.concatenate([inner, outer]) + at).astype(np.float32)
    faces = _grid_faces(2, len(angles))
    return Surface("cloth", position, vertex_normals(position, faces), faces, position, index)
