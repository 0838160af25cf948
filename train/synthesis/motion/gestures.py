"""What arms do while the rest of the body rests or stands: hands on things, folded arms, reaching."""

from __future__ import annotations

import numpy as np

from train.synthesis.rig import RIG

from .draft import OUTWARDS, SIDES, Draft
from .rotation import unit

_X, _Y, _Z = np.eye(3)


def rest_arms(generator: np.random.Generator, draft: Draft, *, elbow_rest: bool = False) -> None:
    """Let the arms rest on the thighs, on armrests or in the lap, gesture, or keep what was captured.

    Args:
        generator: of the choice.
        draft: legs already set.
        elbow_rest: whether there may be something for the elbows to lie on.
    """
    style = generator.random()
    if style < 0.35:
        hands_on_thighs(generator, draft)
    elif style < 0.55:
        hands_in_lap(generator, draft)
    elif style < 0.7 and elbow_rest:
        hands_on_armrests(generator, draft)
    elif style < 0.85:
        gesture(generator, draft)


def _along_thigh(draft: Draft, side: str, fraction: float) -> np.ndarray:
    """A place (3,) mm on the axis of a thigh."""
    hip, knee = draft.at(f"{side}_thigh"), draft.at(f"{side}_shin")
    return hip + fraction * (knee - hip)


def hands_on_thighs(generator: np.random.Generator, draft: Draft) -> None:
    """Each hand on its thigh."""
    draw = generator.uniform
    for side in SIDES:
        wrist = _along_thigh(draft, side, draw(0.35, 0.8)) + 105 * _Y
        pole = OUTWARDS[side] * draw(0.3, 1.2) * _X - 0.6 * _Z - 0.2 * _Y
        draft.hand_to(side, wrist, pole, turn=draw(0, 60), drop=draw(-5, 30))


def hands_on_knees(generator: np.random.Generator, draft: Draft) -> None:
    """Each wrist or forearm on its knee, the hand hanging over it."""
    draw = generator.uniform
    for side in SIDES:
        wrist = _along_thigh(draft, side, draw(0.95, 1.12)) + draw(85, 120) * _Y
        draft.hand_to(side, wrist, OUTWARDS[side] * draw(0.3, 0.9) * _X - 0.8 * _Y, turn=draw(0, 50), drop=draw(0, 50))


def hands_in_lap(generator: np.random.Generator, draft: Draft) -> None:
    """Both hands together over the lap, as holding something."""
    draw = generator.uniform
    pelvis, chest = draft.rotations[0], draft.rotations[2]
    place = pelvis @ np.array([draw(-60, 60), 0, 0]) + chest @ np.array([0, 0, draw(210, 330)])
    place += draw(130, 330) * _Y
    for side in SIDES:
        wrist = place + chest @ np.array([OUTWARDS[side] * draw(50, 90), 0, 0])
        draft.hand_to(side, wrist, OUTWARDS[side] * draw(0.5, 1) * _X - _Y, turn=draw(-30, 50), drop=draw(-10, 25))


def hands_on_armrests(generator: np.random.Generator, draft: Draft) -> None:
    """Forearms level beside the body."""
    draw = generator.uniform
    height = draw(120, 220)
    for side in SIDES:
        wrist = np.array([OUTWARDS[side] * draw(250, 310), height + 20, draw(200, 300)])
        pole = OUTWARDS[side] * draw(0.2, 0.6) * _X - _Z - 0.3 * _Y
        draft.hand_to(side, wrist, pole, turn=draw(10, 60), drop=draw(0, 25))


def hands_on_floor(generator: np.random.Generator, draft: Draft, floor: float, *, behind: bool) -> None:
    """Hands on the ground behind (leaning back) or ahead, one or both.

    Args:
        generator: of the choice.
        draft: trunk and legs set.
        floor: height of the ground, mm.
        behind: whether behind the body.
    """
    draw = generator.uniform
    both = generator.random() < 0.6
    single = SIDES[generator.integers(2)]
    for side in SIDES:
        if not both and side != single:
            continue
        sign, shoulder = OUTWARDS[side], draft.at(f"{side}_upper_arm")
        reach = -draw(120, 300) if behind else draw(100, 300)
        wrist = np.array([sign * draw(200, 330), floor + 40, shoulder[2] + reach])
        pole = sign * 0.4 * _X - _Z if not behind else sign * 0.4 * _X - _Z - 0.5 * _Y
        draft.hand_to(side, wrist, pole, turn=draw(20, 70), drop=-draw(20, 60))


def gesture(generator: np.random.Generator, draft: Draft) -> None:
    """One of what arms often do in photos; one arm or both."""
    style = generator.choice(["hips", "folded", "face", "phone", "talk", "wave"])
    if style == "folded":
        _fold(generator, draft)
        return
    single = None if generator.random() < 0.4 and style in ("hips", "talk") else SIDES[generator.integers(2)]
    draw = generator.uniform
    pelvis, chest = draft.rotations[0], draft.rotations[2]
    for side in SIDES if single is None else (single,):
        sign = OUTWARDS[side]
        shoulder = draft.at(f"{side}_upper_arm")
        if style == "hips":
            wrist = pelvis @ np.array([sign * draw(165, 185), draw(110, 170), draw(-30, 40)])
            draft.hand_to(side, wrist, sign * _X - draw(0, 0.5) * _Z, turn=draw(-20, 20), drop=draw(20, 60))
        elif style in ("face", "phone"):
            spans = ((100, 125), (0, 40), (20, 60)) if style == "phone" else ((20, 70), (-60, 10), (130, 170))
            place = np.array([draw(*span) for span in spans]) * [sign, 1, 1]
            head = draft.at("head") + draft.rotations[RIG.index("head")] @ place
            draft.hand_to(side, head, chest @ (sign * draw(0.3, 1) * _X - _Y), turn=draw(-60, 0), drop=draw(-10, 30))
        elif style == "talk":
            wrist = shoulder + chest @ np.array([sign * draw(-60, 160), -draw(80, 300), draw(200, 400)])
            draft.hand_to(side, wrist, chest @ (sign * draw(0.2, 1) * _X - _Y), turn=draw(-60, 40), drop=draw(-30, 30))
        else:
            wrist = shoulder + chest @ np.array([sign * draw(60, 300), draw(50, 420), draw(20, 250)])
            draft.hand_to(side, wrist, chest @ (sign * _X - draw(0, 1) * _Y), turn=draw(-30, 40), drop=draw(-30, 20))


def _fold(generator: np.random.Generator, draft: Draft) -> None:
    """Arms folded before the chest, one forearm over the other."""
    draw, over = generator.uniform, SIDES[generator.integers(2)]
    chest = draft.rotations[2]
    level = draw(40, 120)
    for side in SIDES:
        sign = OUTWARDS[side]
        deep, high = (185.0, level + 25) if side == over else (145.0, level - 25)
        wrist = draft.at("chest") + chest @ np.array([-sign * draw(70, 120), high, deep])
        draft.hand_to(side, wrist, chest @ (sign * _X - 0.9 * _Y), turn=draw(-10, 40), drop=draw(0, 20))


def reach(generator: np.random.Generator, draft: Draft, *, up: bool) -> None:
    """Stretch one arm (or, upwards, often both) towards something.

    Args:
        generator: of the choice.
        draft: the rest of the body.
        up: overhead rather than anywhere before or beside the body.
    """
    draw, chest = generator.uniform, draft.rotations[2]
    both = generator.random() < (0.7 if up else 0.25)
    single = SIDES[generator.integers(2)]
    for side in SIDES if both else (single,):
        sign = OUTWARDS[side]
        if up:
            direction = unit(np.array([sign * draw(-0.15, 0.7), 1.0, draw(-0.1, 0.6)]))
        else:
            direction = unit(np.array([sign * draw(-0.3, 1.3), draw(-0.7, 0.6), draw(0.1, 1.0)]))
        wrist = draft.at(f"{side}_upper_arm") + chest @ direction * draw(430, 545)
        draft.hand_to(side, wrist, chest @ (sign * _X - 0.7 * _Y), turn=draw(-50, 60), drop=draw(-35, 25))
