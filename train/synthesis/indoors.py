"""Rooms and studios."""

from __future__ import annotations

import numpy as np

from train.synthesis.builder import Builder, green
from train.synthesis.props import box, column, foliage, panel, up, yaw


def room(builder: Builder) -> None:
    """Floor, walls, ceiling, windows, pictures and furniture."""
    stage = builder.stage
    paint = builder.any_colour(0.4, 0.95, 0.85)
    sheet = builder.pick(["plaster", "plaster", "plaster", "bricks", "planks", "tiles"])
    wall = builder.material(paint, sheet, builder.between(700, 2500))
    kind = builder.pick(["planks", "tiles", "carpet", "wood", "concrete", "court"], [0.35, 0.2, 0.2, 0.1, 0.1, 0.05])
    if kind in ("planks", "wood", "court"):
        tone = np.array([0.58, 0.42, 0.28]) * builder.between(0.6, 1.4)
    else:
        tone = builder.any_colour(0.2, 0.85, 0.85)
    size = builder.between(500, 1800) * (6 if kind == "court" else 1)
    builder.ground(builder.material(tone, kind, size, gloss=builder.between(0.0, 0.25)), 30_000.0)
    behind = stage.reach + builder.between(250, 4500)
    left, right = (stage.reach + builder.between(1500, 5000) for _ in range(2))
    near = stage.distance + 1500.0
    height = builder.between(2350, 3600)
    if stage.camera_height - stage.floor > height - 250:
        height = stage.camera_height - stage.floor + 6000.0
    lean = builder.between(-0.5, 0.5) * min(1.0, 3500.0 / near)
    away = yaw(stage.angle + lean) @ np.array([0, 0, 1.0])
    across = yaw(stage.angle + lean) @ np.array([-1.0, 0, 0])
    rise = up(height)
    middle = stage.at(0, 0, height / 2)
    back = middle + away * behind + across * (right - left) / 2
    builder.add_shell(panel(back, across * (left + right), rise, wall, builder.between(0, 3000)))
    depth, center = behind + near, (behind - near) / 2
    builder.add_shell(panel(middle - across * left + away * center, away * depth, rise, wall))
    builder.add_shell(panel(middle + across * right + away * center, -away * depth, rise, wall))
    white = builder.material(builder.any_colour(0.75, 0.95, 0.95))
    ceiling = stage.at(0, 0, height) + away * center
    builder.add_shell(panel(ceiling, across * (left + right) * 1.6, -away * depth, white))
    builder.add_shell(panel(back - rise / 2 + up(50) - away * 6, across * (left + right), up(100), white))
    foot = back - rise / 2 - away * 12
    _on_wall(builder, foot, across, left, right, height)
    _furniture(builder, foot, across, away, left, right, behind - stage.reach)


def _on_wall(builder: Builder, foot: np.ndarray, across: np.ndarray, left: float, right: float, height: float) -> None:
    """Windows, pictures, doors and curtains on the wall that stands on ``foot``."""
    count = builder.below(5)
    for place in builder.generator.permutation(np.linspace(-0.42, 0.42, 6))[:count]:
        at = foot + across * place * (left + right)
        kind = builder.pick(["window", "picture", "door", "shelf", "curtain"], [0.3, 0.3, 0.15, 0.15, 0.1])
        wide, tall = builder.between(500, 1500), builder.between(400, 1300)
        if kind == "window":
            pane = builder.material(builder.any_colour(0.75, 0.95, 0.8), special=builder.between(0.3, 2.2))
            frame = builder.material(builder.any_colour(0.3, 0.95, 0.9))
            middle = at + up(height * 0.55)
            builder.add(panel(middle, across * (wide + 140), up(tall + 140), frame))
            toward = np.cross(across, up(1.0)) * 8
            for half in (-0.25, 0.25):
                half_pane = middle + toward + across * half * (wide + 40)
                builder.add(panel(half_pane, across * (wide / 2 - 20), up(tall), pane))
        elif kind == "door":
            wood = builder.material(builder.any_colour(0.2, 0.9, 0.8), "wood", 900)
            builder.add(panel(at + up(1010), across * 900, up(2020), wood))
        elif kind == "curtain":
            cloth = builder.material(builder.any_colour(0.2, 0.9, 0.5), "weave", 900)
            for fold in range(8):
                builder.add(column(at + across * (fold - 4) * 110.0 + up(30), 60.0, height * 0.9, cloth, 7))
        else:
            sheet = "books" if kind == "shelf" else builder.pick(["picture_a", "picture_b"])
            size = max(wide, tall) if kind == "shelf" else max(wide, tall) * 0.8
            wide, tall = (wide, tall) if kind == "shelf" else (size, size)
            picture = builder.material(builder.any_colour(0.5, 0.8, 0.8), sheet, size)
            builder.add(panel(at + up(max(tall / 2 + 80, height * 0.55)), across * wide, up(tall), picture))


def _furniture(
    builder: Builder, foot: np.ndarray, across: np.ndarray, away: np.ndarray, left: float, right: float, free: float
) -> None:
    """Cupboards, tables, sofas and plants along the wall where the people leave room."""
    generator = builder.generator
    for place in generator.permutation(np.linspace(-0.45, 0.45, 7))[: builder.below(5)]:
        at = foot + across * place * (left + right)
        wide, tall = builder.between(500, 1900), builder.between(350, 1100)
        size = (wide, tall, min(builder.between(350, 700), max(free * 0.8, 120.0)))
        colour, sheet = builder.any_colour(0.15, 0.9, 0.7), builder.pick(["wood", "weave", "plaster"])
        wood = builder.material(colour, sheet, builder.between(500, 1200))
        turn = float(np.arctan2(away[0], away[2]))
        middle = at - away * (size[2] / 2 + 5)
        kind = builder.pick(["cupboard", "table", "sofa", "plant", "tall"])
        if kind == "table":
            builder.add(box(middle + up(730), (size[0], 40, size[2]), wood, turn))
            for side in (-0.46, 0.46):
                builder.add(box(middle + across * side * size[0] + up(355), (50, 710, size[2] * 0.9), wood, turn))
        elif kind == "sofa":
            builder.add(box(middle + up(210), (size[0], 420, size[2]), wood, turn))
            builder.add(box(middle + away * size[2] * 0.4 + up(420), (size[0], 840, size[2] * 0.2), wood, turn))
        elif kind == "plant":
            pot = builder.material(builder.any_colour(0.2, 0.8, 0.7))
            builder.add(column(middle, 150.0, 300.0, pot, 10, 1.25))
            tall = builder.between(300, 700)
            crown = (tall * 0.5, tall * 0.8, tall * 0.5)
            builder.add(foliage(generator, middle + up(300 + tall * 0.7), crown, 70, 130.0, green(builder)))
        else:
            tall = builder.between(1500, 2100) if kind == "tall" else size[1]
            builder.add(box(middle + up(tall / 2), (size[0], tall, size[2]), wood, turn))


def studio(builder: Builder) -> None:
    """Plain paper behind and below."""
    paper = builder.material(builder.any_colour(0.08, 0.95, 0.75), soft=0.3)
    builder.ground(paper, 60_000.0)
    stage = builder.stage
    middle = stage.at(0, stage.reach + builder.between(300, 3000), 10_000)
    builder.add_shell(panel(middle, (stage.at(1, 0) - stage.at(0, 0)) * 60_000, up(20_000.0), paper))
