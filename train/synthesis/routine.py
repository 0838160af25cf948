"""A rendered person who moves: captured postures in a row, one scene, one camera."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from train.synthesis.body import load_body, pose_body
from train.synthesis.motion.poses import PoseLibrary
from train.synthesis.motion.rotation import of_vector, to_local, to_world, vector_of
from train.synthesis.props import yaw
from train.synthesis.renderer import Renderer
from train.synthesis.rig import RIG
from train.synthesis.scene import Scene, compose
from train.synthesis.wardrobe import wear

ROUTINE = ("standing", "arms_up", "reaching", "bending", "standing", "arms_up", "striding", "standing")
"""Kinds of the postures, one after the other."""

_LEGS = [RIG.index(f"{side}_{bone}") for side in ("left", "right") for bone in ("thigh", "shin", "foot")]
_NEAREST = 12  # postures of a kind whose legs are most like those of the first: feet slide less


def key_postures(library: PoseLibrary, generator: np.random.Generator) -> np.ndarray:
    """(K, 21, 3, 3) captured postures of the kinds of :data:`ROUTINE`, of clips that are not held out."""
    own = ~library.validation[library.motion]
    upright = library.rotations[:, RIG.index("chest"), 1, 1] > 0.9
    first = generator.choice(np.flatnonzero(own & upright & (library.kind == ROUTINE[0])))
    keys = [first]
    for kind in ROUTINE[1:]:
        those = np.flatnonzero(own & (library.kind == kind))
        off = np.square(library.rotations[those][:, _LEGS] - library.rotations[first, _LEGS]).sum((1, 2, 3))
        keys.append(generator.choice(those[np.argsort(off)[:_NEAREST]]))
    return library.rotations[keys]


def between_keys(keys: np.ndarray, frames: int) -> np.ndarray:
    """(T, 21, 3, 3) postures that go from key to key (K, 21, 3, 3), slowing down at each."""
    local = to_local(keys)
    turns = vector_of(np.swapaxes(local[:-1], -1, -2) @ local[1:])
    place = np.linspace(0, len(keys) - 1, frames)
    first = np.minimum(place.astype(int), len(keys) - 2)
    part = place - first
    part = (part**2 * (3 - 2 * part))[:, None, None]
    return to_world(local[first] @ of_vector(part * turns[first]))


def render_routine(seed: int, size: int, frames: int) -> Iterator[np.ndarray]:
    """Render one person in a scene, posture by posture.

    Args:
        seed: of person, clothes, scene and postures.
        size: pixels of the picture's side.
        frames: how many.

    Yields:
        (size, size, 3) uint8 RGB.
    """
    generator, pack = np.random.default_rng(seed), load_body()
    keys = key_postures(PoseLibrary(), generator)
    person = pack.person(int(generator.choice(pack.subjects("train"))))
    tallest = keys[ROUTINE.index("arms_up")]
    scene = compose(generator, pack, [(person, tallest, "feet")], None, size, plain=True)
    placed = scene.people[0]
    own = tallest[0] @ np.array([0, 0, 1.0])
    turn = yaw(float(np.arctan2(*placed.facing[[0, 2]]) - np.arctan2(*own[[0, 2]])))
    floor = placed.vertices[:, 1].min()
    with Renderer(size) as renderer:
        for rotations in between_keys(keys, frames):
            vertices = pose_body(pack, person, rotations.astype(np.float32))[0] @ turn.T
            vertices[:, 1] += floor - vertices[:, 1].min()
            materials = list(scene.materials)
            dressed = replace(placed.dressed, rotations=rotations)
            body = wear(pack, dressed, vertices.astype(np.float32), 1, materials, near=True)
            things = [surface for surface in scene.surfaces if surface.person == 0]
            moved: Scene = replace(scene, surfaces=[*body, *things], materials=materials)
            yield renderer.render(moved).image
