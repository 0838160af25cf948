"""Postures made of parts: every kind that captures lack, and the upper body of one on the legs of another."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from train.synthesis.rig import RIG

from . import lying, resting
from .draft import OUTWARDS, SIDES, Draft, heading, pitched
from .figure import ANKLE_MM, center_of_mass, place
from .gestures import gesture, hands_on_floor, hands_on_knees, reach
from .resting import FLESH_MM
from .rotation import to_local, to_world

Maker = Callable[[np.random.Generator, np.ndarray], np.ndarray]
_LEGS = [RIG.index(f"{side}_{bone}") for side in SIDES for bone in ("thigh", "shin", "foot", "toes")]
_HANDS, _FOREARMS = ([RIG.index(f"{side}_{bone}") for side in SIDES] for bone in ("hand", "forearm"))
_UPRIGHT_LEAN = 25.0
# Fingers bend where a straight hand would go into the ground, mm.
_TIPS_MM = 90.0
# How far below the trunk's axis joints of a lying person may be: half the trunk's depth, or its breadth and a shoulder.
_GROUND_MM = {"lying_back": 100.0, "lying_side": 195.0, "lying_front": 130.0}


def join(upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """The trunk, head and arms of one posture (21, 3, 3) on the pelvis and legs of another."""
    local = to_local(upper)
    local[[0, *_LEGS]] = to_local(lower)[[0, *_LEGS]]
    return to_world(local)


def _stand(generator: np.random.Generator, upper: np.ndarray, lean: float, bend: tuple[float, float]) -> Draft:
    """On two feet, the knees a little bent, feet below the weight."""
    draw = generator.uniform
    draft = Draft(upper, pitched(lean), draw(0.2, 0.65), bend)
    weight, spread = center_of_mass(draft.rotations), draw(-20, 140)
    stagger, aside, length = draw(-90, 90), draw(-0.4, 0.4) * spread, 828 - 25 * draw(0, 1) ** 3
    # As low as the leg that has to reach further needs.
    reach_mm = max(np.hypot(spread + sign * aside, 0.75 * weight[2] - 40 + sign * stagger) for sign in (-1.0, 1.0))
    low = np.sqrt(length**2 - reach_mm**2)
    for side in SIDES:
        sign, hip = OUTWARDS[side], draft.at(f"{side}_thigh")
        step = np.array([sign * spread + aside, -low, 0.75 * weight[2] - 40 + sign * stagger])
        ahead = heading(side, 0, draw(-4, 25))
        draft.step_to(side, hip * [1, 1, 0] + step, ahead, ahead)
    return draft


def standing(generator: np.random.Generator, upper: np.ndarray) -> np.ndarray:
    """Upright, doing something with the arms."""
    draw = generator.uniform
    draft = _stand(generator, upper, draw(-6, 10), (draw(-5, 8), draw(-5, 8)))
    gesture(generator, draft)
    return draft.rotations


def reaching(generator: np.random.Generator, upper: np.ndarray) -> np.ndarray:
    """Upright, an arm or both stretched out."""
    draw = generator.uniform
    draft = _stand(generator, upper, draw(-5, _UPRIGHT_LEAN), (draw(-5, 15), draw(-5, 15)))
    reach(generator, draft, up=False)
    return draft.rotations


def arms_up(generator: np.random.Generator, upper: np.ndarray) -> np.ndarray:
    """Upright, an arm or both overhead."""
    draw = generator.uniform
    draft = _stand(generator, upper, draw(-8, 10), (draw(-10, 6), draw(-10, 6)))
    reach(generator, draft, up=True)
    return draft.rotations


def leaning(generator: np.random.Generator, upper: np.ndarray) -> np.ndarray:
    """Bent ahead on two feet, hands on the knees or towards the ground."""
    draw = generator.uniform
    draft = _stand(generator, upper, draw(25, 62), (draw(0, 20), draw(0, 20)))
    style = generator.random()
    if style < 0.45:
        hands_on_knees(generator, draft)
    elif style < 0.65:
        reach(generator, draft, up=False)
    elif style < 0.85:
        hands_on_floor(generator, draft, draft.at("left_foot")[1] - ANKLE_MM, behind=False)
    return draft.rotations


_STANDING = (standing, reaching, arms_up, leaning)
_RESTING = (resting.squatting, resting.kneeling, resting.seated, resting.ground_seated)
_LYING = (lying.lying_back, lying.lying_side, lying.lying_front)
MAKERS: dict[str, Maker] = {maker.__name__: maker for maker in (*_STANDING, *_RESTING, *_LYING)}


def balanced(rotations: np.ndarray, kind: str) -> bool:
    """Whether a composed posture (21, 3, 3) can stay as it is on what carries it."""
    if kind.startswith("lying"):
        return _lies(rotations, _GROUND_MM[kind])
    if kind in ("ground_seated", "kneeling", "squatting") and not _hands_above_ground(rotations, kind):
        return False
    if kind not in ("standing", "reaching", "arms_up", "leaning", "squatting"):
        return True
    soles = [RIG.index("left_foot"), RIG.index("right_foot")]
    ankles, toes = (ends[soles] for ends in place(rotations))
    weight = center_of_mass(rotations)
    feet = np.concatenate([ankles, toes])
    inside = (feet.min(0) - 40 < weight) & (weight < feet.max(0) + 40)
    return bool(inside[0] and inside[2] and abs(ankles[0, 1] - ankles[1, 1]) < ANKLE_MM)


def _hands_above_ground(rotations: np.ndarray, kind: str) -> bool:
    """Whether elbows, wrists and finger tips are not below the ground that feet, knees or the seat touch."""
    heads, tails = place(rotations)
    ground = -FLESH_MM if kind == "ground_seated" else min(heads[_LEGS, 1].min() - 50, tails[_LEGS, 1].min())
    wrists, tips = heads[_HANDS, 1].min(), tails[_HANDS, 1].min()
    return bool(min(heads[_FOREARMS, 1].min(), wrists) > ground and tips > ground - _TIPS_MM)


def _lies(rotations: np.ndarray, depth: float) -> bool:
    """Whether no joint lies more than ``depth`` mm below the trunk's axis, where the ground is."""
    heads, tails = place(rotations)
    level = min(heads[0, 1], heads[RIG.index("chest"), 1])
    return bool(min(heads[:, 1].min(), tails[:, 1].min()) > level - depth)
