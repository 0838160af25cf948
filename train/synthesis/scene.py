"""Scenes: people in clothes on the ground or on what bears them, with camera, light and background.

``compose(generator, pack, people, backgrounds)`` makes a :class:`Scene` whose every choice comes from ``generator``;
``scene.people[i]`` tells of person i (``joints_world`` (17, 3) after placement, ``dressed``, ``facing``), and
``scene.camera.project(points)`` gives pixels and millimetres in camera axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from train.synthesis.backgrounds import BUILDERS, PhotoFolder
from train.synthesis.body import BodyPack, Person, pose_body
from train.synthesis.builder import Builder, stage_of
from train.synthesis.camera import Camera, Shot, draw_shot, frame
from train.synthesis.lens import Lens, draw_lens
from train.synthesis.lighting import Light, indoor_light, outdoor_light
from train.synthesis.placement import Placed, place_people, posture_points
from train.synthesis.supports import bed_height, build_occluder, build_seat, build_stage
from train.synthesis.surface import Material, Surface
from train.synthesis.wardrobe import DressedPerson, draw_outfit, wear

Someone = DressedPerson | tuple[Person, np.ndarray] | tuple[Person, np.ndarray, str]
_INDOORS = ("room", "studio")
_FRACTIONS = (0.42, 0.25, 0.25, 0.08)  # of room, street, field and studio
_FRAMINGS = ("whole", "small", "thighs", "waist", "chest", "group")
_OCCLUDED = 0.16  # fraction of the pictures with something in front of the person
_FINE_MM = 2.6  # to the pixel: beyond that fewer faces do
_TRIES = 6  # to find a side from which the view is free
_BEHIND_MM = 1000.0  # who is so far behind the camera shows nothing
_LOWEST_MM, _TALLEST_STAGE_MM = 150.0, 2500.0  # of the camera over the floor, of a stage


@dataclass(frozen=True)
class Scene:
    """All that a picture needs.

    Attributes:
        camera: where it is seen from.
        light: what shines.
        surfaces: people and things.
        materials: that the surfaces name.
        photo: (H, W, 3) uint8 behind everything, None for a sky.
        lens: what the camera does to the picture.
        people: in the order in which they were given.
        center: (3,) mm, radius: mm; a ball round the people and what bears them.
        background: what kind it is.
    """

    camera: Camera
    light: Light
    surfaces: list[Surface]
    materials: list[Material]
    photo: np.ndarray | None
    lens: Lens
    people: list[Placed]
    center: np.ndarray
    radius: float
    background: str


def compose(
    generator: np.random.Generator,
    pack: BodyPack,
    people: Sequence[Someone],
    backgrounds: PhotoFolder | None = None,
    size: int = 256,
    *,
    plain: bool = False,
) -> Scene:
    """A random scene with these people.

    Args:
        generator: of every choice: turn and place of the people, clothes, camera, light, background.
        pack: where the bodies are from.
        people: in their postures (21, 3, 3), dressed or to be dressed, with what bears them (``feet``, ``seat``,
            ``ground``, ``none``) if that is known; the first is the one that is framed.
        backgrounds: photos to put behind half of the scenes; without them all are built.
        size: pixels of the picture's side.
        plain: the first person whole, and nothing in front of any person.

    Raises:
        ValueError: if there is no person.
    """
    if not people:
        raise ValueError("a scene needs at least one person, there is none")
    dressed = [_dressed(generator, pack, someone) for someone in people]
    placed = place_people(generator, [(one, *pose_body(pack, one.person, one.rotations)) for one in dressed], pack)
    materials: list[Material] = []
    shot, points = _shot(generator, pack, placed, plain=plain)
    bed = bed_height(generator, placed)
    camera, floor = _camera(shot, points, (size, size), -bed)
    for _ in range(_TRIES):
        if not _in_the_way(camera, placed):
            break
        shot = replace(shot, azimuth=float(generator.uniform(0, 2 * np.pi)))
        camera, floor = _camera(shot, points, (size, size), -bed)
    vertices = np.concatenate([one.vertices[::9] for one in placed])
    surfaces = _surfaces(pack, placed, camera, materials)
    builder = Builder(generator, stage_of(camera, vertices, floor), materials)
    background = _background(generator, backgrounds)
    photo = None
    if background == "photo" and backgrounds is not None:
        photo = backgrounds.draw(generator, size)
    else:
        BUILDERS[background](builder)
    for one in placed:
        if one.seat is not None:
            build_seat(builder, one.seat, 0.0)
    if floor < 0:
        build_stage(builder, placed, -floor, soft=bed > 0)
    if not plain and generator.random() < _OCCLUDED:
        build_occluder(builder, placed, camera.position)
    light = indoor_light(generator) if background in _INDOORS else outdoor_light(generator)
    center = (vertices.min(0) + vertices.max(0)) / 2
    radius = float(np.linalg.norm(vertices - center, axis=1).max()) + 500.0
    lens = draw_lens(generator, float(camera.project(placed[0].joints_world[:1])[1][0, 2]))
    surfaces += builder.surfaces
    return Scene(camera, light, surfaces, materials, photo, lens, placed, center, radius, background)


def _surfaces(pack: BodyPack, placed: list[Placed], camera: Camera, materials: list[Material]) -> list[Surface]:
    """The surfaces of people who can be in the picture, those far away with fewer faces."""
    out = []
    for number, one in enumerate(placed, 1):
        depth = float(camera.project(one.joints_world)[1][:, 2].min())
        if depth > -_BEHIND_MM:
            near = depth < _FINE_MM * camera.focal
            out += wear(pack, one.dressed, one.vertices, number, materials, near=near)
    return out


def _background(generator: np.random.Generator, backgrounds: PhotoFolder | None) -> str:
    """``photo`` for half of the scenes if there are photos, else one of what can be built."""
    if backgrounds is not None and generator.random() < 0.5:
        return "photo"
    return str(generator.choice(list(BUILDERS), p=_FRACTIONS))


def _in_the_way(camera: Camera, placed: list[Placed]) -> bool:
    """Whether a person stands right before the camera that is pointed at the first person."""
    depths = [camera.project(one.vertices[::31])[1][:, 2] for one in placed]
    ahead = [depth[depth > -_BEHIND_MM] for depth in depths[1:]]
    return any(depth.size and depth.min() < 0.55 * np.median(depths[0]) for depth in ahead)


def _camera(shot: Shot, points: np.ndarray, size: tuple[int, int], floor: float) -> tuple[Camera, float]:
    """The camera, and the height of the floor: people seen from below stand on a stage."""
    camera = frame(shot, points, size, -np.inf)
    height = float(camera.position[1])
    if height > floor + _LOWEST_MM:
        return camera, floor
    if floor == 0 and height > -_TALLEST_STAGE_MM + _LOWEST_MM:
        return camera, height - _LOWEST_MM
    # Kept above the floor, a camera cannot also have a person anywhere in its photo.
    return frame(replace(shot, part=1.0, axis=(0.0, 0.0)), points, size, floor + _LOWEST_MM), floor


def _dressed(generator: np.random.Generator, pack: BodyPack, someone: Someone) -> DressedPerson:
    if isinstance(someone, DressedPerson):
        return someone
    person, rotations, *support = someone
    return DressedPerson(person, rotations, draw_outfit(generator, pack, person), *support)


def _shot(
    generator: np.random.Generator, pack: BodyPack, placed: list[Placed], *, plain: bool
) -> tuple[Shot, np.ndarray]:
    """How the picture is taken, and the points (N, 3) that it is to frame."""
    fractions = [0.62, 0.10, 0.09, 0.08, 0.05, 0.06] if len(placed) == 1 else [0.42, 0.08, 0.06, 0.06, 0.03, 0.35]
    kind = "whole" if plain else str(generator.choice(_FRAMINGS, p=fractions))
    chosen = placed if kind == "group" else placed[:1]
    points = np.concatenate([posture_points(pack, one.vertices, kind) for one in chosen])
    fill = {"whole": (0.62, 0.95), "small": (0.28, 0.6), "group": (0.7, 1.0)}.get(kind, (0.8, 1.1))
    shot = draw_shot(generator, fill)
    if plain:  # steeply from above, or below, a near camera does not fill the picture
        shot = replace(shot, elevation=float(np.clip(shot.elevation, -0.3, 0.3)))
    if placed[0].lies:  # from below, a bed would hide it
        shot = replace(shot, elevation=max(shot.elevation, float(np.radians(generator.uniform(6, 50)))))
    return shot, points
