"""Where people are: on the ground, on what bears them, beside each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from train.synthesis.backgrounds import Builder
from train.synthesis.body import BodyPack
from train.synthesis.props import box, yaw
from train.synthesis.rig import RIG
from train.synthesis.tailor import tailor_of
from train.synthesis.wardrobe import DressedPerson

_SOLE = 12.0  # mm that shoes add under the foot
_CUTS = {
    "thighs": ("left_shin", "right_shin", "left_foot", "right_foot", "left_toes", "right_toes"),
    "waist": ("left_thigh", "right_thigh"),
    "chest": ("pelvis", "spine", "left_forearm", "right_forearm", "left_hand", "right_hand"),
}


@dataclass(frozen=True)
class Placed:
    """A person in the world.

    Attributes:
        dressed: who, in what posture and clothes.
        vertices: (V, 3) float32 world mm.
        joints_world: (17, 3) float32 world mm, Human3.6M order.
        facing: (3,) where the pelvis faces, level.
        seat: what bears the person: None, or centre (3,) of its top and its size (3,) in mm, and its yaw in radians.
    """

    dressed: DressedPerson
    vertices: np.ndarray
    joints_world: np.ndarray
    facing: np.ndarray
    seat: tuple[np.ndarray, tuple[float, float, float], float] | None


def posture_points(pack: BodyPack, vertices: np.ndarray, kind: str) -> np.ndarray:
    """Vertices (N, 3) that a picture cut at thighs, waist or chest is to show; all for other kinds."""
    without = set(_CUTS.get(kind, ()))
    if kind in ("waist", "chest"):
        without |= set(_CUTS["thighs"])
    if kind == "chest":
        without |= set(_CUTS["waist"])
    skin = tailor_of(pack).vertices["skin"][::5]
    keep = ~np.isin(pack.bone[skin, 0], [RIG.index(name) for name in without])
    return vertices[skin[keep]]


def place_people(
    generator: np.random.Generator, posed: list[tuple[DressedPerson, np.ndarray, np.ndarray]], pack: BodyPack
) -> list[Placed]:
    """Put people on the ground, the first in the middle and the others round about, none through another.

    Args:
        generator: of turns and places.
        posed: of each person who it is, the vertices (V, 3) and the joints (17, 3), pelvis at the origin.
        pack: where the bodies are from.
    """
    out: list[Placed] = []
    skin = tailor_of(pack).vertices["skin"]
    for dressed, vertices, joints in posed:
        turn = yaw(generator.uniform(0, 2 * np.pi)).astype(np.float32)
        vertices, joints = vertices @ turn.T, joints @ turn.T
        facing = turn @ dressed.rotations[0] @ np.array([0, 0, 1.0])
        lowest = float(vertices[skin, 1].min()) - _SOLE
        offset = np.array([0.0, -lowest, 0.0], np.float32)
        reach = float(np.hypot(vertices[skin, 0], vertices[skin, 2]).max())
        offset[[0, 2]] = _free_place(generator, out, reach)
        level = facing * [1, 0, 1]
        out.append(
            Placed(dressed, (vertices + offset).astype(np.float32), (joints + offset).astype(np.float32), level, None)
        )
    return out


def _free_place(generator: np.random.Generator, others: list[Placed], reach: float) -> np.ndarray:
    """(2,) x and z of a place where a person of that reach touches nobody."""
    if not others:
        return np.zeros(2)
    circles = [
        (one.vertices[::5, [0, 2]].mean(0), np.ptp(one.vertices[::5, [0, 2]], axis=0).max() / 2) for one in others
    ]
    angle = generator.uniform(0, 2 * np.pi)
    distance = 300.0
    while True:
        place = distance * np.array([np.sin(angle), np.cos(angle)])
        if all(np.linalg.norm(place - centre) > 0.8 * (reach + radius) for centre, radius in circles):
            return place * generator.uniform(1.0, 1.4)
        distance += 60.0


def supports(builder: Builder, placed: list[Placed]) -> None:
    """Build what bears people."""
    for one in placed:
        if one.seat is None:
            continue
        centre, size, turn = one.seat
        material = builder.material(builder.any_colour(0.15, 0.85, 0.6), "wood", 700.0)
        builder.add(box(centre - [0, size[1] / 2, 0], size, material, turn))
