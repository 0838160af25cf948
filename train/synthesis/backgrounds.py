"""What stands behind people: photos from a folder, or rooms, streets, fields and studios built of simple things."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from train.synthesis.camera import Camera
from train.synthesis.props import box, column, foliage, panel, yaw
from train.synthesis.surface import Material, Surface, linear
from train.synthesis.textures import layer

_PHOTOS = (".jpg", ".jpeg", ".png", ".webp")


@dataclass(frozen=True)
class Stage:
    """Where the people are, as the camera sees it: axes to the right and away from the camera, on the ground.

    Attributes:
        centre: (3,) mm on the ground between the people.
        angle: radians, yaw of the axis that goes away from the camera.
        reach: mm that people take up to every side of the centre.
        distance: mm along the ground from the camera to the centre.
        camera_height: mm above the ground.
        floor: height of the ground round the people's stage, 0 if they stand on it.
    """

    centre: np.ndarray
    angle: float
    reach: float
    distance: float
    camera_height: float
    floor: float

    def at(self, right: float, away: float, height: float = 0.0) -> np.ndarray:
        """(3,) world mm of a place given to the right of and behind the centre."""
        turn = yaw(self.angle)
        return self.centre + turn @ np.array([-right, 0.0, away]) + [0.0, self.floor + height, 0.0]


def stage_of(camera: Camera, points: np.ndarray, floor: float) -> Stage:
    """The stage of people whose vertices are ``points`` (N, 3)."""
    low, high = points.min(0), points.max(0)
    centre = np.array([(low[0] + high[0]) / 2, 0.0, (low[2] + high[2]) / 2])
    ahead = camera.rotation[2]
    reach = float(np.hypot(high[0] - low[0], high[2] - low[2]) / 2)
    to = (centre - camera.position)[[0, 2]]
    return Stage(
        centre, float(np.arctan2(ahead[0], ahead[2])), reach, float(np.hypot(*to)), float(camera.position[1]), floor
    )


class PhotoFolder:
    """Photos to put behind people.

    Args:
        folder: with JPEG, PNG or WebP files, in it or below.

    Raises:
        FileNotFoundError: if there is no such folder, or no photo in it.
    """

    def __init__(self, folder: Path) -> None:
        self.paths = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in _PHOTOS)
        if not self.paths:
            raise FileNotFoundError(
                f"no photos ({', '.join(_PHOTOS)}) in {folder}: name a folder that has some, or leave the backgrounds out"
            )

    def draw(self, generator: np.random.Generator, size: int) -> np.ndarray:
        """A random square of a random photo, (size, size, 3) uint8, mirrored half of the time."""
        photo = _read(self.paths[int(generator.integers(len(self.paths)))])
        height, width = photo.shape[:2]
        side = int(min(height, width) * generator.uniform(0.55, 1.0))
        top, left = int(generator.integers(height - side + 1)), int(generator.integers(width - side + 1))
        square = photo[top : top + side, left : left + side]
        how = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
        square = cv2.resize(square, (size, size), interpolation=how)
        return np.ascontiguousarray(square[:, ::-1] if generator.random() < 0.5 else square)


@lru_cache(maxsize=64)
def _read(path: Path) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{path} cannot be read as a photo: remove it from the folder of backgrounds")
    scale = 640 / min(image.shape[:2])
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


class Builder:
    """Collects what is built.

    Args:
        generator: of all choices.
        stage: where the people are.
        materials: of the scene; what is needed is added.
    """

    def __init__(self, generator: np.random.Generator, stage: Stage, materials: list[Material]) -> None:
        self.generator, self.stage, self.materials = generator, stage, materials
        self.surfaces: list[Surface] = []

    def between(self, low: float, high: float) -> float:
        """An even draw."""
        return float(self.generator.uniform(low, high))

    def chance(self, share: float) -> bool:
        """True in so many cases."""
        return bool(self.generator.random() < share)

    def material(
        self,
        colour: np.ndarray | tuple[float, float, float],
        texture: str | None = None,
        size: float = 1000.0,
        **more: float,
    ) -> int:
        """A new material of an sRGB colour; its index."""
        second = linear(np.clip(np.array(colour) * self.between(0.5, 0.9), 0, 1))
        sheet = -1 if texture is None else layer(texture)
        self.materials.append(Material(linear(np.clip(colour, 0, 1)), sheet, second, size=size, **more))
        return len(self.materials) - 1

    def any_colour(self, low: float = 0.1, high: float = 0.85, grey: float = 0.6) -> np.ndarray:
        """(3,) sRGB, the more grey the nearer ``grey`` is to 1."""
        level = self.between(low, high)
        return np.clip(level + (1 - grey) * self.generator.normal(0, 0.35, 3), 0.03, 0.95)

    def add(self, *surfaces: Surface) -> None:
        """Keep surfaces."""
        self.surfaces += surfaces

    def ground(self, material: int, extent: float = 150_000.0) -> None:
        """The ground as far as the eye reaches."""
        stage = self.stage
        right, away = stage.at(1, 0) - stage.at(0, 0), stage.at(0, 1) - stage.at(0, 0)
        self.add(
            panel(stage.at(0, 0), right * extent, away * extent, material, self.between(0, 1e4)).moved(
                np.eye(3), np.zeros(3)
            )
        )
        surface = self.surfaces[-1]
        surface.normal[:] = (0.0, 1.0, 0.0)

    def standing(
        self, right: float, away: float, size: tuple[float, float, float], material: int, turn: float = 0.0
    ) -> None:
        """A box that stands on the ground."""
        self.add(
            box(self.stage.at(right, away, size[1] / 2), size, material, self.stage.angle + turn, self.between(0, 3000))
        )

    def tree(self, right: float, away: float, height: float, leaf: int, bark: int, leaves: int = 260) -> None:
        """A trunk and a crown."""
        foot = self.stage.at(right, away)
        self.add(column(foot, height * 0.035, height * 0.6, bark, 7, 0.6))
        crown = foot + [0, height * 0.68, 0]
        spread = self.between(0.22, 0.38) * height
        self.add(foliage(self.generator, crown, (spread, height * 0.36, spread), leaves, height * 0.055, leaf))


def _green(builder: Builder) -> int:
    colour = np.array([0.30, 0.42, 0.16]) * builder.between(0.6, 1.3) + builder.generator.normal(0, 0.04, 3)
    if builder.chance(0.12):
        colour = np.array([0.62, 0.40, 0.14])
    return builder.material(colour, soft=0.5)


def room(builder: Builder) -> None:
    """Floor, walls, ceiling, windows, pictures and furniture."""
    generator, stage = builder.generator, builder.stage
    wall = builder.material(
        builder.any_colour(0.4, 0.95, 0.85),
        str(generator.choice(["plaster", "plaster", "plaster", "bricks", "wood", "tiles"])),
        builder.between(700, 2500),
    )
    kind = str(
        generator.choice(["planks", "tiles", "carpet", "wood", "concrete", "court"], p=[0.35, 0.2, 0.2, 0.1, 0.1, 0.05])
    )
    tone = (
        np.array([0.58, 0.42, 0.28]) * builder.between(0.6, 1.4)
        if kind in ("planks", "wood", "court")
        else builder.any_colour(0.2, 0.85, 0.85)
    )
    builder.ground(builder.material(tone, kind, builder.between(500, 1800), gloss=builder.between(0.0, 0.25)), 30_000.0)
    behind = stage.reach + builder.between(250, 4500)
    left, right = (stage.reach + builder.between(1500, 5000) for _ in range(2))
    near = stage.distance + 1500.0
    height = builder.between(2350, 3600)
    if stage.camera_height - stage.floor > height - 250:
        height = stage.camera_height - stage.floor + 6000.0
    lean = builder.between(-0.5, 0.5) * min(1.0, 3500.0 / near)
    away = yaw(stage.angle + lean) @ np.array([0, 0, 1.0])
    across = yaw(stage.angle + lean) @ np.array([-1.0, 0, 0])
    up = np.array([0, height, 0])
    middle = stage.at(0, 0, height / 2)
    back = middle + away * behind + across * (right - left) / 2
    builder.add(panel(back, across * (left + right), up, wall, builder.between(0, 3000)))
    depth, centre = behind + near, (behind - near) / 2
    builder.add(panel(middle - across * left + away * centre, away * depth, up, wall))
    builder.add(panel(middle + across * right + away * centre, -away * depth, up, wall))
    white = builder.material(builder.any_colour(0.75, 0.95, 0.95))
    builder.add(panel(stage.at(0, 0, height) + away * centre, across * (left + right) * 1.6, -away * depth, white))
    builder.add(panel(back - up / 2 + [0, 50, 0] - away * 6, across * (left + right), np.array([0, 100, 0]), white))
    foot = back - up / 2 - away * 12
    _on_wall(builder, foot, across, left, right, height)
    _furniture(builder, foot, across, away, left, right, behind - stage.reach)


def _on_wall(builder: Builder, foot: np.ndarray, across: np.ndarray, left: float, right: float, height: float) -> None:
    """Windows, pictures, doors and curtains on the wall that stands on ``foot``."""
    generator = builder.generator
    count = int(generator.integers(0, 5))
    for place in generator.permutation(np.linspace(-0.42, 0.42, 6))[:count]:
        at = foot + across * place * (left + right)
        kind = generator.choice(["window", "picture", "door", "shelf", "curtain"], p=[0.3, 0.3, 0.15, 0.15, 0.1])
        wide, tall = builder.between(500, 1500), builder.between(400, 1300)
        if kind == "window":
            pane = builder.material(builder.any_colour(0.75, 0.95, 0.8), special=builder.between(0.3, 2.2))
            frame = builder.material(builder.any_colour(0.3, 0.95, 0.9))
            middle = at + [0, height * 0.55, 0]
            builder.add(panel(middle, across * (wide + 140), np.array([0, tall + 140, 0]), frame))
            toward = np.cross(across, [0, 1.0, 0]) * 8
            for half in (-0.25, 0.25):
                builder.add(
                    panel(
                        middle + toward + across * half * (wide + 40),
                        across * (wide / 2 - 20),
                        np.array([0, tall, 0]),
                        pane,
                    )
                )
        elif kind == "door":
            builder.add(
                panel(
                    at + [0, 1010, 0],
                    across * 900,
                    np.array([0, 2020, 0]),
                    builder.material(builder.any_colour(0.2, 0.9, 0.8), "wood", 900),
                )
            )
        elif kind == "curtain":
            cloth = builder.material(builder.any_colour(0.2, 0.9, 0.5), "weave", 900)
            for fold in range(8):
                builder.add(
                    column(at + across * (fold - 4) * 110.0 + np.array([0, 30, 0]), 60.0, height * 0.9, cloth, 7)
                )
        else:
            sheet = "books" if kind == "shelf" else str(generator.choice(["picture_a", "picture_b", "rug"]))
            size = max(wide, tall) if kind == "shelf" else max(wide, tall) * 0.8
            across_size, up_size = (wide, tall) if kind == "shelf" else (size, size)
            surface = panel(at + [0, max(up_size / 2 + 80, height * 0.55), 0], across * across_size, np.array([0, up_size, 0]),
                            builder.material(builder.any_colour(0.5, 0.8, 0.8), sheet, size))  # fmt: skip
            builder.add(surface)


def _furniture(
    builder: Builder, foot: np.ndarray, across: np.ndarray, away: np.ndarray, left: float, right: float, free: float
) -> None:
    """Cupboards, tables, sofas and plants along the wall where the people leave room."""
    generator = builder.generator
    for place in generator.permutation(np.linspace(-0.45, 0.45, 7))[: int(generator.integers(0, 5))]:
        at = foot + across * place * (left + right)
        size = (
            builder.between(500, 1900),
            builder.between(350, 1100),
            min(builder.between(350, 700), max(free * 0.8, 120.0)),
        )
        wood = builder.material(
            builder.any_colour(0.15, 0.9, 0.7),
            str(generator.choice(["wood", "weave", "plaster"])),
            builder.between(500, 1200),
        )
        turn = float(np.arctan2(away[0], away[2]))
        middle = at - away * (size[2] / 2 + 5)
        kind = generator.choice(["cupboard", "table", "sofa", "plant", "tall"])
        if kind == "table":
            builder.add(box(middle + [0, 730, 0], (size[0], 40, size[2]), wood, turn))
            for side in (-0.46, 0.46):
                builder.add(box(middle + across * side * size[0] + [0, 355, 0], (50, 710, size[2] * 0.9), wood, turn))
        elif kind == "sofa":
            builder.add(box(middle + [0, 210, 0], (size[0], 420, size[2]), wood, turn))
            builder.add(box(middle + away * size[2] * 0.4 + [0, 420, 0], (size[0], 840, size[2] * 0.2), wood, turn))
        elif kind == "plant":
            pot = builder.material(builder.any_colour(0.2, 0.8, 0.7))
            builder.add(column(middle, 150.0, 300.0, pot, 10, 1.25))
            tall = builder.between(300, 700)
            builder.add(
                foliage(
                    generator,
                    middle + [0, 300 + tall * 0.7, 0],
                    (tall * 0.5, tall * 0.8, tall * 0.5),
                    70,
                    130.0,
                    _green(builder),
                )
            )
        else:
            tall = builder.between(1500, 2100) if kind == "tall" else size[1]
            builder.add(box(middle + [0, tall / 2, 0], (size[0], tall, size[2]), wood, turn))


def street(builder: Builder) -> None:
    """Pavement, houses, cars, trees and posts."""
    generator, stage = builder.generator, builder.stage
    kind = str(generator.choice(["asphalt", "paving", "concrete", "bricks"]))
    builder.ground(builder.material(builder.any_colour(0.3, 0.65, 0.95), kind, builder.between(1200, 3500)))
    back = stage.reach + builder.between(900, 4000) if builder.chance(0.35) else builder.between(6000, 30000)
    x = -30000.0
    while x < 30000:
        wide, tall = builder.between(5000, 14000), builder.between(4000, 20000)
        sheet, size = (
            ("windows", builder.between(8000, 14000))
            if builder.chance(0.6)
            else (str(generator.choice(["bricks", "plaster", "concrete"])), 2500.0)
        )
        facade = builder.material(builder.any_colour(0.25, 0.85, 0.8), sheet, size)
        builder.standing(x + wide / 2, back + 5000 + builder.between(0, 600), (wide, tall, 10000), facade)
        x += wide
    leaf, bark = _green(builder), builder.material((0.30, 0.24, 0.19), "earth", 800)
    low = min(stage.reach + 1500, back - 900)
    for _ in range(int(generator.integers(0, 4))):
        builder.tree(builder.between(-9000, 9000), builder.between(low, back), builder.between(4000, 9000), leaf, bark)
    for _ in range(int(generator.integers(0, 4))):
        _car(
            builder,
            builder.between(-9000, 9000),
            builder.between(stage.reach + 2500, max(stage.reach + 2600, back - 1500)),
        )
    post = builder.material(builder.any_colour(0.1, 0.5, 0.95))
    for _ in range(int(generator.integers(0, 4))):
        builder.add(
            column(
                stage.at(builder.between(-6000, 6000), builder.between(stage.reach + 500, stage.reach + 6000)),
                builder.between(30, 120),
                builder.between(900, 6000),
                post,
            )
        )


def _car(builder: Builder, right: float, away: float) -> None:
    stage = builder.stage
    turn = builder.between(-0.15, 0.15) + (np.pi / 2 if builder.chance(0.3) else 0.0)
    paint = builder.material(builder.any_colour(0.05, 0.9, 0.55), gloss=0.4)
    glass = builder.material((0.12, 0.14, 0.17), gloss=0.6)
    at, turned = stage.at(right, away), stage.angle + turn
    builder.add(box(at + [0, 560, 0], (4300, 620, 1750), paint, turned))
    builder.add(box(at + [0, 1100, 0], (2300, 520, 1560), glass, turned))
    builder.add(box(at + [0, 1380, 0], (2100, 60, 1500), paint, turned))
    rubber = builder.material((0.08, 0.08, 0.08))
    for side in (-1350.0, 1350.0):
        builder.add(box(at + yaw(turned) @ np.array([side, 310, 0]), (620, 620, 1780), rubber, turned))


def field(builder: Builder) -> None:
    """Grass, sand, earth or snow; trees, bushes, hills, fences."""
    generator, stage = builder.generator, builder.stage
    kind = str(generator.choice(["grass", "sand", "earth", "snow", "court"], p=[0.56, 0.14, 0.14, 0.06, 0.10]))
    colour, sheet = {
        "grass": (np.array([0.33, 0.44, 0.17]) * builder.between(0.75, 1.25), "grass"),
        "sand": (np.array([0.80, 0.71, 0.55]), "earth"),
        "earth": (np.array([0.48, 0.38, 0.28]) * builder.between(0.7, 1.3), "earth"),
        "snow": (np.array([0.92, 0.94, 0.97]), "plaster"),
        "court": (builder.any_colour(0.25, 0.6, 0.5), "court"),
    }[kind]
    builder.ground(builder.material(colour, sheet, builder.between(900, 2600) * (4 if kind == "court" else 1)))
    leaf, bark = _green(builder), builder.material((0.33, 0.26, 0.2), "earth", 800)
    hill = builder.material(np.array(colour) * 0.9 if builder.chance(0.5) else (0.28, 0.36, 0.2), "leaves", 9000)
    for _ in range(int(generator.integers(0, 3))):
        size = (builder.between(60_000, 160_000), builder.between(4000, 22_000), 30_000.0)
        builder.standing(builder.between(-60_000, 60_000), builder.between(90_000, 140_000), size, hill)
    row = builder.between(6000, 60_000)
    if builder.chance(0.75):
        for x in np.linspace(-0.8, 0.8, int(generator.integers(5, 13))) * row:
            builder.tree(
                x + builder.between(-800, 800),
                row * builder.between(0.8, 1.3),
                builder.between(3500, 11_000),
                leaf,
                bark,
                200,
            )
    for _ in range(int(generator.integers(0, 4))):
        size = builder.between(300, 1100)
        at = stage.at(builder.between(-5000, 5000), stage.reach + builder.between(900, 9000), size * 0.6)
        builder.add(foliage(generator, at, (size * 1.3, size, size), 160, size * 0.13, leaf))
    if builder.chance(0.3):
        _fence(builder, stage.reach + builder.between(1200, 12_000))
    if builder.chance(0.15):
        wall = builder.material(
            builder.any_colour(0.4, 0.9, 0.8), str(generator.choice(["bricks", "plaster", "concrete"])), 1800
        )
        builder.standing(
            builder.between(-5000, 5000),
            stage.reach + builder.between(4000, 20_000),
            (20_000, builder.between(1800, 7000), 300),
            wall,
        )


def _fence(builder: Builder, away: float) -> None:
    wood = builder.material(builder.any_colour(0.25, 0.9, 0.8), "wood", 900)
    for x in np.arange(-9000, 9001, 1800):
        builder.standing(float(x), away, (110, 1150, 110), wood)
    for height in (450, 950):
        builder.add(box(builder.stage.at(0, away, height), (18_000, 130, 40), wood, builder.stage.angle))


def studio(builder: Builder) -> None:
    """Plain paper behind and below."""
    paper = builder.material(builder.any_colour(0.08, 0.95, 0.75), soft=0.3)
    builder.ground(paper, 60_000.0)
    stage = builder.stage
    builder.add(
        panel(
            stage.at(0, stage.reach + builder.between(300, 3000), 10_000),
            (stage.at(1, 0) - stage.at(0, 0)) * 60_000,
            np.array([0, 20_000.0, 0]),
            paper,
        )
    )


BUILDERS: dict[str, Callable[[Builder], None]] = {"room": room, "street": street, "field": field, "studio": studio}
