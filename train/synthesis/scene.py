"""Scenes: people in clothes on the ground or on what bears them, with camera, light and background.

``compose(generator, pack, people, backgrounds)`` makes a :class:`Scene` whose every choice comes from ``generator``;
``scene.people[i]`` tells of person i (``joints_world`` (17, 3) after placement, ``dressed``, ``facing``), and
``scene.camera.project(points)`` gives pixels and millimetres in camera axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from train.synthesis.backgrounds import BUILDERS, Builder, PhotoFolder, stage_of
from train.synthesis.body import BodyPack, Person, pose_body
from train.synthesis.camera import Camera, Shot, frame
from train.synthesis.lens import Lens, draw_lens
from train.synthesis.lighting import Light, indoor_light, outdoor_light
from train.synthesis.placement import Placed, place_people, posture_points, supports
from train.synthesis.surface import Material, Surface
from train.synthesis.wardrobe import DressedPerson, draw_outfit, wear

_INDOORS = ("room", "studio")


@dataclass(frozen=True)
class Scene:
    """All that a picture needs.

    Attributes:
        camera: who looks.
        light: what shines.
        surfaces: people and things.
        materials: that the surfaces name.
        photo: (H, W, 3) uint8 behind everything, None for a sky.
        lens: what the camera does to the picture.
        people: in the order in which they were given.
        centre: (3,) mm, radius: mm; a ball round the people and what bears them.
        background: what kind it is.
    """

    camera: Camera
    light: Light
    surfaces: list[Surface]
    materials: list[Material]
    photo: np.ndarray | None
    lens: Lens
    people: list[Placed]
    centre: np.ndarray
    radius: float
    background: str


def compose(
    generator: np.random.Generator,
    pack: BodyPack,
    people: Sequence[DressedPerson | tuple[Person, np.ndarray]],
    backgrounds: PhotoFolder | None = None,
    size: int = 256,
) -> Scene:
    """A random scene with these people.

    Args:
        generator: of every choice: turn and place of the people, clothes, camera, light, background.
        pack: where the bodies are from.
        people: in their postures (21, 3, 3), dressed or to be dressed; the first is the one that is framed.
        backgrounds: photos to put behind half of the scenes; without them all are built.
        size: pixels of the picture's side.

    Raises:
        ValueError: if there is nobody.
    """
    if not people:
        raise ValueError("a scene needs at least one person, there is none")
    dressed = [_dressed(generator, pack, someone) for someone in people]
    placed = place_people(generator, [(one, *pose_body(pack, one.person, one.rotations)) for one in dressed], pack)
    materials: list[Material] = []
    surfaces = [
        surface for number, one in enumerate(placed, 1)
        for surface in wear(pack, one.dressed, one.vertices, number, materials)
    ]  # fmt: skip
    shot, points = _shot(generator, pack, placed)
    floor = 0.0
    camera = frame(shot, points, (size, size), floor + 150.0)
    everybody = np.concatenate([one.vertices[::9] for one in placed])
    stage = stage_of(camera, everybody, floor)
    background = "photo" if backgrounds is not None and generator.random() < 0.5 else str(
        generator.choice(list(BUILDERS), p=[0.42, 0.25, 0.25, 0.08])
    )  # fmt: skip
    builder = Builder(generator, stage, materials)
    photo = None
    if background == "photo" and backgrounds is not None:
        photo = backgrounds.draw(generator, size)
    else:
        BUILDERS[background](builder)
    supports(builder, placed)
    light = indoor_light(generator) if background in _INDOORS else outdoor_light(generator)
    centre = (everybody.min(0) + everybody.max(0)) / 2
    radius = float(np.linalg.norm(everybody - centre, axis=1).max()) + 500.0
    focus = float(camera.project(placed[0].joints_world[:1])[1][0, 2])
    lens = draw_lens(generator, focus)
    return Scene(
        camera, light, surfaces + builder.surfaces, materials, photo, lens, placed, centre, radius, background
    )  # fmt: skip


def _dressed(
    generator: np.random.Generator, pack: BodyPack, someone: DressedPerson | tuple[Person, np.ndarray]
) -> DressedPerson:
    if isinstance(someone, DressedPerson):
        return someone
    person, rotations = someone
    return DressedPerson(person, rotations, draw_outfit(generator, pack, person))


def _shot(generator: np.random.Generator, pack: BodyPack, placed: list[Placed]) -> tuple[Shot, np.ndarray]:
    """How the picture is taken, and the points (N, 3) that it is to frame."""
    kind = str(generator.choice(
        ["whole", "small", "thighs", "waist", "chest", "group"],
        p=[0.62, 0.10, 0.09, 0.08, 0.05, 0.06] if len(placed) == 1 else [0.42, 0.08, 0.06, 0.06, 0.03, 0.35],
    ))  # fmt: skip
    chosen = placed if kind == "group" else placed[:1]
    points = np.concatenate([posture_points(pack, one.vertices, kind) for one in chosen])
    fill = {"whole": (0.62, 0.95), "small": (0.28, 0.6), "group": (0.7, 1.0)}.get(kind, (0.8, 1.1))
    usual = generator.random() < 0.72
    elevation = np.clip(generator.normal(4, 7), -20, 50) if usual else generator.uniform(-20, 50)
    roll = np.clip(generator.normal(0, 3), -12, 12)
    return Shot(
        azimuth=float(generator.uniform(0, 2 * np.pi)),
        elevation=float(np.radians(elevation)),
        roll=float(np.radians(roll)),
        focal=float(np.exp(generator.uniform(np.log(24), np.log(200)))),
        fill=float(generator.uniform(*fill)),
        centre=(float(generator.normal(0, 0.03)), float(generator.normal(0, 0.03))),
    ), points
