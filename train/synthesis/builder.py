"""Where scenery is put, and the collecting of what is built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from train.synthesis.camera import Camera
from train.synthesis.props import box, column, foliage, panel, up, yaw
from train.synthesis.surface import Material, Surface, linear
from train.synthesis.textures import layer


@dataclass(frozen=True)
class Stage:
    """Where the people are, as the camera sees it: axes to the right and away from the camera, on the ground.

    Attributes:
        center: (3,) mm on the ground between the people.
        angle: radians, yaw of the line that goes away from the camera through the center.
        reach: mm that people take up to every side of the center.
        distance: mm along the ground from the camera to the center.
        camera_height: mm above the ground.
        floor: height of the ground round the people's stage, 0 if they stand on it.
    """

    center: np.ndarray
    angle: float
    reach: float
    distance: float
    camera_height: float
    floor: float

    def at(self, right: float, away: float, height: float = 0.0) -> np.ndarray:
        """(3,) world mm of a place given to the right of and behind the center."""
        return self.center + yaw(self.angle) @ np.array([-right, 0.0, away]) + [0.0, self.floor + height, 0.0]


def stage_of(camera: Camera, points: np.ndarray, floor: float) -> Stage:
    """The stage of people whose vertices are ``points`` (N, 3)."""
    low, high = points.min(0), points.max(0)
    center = np.array([(low[0] + high[0]) / 2, 0.0, (low[2] + high[2]) / 2])
    angle = float(np.arctan2(*(center - camera.position)[[0, 2]]))
    reach = float(np.hypot(high[0] - low[0], high[2] - low[2]) / 2)
    distance = float(np.hypot(*(center - camera.position)[[0, 2]]))
    return Stage(center, angle, reach, distance, float(camera.position[1]), floor)


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

    def chance(self, probability: float) -> bool:
        """True in so many cases."""
        return bool(self.generator.random() < probability)

    def pick(self, names: Sequence[str], fractions: Sequence[float] | None = None) -> str:
        """One of the names, evenly or in these fractions of the cases."""
        return str(self.generator.choice(names, p=fractions))

    def below(self, limit: int) -> int:
        """A whole number from 0, below the limit."""
        return int(self.generator.integers(0, limit))

    def material(self, colour: Sequence[float], texture: str | None = None, size: float = 1000.0, **more: float) -> int:
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

    def add_shell(self, *surfaces: Surface) -> None:
        """Keep surfaces that let the light in: ground, walls, ceiling."""
        self.surfaces += [replace(surface, casts=False) for surface in surfaces]

    def ground(self, material: int, extent: float = 150_000.0) -> None:
        """The ground as far as the eye reaches."""
        stage = self.stage
        right, away = stage.at(1, 0) - stage.at(0, 0), stage.at(0, 1) - stage.at(0, 0)
        floor = panel(stage.at(0, 0), right * extent, away * extent, material, self.between(0, 1e4))
        self.add_shell(replace(floor, normal=np.tile(np.float32([0, 1, 0]), (4, 1))))

    def standing(
        self, right: float, away: float, size: tuple[float, float, float], material: int, turn: float = 0.0
    ) -> None:
        """A box that stands on the ground."""
        place, angle = self.stage.at(right, away, size[1] / 2), self.stage.angle + turn
        self.add(box(place, size, material, angle, self.between(0, 3000)))

    def tree(self, right: float, away: float, height: float, leaf: int, bark: int, leaves: int = 260) -> None:
        """A trunk and a crown."""
        foot = self.stage.at(right, away)
        self.add(column(foot, height * 0.035, height * 0.6, bark, 7, 0.6))
        crown = foot + up(height * 0.68)
        spread = self.between(0.22, 0.38) * height
        self.add(foliage(self.generator, crown, (spread, height * 0.36, spread), leaves, height * 0.055, leaf))


def green(builder: Builder) -> int:
    """A new material of leaves; its index."""
    colour = np.array([0.30, 0.42, 0.16]) * builder.between(0.6, 1.3) + builder.generator.normal(0, 0.04, 3)
    if builder.chance(0.12):
        colour = np.array([0.62, 0.40, 0.14])
    return builder.material(colour, soft=0.5)
