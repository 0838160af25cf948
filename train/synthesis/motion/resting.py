"""Postures that captures lack: seated on a chair or on the ground, squatting, kneeling, lying.

Each function takes a generator and a captured upper body (21, 3, 3), and returns a posture (21, 3, 3) that may still
be impossible: who draws it asks ``limits.possible``. Ranges of angles are stated choices, checked on stick figures.
"""

from __future__ import annotations

import numpy as np

from train.synthesis.rig import RIG

from .draft import OUTWARDS, SIDES, Draft, heading, pitched
from .figure import ANKLE_MM, center_of_mass
from .gestures import hands_on_floor, hands_on_knees, rest_arms
from .rotation import about, unit

_X, _Y, _Z = np.eye(3)
# Half the trunk's depth, mm: a sitter's hip joints lie this high over the seat.
FLESH_MM = 95.0


def seated(generator: np.random.Generator, upper: np.ndarray) -> np.ndarray:
    """On a chair, a bench or a box: thighs near level, feet on the ground, stretched, drawn in or crossed."""
    draw = generator.uniform
    ahead = generator.random() < 0.25
    pelvis = draw(-5, 22) if ahead else draw(-28, 6)
    bend = (draw(0, 18), draw(5, 25)) if ahead else (draw(0, 14), draw(-2, 14))
    draft = Draft(upper, pitched(pelvis), draw(0.2, 0.8), bend)
    seat, spread = draw(-16, 8), draw(0, 32)
    shin = {"flat": (-22, 22), "stretched": (25, 65), "drawn in": (-50, -22)}
    style = generator.choice(["flat", "stretched", "drawn in", "over", "ankle"], p=[0.5, 0.14, 0.1, 0.18, 0.08])
    for side in SIDES:
        out = max(-2.0, spread + draw(-8, 8))
        span = shin.get(style, shin["flat"])
        lean = draw(*span)
        thigh, toes_out = heading(side, seat + draw(-3, 3), out), out * 0.7 + draw(-6, 14)
        lower = unit(-_Y * np.cos(np.deg2rad(lean)) + heading(side, 0, out * draw(0, 1)) * np.sin(np.deg2rad(lean)))
        # A shin far back lifts the heel; one far ahead rests on it.
        foot_up = min(0.0, lean + 20) if lean < 0 else max(0.0, lean - 35) * draw(0.5, 1.2)
        draft.aim_leg(side, thigh, lower, heading(side, foot_up, toes_out))
        draft.bend_toes(side, max(0.0, -foot_up))
    top = SIDES[generator.integers(2)]
    if style == "over":
        _cross_over(generator, draft, top, seat)
    elif style == "ankle":
        other = SIDES[top == "left"]
        rest = draft.at(f"{other}_shin") + [0, 95, -draw(20, 110)] + OUTWARDS[other] * draw(20, 70) * _X
        draft.step_to(top, rest, OUTWARDS[top] * _X + 0.3 * _Z, unit(heading(other, draw(-5, 25), draw(30, 60))))
    rest_arms(generator, draft, elbow_rest=True)
    return draft.rotations


def _cross_over(generator: np.random.Generator, draft: Draft, top: str, seat: float) -> None:
    """Lay one thigh over the other."""
    draw, other = generator.uniform, SIDES[top == "left"]
    below = heading(other, seat, -draw(11, 18))
    draft.aim_leg(other, below, unit(-_Y + draw(-0.25, 0.35) * _Z), heading(other, 0, draw(0, 15)))
    thigh = heading(top, seat + draw(20, 27), -draw(21, 29))
    shin = unit(-_Y + draw(0.25, 0.8) * _Z - OUTWARDS[top] * draw(0.1, 0.35) * _X)
    draft.aim_leg(top, thigh, shin, unit(heading(top, -draw(5, 45), -draw(0, 20))))


def ground_seated(generator: np.random.Generator, upper: np.ndarray) -> np.ndarray:
    """On the ground: legs stretched, knees up, or cross-legged."""
    draw = generator.uniform
    draft = Draft(upper, pitched(draw(-30, 4)), draw(0.2, 0.7), (draw(0, 22), draw(0, 22)))
    style = generator.choice(["stretched", "knees up", "crossed", "one up"])
    floor = -FLESH_MM
    raised = SIDES[generator.integers(2)]
    front = SIDES[generator.integers(2)]
    spread, near = draw(0, 28), draw(260, 520)
    for side in SIDES:
        sign = OUTWARDS[side]
        hip = draft.at(f"{side}_thigh")
        if style == "crossed":
            depth = draw(345, 385) if side == front else draw(205, 235)
            ankle = np.array([-sign * draw(70, 150), floor + 50, depth])
            pole = sign * _X + draw(0.25, 0.6) * _Y
            draft.step_to(side, ankle, pole, heading(side, -10, draw(50, 70)) * [-1, 1, 1])
        elif style == "knees up" or (style == "one up" and side == raised):
            out = draw(-2, 18)
            ankle = np.array([hip[0] + sign * draw(-20, 90), floor + ANKLE_MM, near + draw(-25, 25)])
            draft.step_to(side, ankle, _Y + sign * draw(0.0, 0.35) * _X, heading(side, 0, out))
        else:
            out, bent = spread + draw(-4, 4), draw(0, 14)
            out_foot = draw(0, 35)
            lower = heading(side, -bent - 3, out)
            foot = unit(_Y + draw(0.05, 0.7) * lower + sign * _X * np.tan(np.deg2rad(out_foot)))
            draft.aim_leg(side, heading(side, bent - 2, out), lower, foot)
    arms = generator.random()
    if arms < 0.3:
        hands_on_floor(generator, draft, floor, behind=True)
    elif arms < 0.6 and style != "stretched":
        hands_on_knees(generator, draft)
    else:
        rest_arms(generator, draft)
    return draft.rotations


def squatting(generator: np.random.Generator, upper: np.ndarray) -> np.ndarray:
    """On both feet with the pelvis low, leaning so that the weight is over the feet."""
    draw = generator.uniform
    draft = Draft(upper, pitched(draw(5, 42)), draw(0.2, 0.6), (draw(0, 16), draw(0, 16)))
    low, spread = draw(190, 430), draw(0, 130)
    weight = center_of_mass(draft.rotations)[2]
    # The feet are set below the weight; bringing the thighs ahead afterwards moves it a little further.
    ahead = weight + draw(0, 110)
    heel = draw(15, 45) if generator.random() < 0.4 else 0.0
    for side in SIDES:
        sign = OUTWARDS[side]
        hip = draft.at(f"{side}_thigh")
        ankle = np.array([hip[0] + sign * spread, -low, ahead + draw(-60, 60)])
        out = np.rad2deg(np.arctan2(spread, 350)) + draw(0, 15)
        draft.step_to(side, ankle, heading(side, 0, out + draw(-8, 12)), heading(side, -heel, out))
        draft.bend_toes(side, heel)
    arms = generator.random()
    if arms < 0.35:
        hands_on_knees(generator, draft)
    elif arms < 0.5:
        hands_on_floor(generator, draft, -low - ANKLE_MM, behind=False)
    return draft.rotations


def kneeling(generator: np.random.Generator, upper: np.ndarray) -> np.ndarray:
    """On one knee, on both, on the heels, or on hands and knees."""
    draw = generator.uniform
    style = generator.choice(["upright", "heels", "one knee", "all fours"], p=[0.3, 0.25, 0.3, 0.15])
    if style == "all fours":
        return _all_fours(generator, upper)
    lean = {"upright": (-8, 15), "heels": (0, 30), "one knee": (-5, 25)}[style]
    draft = Draft(upper, pitched(draw(*lean)), draw(0.3, 0.8), (draw(-2, 15), draw(0, 15)))
    down = SIDES[generator.integers(2)]
    tilt, tucked = (draw(-62, -48) if style == "heels" else draw(-12, 18)), generator.random() < 0.4
    for side in SIDES:
        if style == "one knee" and side != down:
            continue
        out = draw(0, 14)
        thigh = about(_X, np.deg2rad(tilt)) @ -_Y + OUTWARDS[side] * np.sin(np.deg2rad(out)) * _X
        _kneel(draft, side, unit(thigh), draw(-12, 8), tucked=tucked)
    if style == "one knee":
        front = SIDES[down == "left"]
        floor = draft.at(f"{down}_shin")[1] - 50
        hip = draft.at(f"{front}_thigh")
        ankle = np.array([hip[0] + OUTWARDS[front] * draw(0, 70), floor + ANKLE_MM, hip[2] + draw(280, 480)])
        draft.step_to(front, ankle, _Y + _Z + OUTWARDS[front] * draw(0, 0.4) * _X, heading(front, 0, draw(0, 15)))
    if style == "heels" or generator.random() < 0.3:
        rest_arms(generator, draft)
    return draft.rotations


def _kneel(draft: Draft, side: str, thigh: np.ndarray, inward: float, *, tucked: bool) -> None:
    """Put a knee down: the shin level behind it, the foot stretched, or the toes tucked under."""
    shin = unit(heading(side, 0, inward) * [-1, 0, -1] + 0.04 * _Y)
    foot = unit(-_Y - 0.25 * _Z) if tucked else unit(shin - 0.22 * _Y)
    draft.aim_leg(side, thigh, shin, foot)
    if tucked:
        draft.bend_toes(side, 65)


def _all_fours(generator: np.random.Generator, upper: np.ndarray) -> np.ndarray:
    """On hands and knees."""
    draw = generator.uniform
    draft = Draft(upper, pitched(draw(65, 85)), draw(0.1, 0.4), (draw(-8, 15), draw(-8, 15)))
    draft.rotations[RIG.index("head")] = draft.rotations[RIG.index("neck")] = draft.rotations[2] @ pitched(-draw(5, 50))
    for side in SIDES:
        lean = draw(-12, 12)
        thigh = unit(about(_X, np.deg2rad(lean)) @ -_Y + OUTWARDS[side] * draw(0, 0.15) * _X)
        _kneel(draft, side, thigh, draw(-8, 5), tucked=generator.random() < 0.3)
    floor = (draft.at("left_shin")[1] + draft.at("right_shin")[1]) / 2 - 50
    for side in SIDES:
        shoulder = draft.at(f"{side}_upper_arm")
        wrist = np.array([shoulder[0] + OUTWARDS[side] * draw(-30, 80), floor + 30, shoulder[2] + draw(-60, 120)])
        draft.hand_to(side, wrist, -_Z + OUTWARDS[side] * draw(0.1, 0.7) * _X, turn=draw(40, 80))
        draft.rotations[RIG.index(f"{side}_hand")] = _flat_hand(side, draw(-15, 30))
    return draft.rotations


def _flat_hand(side: str, inward: float) -> np.ndarray:
    """World rotation (3, 3) of a hand flat on the ground, fingers ahead, turned inward by some degrees."""
    sign = OUTWARDS[side]
    return about(_Y, np.deg2rad(-sign * (90.0 + inward)))
