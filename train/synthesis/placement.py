"""Where people are: on the ground, on what bears them, beside each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from train.synthesis.body import BodyPack
from train.synthesis.props import yaw
from train.synthesis.rig import RIG
from train.synthesis.tailor import tailor_of
from train.synthesis.wardrobe import DressedPerson

_SOLE = 12.0  # mm that shoes add under the foot
_BELOW_THIGHS = ("left_shin", "right_shin", "left_foot", "right_foot", "left_toes", "right_toes")
_BELOW_WAIST = (*_BELOW_THIGHS, "left_thigh", "right_thigh")
_BELOW_CHEST = (*_BELOW_WAIST, "pelvis", "spine", "left_forearm", "right_forearm", "left_hand", "right_hand")
_CUTS = {"thighs": _BELOW_THIGHS, "waist": _BELOW_WAIST, "chest": _BELOW_CHEST}


@dataclass(frozen=True)
class Seat:
    """Room for something to sit on.

    Attributes:
        top: (3,) world mm, middle of the place under pelvis and thighs.
        ahead: (3,) level unit vector, where the thighs point.
        front: mm that a block may reach ahead of ``top`` before it meets the shins.
        back: mm that it must reach behind ``top`` to be under the whole pelvis.
        rest: mm behind ``top`` where a backrest touches the back, None if the back does not let one.
    """

    top: np.ndarray
    ahead: np.ndarray
    front: float
    back: float
    rest: float | None


@dataclass(frozen=True)
class Placed:
    """A person in the world.

    Attributes:
        dressed: who, in what posture and clothes.
        vertices: (V, 3) float32 world mm.
        joints_world: (17, 3) float32 world mm, Human3.6M order.
        facing: (3,) where the pelvis faces, level, shorter than 1 for who lies.
        seat: what it needs to sit on, None for who does not sit.
        lies: whether the trunk rests on the ground.
    """

    dressed: DressedPerson
    vertices: np.ndarray
    joints_world: np.ndarray
    facing: np.ndarray
    seat: Seat | None
    lies: bool


def posture_points(pack: BodyPack, vertices: np.ndarray, kind: str) -> np.ndarray:
    """Vertices (N, 3) that a picture cut at thighs, waist or chest is to show; all for other kinds."""
    skin = tailor_of(pack).vertices["skin"][::5]
    keep = ~np.isin(pack.bone[skin, 0], [RIG.index(name) for name in _CUTS.get(kind, ())])
    return vertices[skin[keep]]


def place_people(
    generator: np.random.Generator, posed: list[tuple[DressedPerson, np.ndarray, np.ndarray]], pack: BodyPack
) -> list[Placed]:
    """Put people on the ground, the first in the middle and the others round about, none through another.

    Args:
        generator: of turns, places and heights of jumps.
        posed: of each person who it is, the vertices (V, 3) and the joints (17, 3), pelvis at the origin.
        pack: where the bodies are from.
    """
    out: list[Placed] = []
    skin = tailor_of(pack).vertices["skin"]
    for dressed, vertices, joints in posed:
        turn = yaw(generator.uniform(0, 2 * np.pi)).astype(np.float32)
        turned = vertices @ turn.T
        facing = (turn @ dressed.rotations[0] @ np.array([0, 0, 1.0])) * [1, 0, 1]
        trunk_up = dressed.rotations[RIG.index("chest")][1, 1]
        support = dressed.support or _support(joints, float(trunk_up))
        shod = any(layer.cut.top < dressed.person.heads[RIG.index("left_shin"), 1] for layer in dressed.outfit.layers)
        lift = _SOLE if shod and support in ("feet", "seat") else 4.0
        if support == "none":
            lift = float(generator.choice([4.0, generator.uniform(30, 300)])) * dressed.person.stature_mm / 1700
        offset = np.array([0.0, lift - float(turned[skin, 1].min()), 0.0], np.float32)
        offset[[0, 2]] = _free_place(generator, out, turned[skin])
        placed = (turned + offset).astype(np.float32)
        seat = _seat(pack, placed[skin], dressed, facing) if support == "seat" else None
        where = (joints @ turn.T + offset).astype(np.float32)
        out.append(Placed(dressed, placed, where, facing, seat, lies=support == "ground" and abs(trunk_up) < 0.5))
    return out


def _support(joints: np.ndarray, trunk_up: float) -> str:
    """What bears a posture of which only the joints (17, 3) are known: ``feet``, ``seat`` or ``ground``."""
    pelvis, hips, knees, ankles = joints[0], joints[[1, 4]], joints[[2, 5]], joints[[3, 6]]
    length = np.linalg.norm(knees - hips, axis=1).mean()
    if abs(trunk_up) < 0.35 and pelvis[1] - joints[:, 1].min() < 0.6 * length:
        return "ground"
    level = ((hips - knees)[:, 1] < 0.55 * length).all()
    behind = np.linalg.norm((ankles.mean(0) - pelvis)[[0, 2]]) > 0.55 * length
    high = pelvis[1] - ankles[:, 1].min() > 0.55 * length
    if level and behind and trunk_up > 0.4:
        return "seat" if high else "ground"
    return "feet"


def _seat(pack: BodyPack, skin: np.ndarray, dressed: DressedPerson, facing: np.ndarray) -> Seat:
    """Where a seat fits under the skin's vertices (N, 3) of who sits."""
    bone = pack.bone[tailor_of(pack).vertices["skin"], 0]
    thighs = [RIG.index("left_thigh"), RIG.index("right_thigh")]
    ahead = dressed_ahead(dressed, facing)
    under = skin[np.isin(bone, [0, *thighs])]
    pelvis = skin[bone == 0]
    middle = pelvis.mean(0)
    along = (skin - middle) @ ahead
    level = float(np.percentile(under[:, 1], 1.5))
    shins = np.isin(bone, [RIG.index(f"{side}_{name}") for side in ("left", "right") for name in ("shin", "foot")])
    below = shins & (skin[:, 1] < level)
    front = float(along[below].min()) - 25 if below.any() else 400.0
    back = -float(((pelvis - middle) @ ahead).min())
    trunk = np.isin(bone, [RIG.index("spine"), RIG.index("chest")])
    lean = float(np.ptp(along[trunk]))
    rest = None if lean > 420 else -float(along[trunk | (bone == 0)].min()) + 12
    return Seat(np.array([middle[0], level + 14, middle[2]]), ahead, front, back, rest)


def dressed_ahead(dressed: DressedPerson, facing: np.ndarray) -> np.ndarray:
    """(3,) level unit vector between the thighs of a person whose pelvis faces ``facing`` (3,)."""
    thighs = [dressed.rotations[RIG.index(f"{side}_thigh")] @ [0, -1.0, 0] for side in ("left", "right")]
    own = dressed.rotations[0] @ np.array([0, 0, 1.0])
    angle = np.arctan2(facing[0], facing[2]) - np.arctan2(own[0], own[2])
    ahead = (yaw(angle) @ (thighs[0] + thighs[1])) * [1, 0, 1] + 0.3 * facing
    return ahead / max(float(np.linalg.norm(ahead)), 1e-6)


def _free_place(generator: np.random.Generator, others: list[Placed], vertices: np.ndarray) -> np.ndarray:
    """(2,) x and z to move a person's vertices (N, 3) by, so that it touches no other person."""
    if not others:
        return np.zeros(2)
    middle, reach = _circle(vertices)
    circles = [_circle(one.vertices) for one in others]
    angle, distance = generator.uniform(0, 2 * np.pi), 250.0
    while True:
        place = distance * np.array([np.sin(angle), np.cos(angle)])
        if all(np.linalg.norm(place - center) > 0.85 * (reach + radius) for center, radius in circles):
            return place * generator.uniform(1.0, 1.3) - middle
        distance += 50.0


def _circle(vertices: np.ndarray) -> tuple[np.ndarray, float]:
    """Middle (2,) and radius in mm of a circle on the ground that holds vertices (N, 3)."""
    level = vertices[::7][:, [0, 2]]
    low, high = level.min(0), level.max(0)
    middle = (low + high) / 2
    return middle, float(np.linalg.norm(level - middle, axis=1).max())
