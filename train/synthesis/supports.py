"""What bears people, and what hides a part of them: seats, beds, stages, and things in front."""

from __future__ import annotations

import numpy as np

from train.synthesis.builder import Builder, green
from train.synthesis.placement import Placed, Seat
from train.synthesis.props import box, column, foliage, up

_SEAT_SHEETS = ("wood", "weave", "plaster", "concrete")
_SEAT_WIDTHS = {
    "chair": (400, 520), "bench": (1100, 2200), "sofa": (1000, 2100), "block": (480, 1500), "stool": (340, 400),
}  # fmt: skip


def build_seat(builder: Builder, seat: Seat, floor: float) -> None:
    """A chair, stool, bench, block or sofa of the height that the seat asks for."""
    height = float(seat.top[1]) - floor
    if height < 60:
        return
    side = np.cross([0, 1.0, 0], seat.ahead)
    turn = float(np.arctan2(seat.ahead[0], seat.ahead[2]))
    sheet = builder.pick(_SEAT_SHEETS)
    material = builder.material(builder.any_colour(0.12, 0.85, 0.7), sheet, builder.between(400, 1200))
    back = seat.back + builder.between(0, 60)
    front = float(np.clip(seat.front, 40, 330))
    if seat.rest is not None:
        back = max(back, seat.rest)
    depth, middle = front + back, seat.top + seat.ahead * (front - back) / 2
    kind = builder.pick(list(_SEAT_WIDTHS), [0.38, 0.2, 0.16, 0.16, 0.10]) if height > 250 else "block"
    width = max(builder.between(*_SEAT_WIDTHS[kind]), 330.0)
    if kind == "stool":
        builder.add(column(seat.top - up(40), 0.5 * width, 40, material, 16))
        builder.add(column(seat.top - up(height), 0.12 * width, height - 40, material, 8))
        builder.add(column(seat.top - up(height), 0.42 * width, 25, material, 12))
        return
    if kind in ("block", "sofa"):
        builder.add(box(middle - up(height / 2), (width, height, depth), material, turn))
    else:
        builder.add(box(middle - up(20), (width, 40, depth), material, turn))
        for across in (-0.46, 0.46):
            for along in (-0.44, 0.44):
                leg = middle + side * across * width + seat.ahead * along * depth - up(20 + height / 2)
                builder.add(box(leg, (36, height - 40, 36), material, turn))
    if seat.rest is not None and (kind in ("chair", "sofa") or (kind == "bench" and builder.chance(0.5))):
        tall = builder.between(330, 560)
        thick = 160.0 if kind == "sofa" else 30.0
        behind = seat.top - seat.ahead * (seat.rest + thick / 2)
        builder.add(box(behind + up(tall / 2 - 20), (width, tall + 40, thick), material, turn))


def bed_height(generator: np.random.Generator, placed: list[Placed]) -> float:
    """How high above the floor who lies is put: a bed for half of those who lie alone."""
    if len(placed) > 1 or not placed[0].lies or generator.random() < 0.5:
        return 0.0
    return float(generator.uniform(250, 620))


def build_stage(builder: Builder, placed: list[Placed], height: float, *, soft: bool) -> None:
    """What is under people above the floor: a bed if ``soft``, else a stage or a block of stone."""
    everything = np.concatenate([one.vertices[::9] for one in placed])
    turn = float(np.arctan2(*placed[0].facing[[0, 2]])) if soft else builder.stage.angle
    axes = np.array([[np.cos(turn), 0, -np.sin(turn)], [np.sin(turn), 0, np.cos(turn)]])
    along = everything @ axes.T
    margin = builder.between(30, 350) if soft else builder.between(150, 900)
    low, high = along.min(0) - margin, along.max(0) + margin
    middle = axes.T @ ((low + high) / 2)
    width, depth = (high - low).tolist()
    if soft:
        cloth = builder.material(builder.any_colour(0.35, 0.95, 0.75), "weave", builder.between(300, 900), soft=0.2)
        wood = builder.material(builder.any_colour(0.15, 0.8, 0.7), "wood", 900)
        thick = min(220.0, height * 0.6)
        builder.add(box(middle - up(thick / 2), (width, thick, depth), cloth, turn))
        builder.add(box(middle - up(thick / 2 + height / 2), (width + 60, height - thick, depth + 60), wood, turn))
        return
    sheet = builder.pick(["concrete", "wood", "bricks", "planks"])
    stone = builder.material(builder.any_colour(0.25, 0.8, 0.85), sheet, builder.between(800, 2000))
    builder.add(box(middle - up(height / 2), (width, height, depth), stone, turn))


def build_occluder(builder: Builder, placed: list[Placed], camera_position: np.ndarray) -> None:
    """Something between the camera and a part of a person: plant, post, table, box, or the back of a chair."""
    generator, stage = builder.generator, builder.stage
    one = placed[0]
    target = one.joints_world[int(generator.integers(17))].astype(float)
    to_camera = (camera_position - target) * [1, 0, 1]
    distance = float(np.linalg.norm(to_camera))
    to_camera /= distance
    reach = float(np.linalg.norm((one.vertices[::9] - target)[:, [0, 2]], axis=1).max())
    ahead = min(reach + builder.between(150, 700), 0.6 * distance)
    aside = np.cross([0, 1.0, 0], to_camera) * builder.between(-250, 250)
    foot = np.array([target[0], stage.floor, target[2]]) + to_camera * ahead + aside
    size = float(np.ptp(one.joints_world, axis=0).max()) / 1700
    kind = builder.pick(["plant", "post", "table", "box", "rail"], [0.28, 0.22, 0.2, 0.2, 0.1])
    turn = stage.angle + builder.between(-0.6, 0.6)
    colour = builder.any_colour(0.1, 0.9, 0.7)
    paint = builder.material(colour, builder.pick(["wood", "plaster", "weave", "concrete"]), 700)
    if kind == "plant":
        tall = builder.between(250, 750) * size
        crown = (builder.between(120, 420) * size, tall, builder.between(120, 420) * size)
        builder.add(foliage(generator, foot + up(tall), crown, 90, builder.between(50, 130) * size, green(builder)))
    elif kind == "post":
        builder.add(column(foot, builder.between(20, 90) * size, 3500.0, paint, 10))
    elif kind == "table":
        tall, wide = builder.between(450, 800) * size, builder.between(500, 1500)
        builder.add(box(foot + up(tall), (wide, 35, 550), paint, turn))
        side = np.array([np.cos(turn), 0, -np.sin(turn)])
        for across in (-0.45, 0.45):
            builder.add(box(foot + side * across * wide + up(tall / 2), (45, tall, 450), paint, turn))
    elif kind == "box":
        tall = builder.between(200, 900) * size
        builder.add(box(foot + up(tall / 2), (builder.between(250, 900) * size, tall, 350), paint, turn))
    else:
        for level in (0.45, 0.9):
            builder.add(box(foot + up(level * 1050 * size), (6000, 40, 40), paint, stage.angle))
