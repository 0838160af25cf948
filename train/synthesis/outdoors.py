"""Streets and fields."""

from __future__ import annotations

import numpy as np

from train.synthesis.builder import Builder, green
from train.synthesis.props import box, column, foliage, up, yaw

_WALLS = ("bricks", "plaster", "concrete")


def street(builder: Builder) -> None:
    """Pavement, houses, cars, trees and posts."""
    stage = builder.stage
    kind = builder.pick(["asphalt", "paving", "concrete", "bricks"])
    builder.ground(builder.material(builder.any_colour(0.3, 0.65, 0.95), kind, builder.between(1200, 3500)))
    back = stage.reach + builder.between(900, 4000) if builder.chance(0.35) else builder.between(6000, 30000)
    x = -30000.0
    while x < 30000:
        wide, tall = builder.between(5000, 14000), builder.between(4000, 20000)
        if builder.chance(0.6):
            sheet, size = "windows", builder.between(8000, 14000)
        else:
            sheet, size = builder.pick(_WALLS), 2500.0
        facade = builder.material(builder.any_colour(0.25, 0.85, 0.8), sheet, size)
        builder.standing(x + wide / 2, back + 5000 + builder.between(0, 600), (wide, tall, 10000), facade)
        x += wide
    leaf, bark = green(builder), builder.material((0.30, 0.24, 0.19), "earth", 800)
    low = min(stage.reach + 1500, back - 900)
    for _ in range(builder.below(4)):
        builder.tree(builder.between(-9000, 9000), builder.between(low, back), builder.between(4000, 9000), leaf, bark)
    for _ in range(builder.below(4)):
        right, far = builder.between(-9000, 9000), max(stage.reach + 2600, back - 1500)
        _car(builder, right, builder.between(stage.reach + 2500, far))
    post = builder.material(builder.any_colour(0.1, 0.5, 0.95))
    for _ in range(builder.below(4)):
        foot = stage.at(builder.between(-6000, 6000), builder.between(stage.reach + 500, stage.reach + 6000))
        builder.add(column(foot, builder.between(30, 120), builder.between(900, 6000), post))


def _car(builder: Builder, right: float, away: float) -> None:
    stage = builder.stage
    turn = builder.between(-0.15, 0.15) + (np.pi / 2 if builder.chance(0.3) else 0.0)
    paint = builder.material(builder.any_colour(0.05, 0.9, 0.55), gloss=0.4)
    glass = builder.material((0.12, 0.14, 0.17), gloss=0.6)
    at, turned = stage.at(right, away), stage.angle + turn
    builder.add(box(at + up(560), (4300, 620, 1750), paint, turned))
    builder.add(box(at + up(1100), (2300, 520, 1560), glass, turned))
    builder.add(box(at + up(1380), (2100, 60, 1500), paint, turned))
    rubber = builder.material((0.08, 0.08, 0.08))
    for side in (-1350.0, 1350.0):
        builder.add(box(at + yaw(turned) @ np.array([side, 310, 0]), (620, 620, 1780), rubber, turned))


def field(builder: Builder) -> None:
    """Grass, sand, earth or snow; trees, bushes, hills, fences."""
    generator, stage = builder.generator, builder.stage
    kind = builder.pick(["grass", "sand", "earth", "snow", "court"], [0.62, 0.13, 0.12, 0.07, 0.06])
    colour, sheet = {
        "grass": (np.array([0.33, 0.44, 0.17]) * builder.between(0.75, 1.25), "grass"),
        "sand": (np.array([0.80, 0.71, 0.55]), "earth"),
        "earth": (np.array([0.48, 0.38, 0.28]) * builder.between(0.7, 1.3), "earth"),
        "snow": (np.array([0.92, 0.94, 0.97]), "plaster"),
        "court": (builder.any_colour(0.25, 0.6, 0.5), "court"),
    }[kind]
    builder.ground(builder.material(colour, sheet, builder.between(900, 2600) * (9 if kind == "court" else 1)))
    leaf, bark = green(builder), builder.material((0.33, 0.26, 0.2), "earth", 800)
    hill = builder.material(np.array(colour) * 0.9 if builder.chance(0.5) else (0.28, 0.36, 0.2), "leaves", 9000)
    for _ in range(builder.below(3)):
        size = (builder.between(60_000, 160_000), builder.between(4000, 22_000), 30_000.0)
        builder.standing(builder.between(-60_000, 60_000), builder.between(90_000, 140_000), size, hill)
    row = builder.between(6000, 60_000)
    if builder.chance(0.75):
        for x in np.linspace(-0.8, 0.8, int(generator.integers(5, 13))) * row:
            right, away = x + builder.between(-800, 800), row * builder.between(0.8, 1.3)
            builder.tree(right, away, builder.between(3500, 11_000), leaf, bark, 200)
    for _ in range(builder.below(4)):
        size = builder.between(300, 1100)
        at = stage.at(builder.between(-5000, 5000), stage.reach + builder.between(900, 9000), size * 0.6)
        builder.add(foliage(generator, at, (size * 1.3, size, size), 160, size * 0.13, leaf))
    if builder.chance(0.3):
        _fence(builder, stage.reach + builder.between(1200, 12_000))
    if builder.chance(0.15):
        wall = builder.material(builder.any_colour(0.4, 0.9, 0.8), builder.pick(_WALLS), 1800)
        right, away = builder.between(-5000, 5000), stage.reach + builder.between(4000, 20_000)
        builder.standing(right, away, (20_000, builder.between(1800, 7000), 300), wall)


def _fence(builder: Builder, away: float) -> None:
    wood = builder.material(builder.any_colour(0.25, 0.9, 0.8), "wood", 900)
    for x in np.arange(-9000, 9001, 1800):
        builder.standing(float(x), away, (110, 1150, 110), wood)
    for height in (450, 950):
        builder.add(box(builder.stage.at(0, away, height), (18_000, 130, 40), wood, builder.stage.angle))
