"""Lying on the back, a side or the front.

A posture is built upright, with the ground a plane behind, beside or before it, and laid down at the end.
"""

from __future__ import annotations

import numpy as np

from train.synthesis.rig import RIG, mirror_posture

from .draft import OUTWARDS, SIDES, Draft, pitched
from .gestures import gesture
from .rotation import about, cross, unit

_X, _Y, _Z = np.eye(3)
# The ground's distance behind the middle of the trunk, mm.
_BACK_MM = 100.0


def lying_back(generator: np.random.Generator, upper: np.ndarray) -> np.ndarray:
    """On the back; legs stretched, or a knee or both up; arms beside, on the belly, under the head or overhead."""
    draw = generator.uniform
    draft = _trunk(generator, upper)
    _turn_head(draft, pitched(draw(-10, 20)) @ about(_Y, np.deg2rad(draw(-60, 60))))
    raised = generator.random(2) < generator.choice([0.0, 0.5, 1.0], p=[0.5, 0.3, 0.2])
    spread, near = draw(-1, 22), draw(330, 640)
    for side, up in zip(SIDES, raised, strict=True):
        sign, hip = OUTWARDS[side], draft.at(f"{side}_thigh")
        if up:
            ankle = np.array([hip[0] + sign * draw(-30, 90), -near, 70 - _BACK_MM])
            draft.step_to(side, ankle, _Z + sign * draw(-0.15, 0.5) * _X, unit(-_Y + sign * draw(0, 0.3) * _X))
        else:
            out, bent = spread + draw(-3, 3), draw(0, 12)
            _stretch_leg(draft, side, out, bent, unit(_Z - draw(0.2, 1.1) * _Y + sign * draw(0, 0.9) * _X))
    for side in SIDES:
        _lay_arm(generator, draft, side)
    if generator.random() < 0.2:
        gesture(generator, draft)
    return about(_X, -np.pi / 2) @ draft.rotations


def lying_side(generator: np.random.Generator, upper: np.ndarray) -> np.ndarray:
    """On a side; legs drawn up by some amount, the lower arm ahead or under the head, the upper one before the body."""
    draw = generator.uniform
    draft = _trunk(generator, upper)
    _turn_head(draft, pitched(draw(-5, 20)) @ about(_Z, np.deg2rad(draw(-25, -5))))
    # Built on the right side, the ground at the right.
    hips = draw(5, 95)
    extra_flexion = draw(-15, 40)
    for side, extra in (("right", 0.0), ("left", extra_flexion)):
        flexion = np.deg2rad(np.clip(hips + extra, 0, 110))
        knee = flexion - np.deg2rad(draw(0.3, 1.1) * np.rad2deg(flexion) + draw(3, 35))
        # The upper knee lies on the lower one, or on the ground before it.
        sink = 0.0 if side == "right" else draw(0.22, 0.34) if extra_flexion > 18 else draw(0.08, 0.2)
        thigh = unit(np.array([-sink - 0.03, -np.cos(flexion), np.sin(flexion)]))
        shin = unit(np.array([-0.3 * sink, -np.cos(knee), np.sin(knee)]))
        forward = knee + np.deg2rad(draw(40, 80))
        draft.aim_leg(side, thigh, shin, np.array([0.0, -np.cos(forward), np.sin(forward)]))
    shoulder = draft.at("right_upper_arm")
    if generator.random() < 0.5:
        wrist = draft.at("head") + np.array([-95.0, draw(-40, 60), draw(60, 160)])
        draft.hand_to("right", wrist, _Z + draw(-0.4, 0.4) * _Y, turn=draw(-40, 20))
    else:
        wrist = shoulder + np.array([draw(-10, 40), draw(-250, 200), draw(280, 480)])
        draft.hand_to("right", wrist, _Z - _Y, turn=draw(-40, 40))
    if generator.random() < 0.5:
        wrist = np.array([draw(-130, 20), draw(150, 400), draw(230, 380)])
        draft.hand_to("left", wrist, _X - draw(0, 1) * _Y, turn=draw(0, 60))
    else:
        wrist = draft.at("left_thigh") + np.array([draw(75, 95), -draw(20, 180), draw(-40, 60)])
        draft.hand_to("left", wrist, _X - 0.6 * _Z, turn=draw(0, 60))
    posture = about(_Y, np.deg2rad(draw(-22, 30))) @ draft.rotations
    laid = about(_X, -np.pi / 2) @ about(_Y, -np.pi / 2) @ posture
    return laid if generator.random() < 0.5 else mirror_posture(laid)


def lying_front(generator: np.random.Generator, upper: np.ndarray) -> np.ndarray:
    """On the front, the head turned aside; flat, or propped up on the elbows."""
    draw = generator.uniform
    propped = generator.random() < 0.3
    draft = _trunk(generator, upper, back=draw(14, 20) if propped else 0.0)
    turned = about(_Y, np.deg2rad(draw(50, 78) * generator.choice([-1, 1])))
    _turn_head(draft, pitched(draw(-40, -5)) if propped else pitched(draw(-12, 0)) @ turned)
    spread = draw(0, 20)
    for side in SIDES:
        sign = OUTWARDS[side]
        toes = unit(-_Y + draw(0.15, 0.6) * _Z + sign * draw(-0.15, 0.3) * _X)
        bent = draw(20, 110) if propped and generator.random() < 0.6 else draw(0, 12)
        _stretch_leg(draft, side, spread + draw(-3, 3), bent, toes, lift=True)
    style = generator.choice(["beside", "flanking", "under head"])
    for side in SIDES:
        sign, shoulder = OUTWARDS[side], draft.at(f"{side}_upper_arm")
        if propped:
            elbow = unit(np.array([sign * draw(0.0, 0.25), draw(-0.15, 0.5), 1.0]))
            forearm = unit(np.array([-sign * draw(-0.1, 0.7), 1.0, draw(-0.02, 0.12)]))
            draft.aim_arm(side, elbow, forearm, turn=draw(30, 70))
        elif style == "beside":
            wrist = shoulder + np.array([sign * draw(0, 120), -draw(440, 520), draw(30, 60)])
            draft.hand_to(side, wrist, sign * _X - 0.3 * _Z, turn=draw(-20, 60))
        elif style == "flanking":
            wrist = shoulder + np.array([sign * draw(60, 200), draw(60, 330), draw(40, 70)])
            draft.hand_to(side, wrist, sign * _X - 0.5 * _Y, turn=draw(30, 70))
        else:
            wrist = draft.at("head") + np.array([-sign * draw(0, 40), draw(80, 130), draw(115, 130)])
            draft.hand_to(side, wrist, sign * _X + 0.2 * _Z, turn=draw(40, 75))
    return about(_X, np.pi / 2) @ draft.rotations


def _trunk(generator: np.random.Generator, upper: np.ndarray, back: float = 0.0) -> Draft:
    """A nearly straight trunk, bent back by some degrees twice."""
    draw = generator.uniform
    return Draft(upper, np.eye(3), draw(0.0, 0.25), (draw(-4, 6) - back, draw(-4, 6) - back))


def _turn_head(draft: Draft, turn: np.ndarray) -> None:
    """Set the head's rotation (3, 3) against the chest, the neck half-way."""
    chest, neck, head = (RIG.index(name) for name in ("chest", "neck", "head"))
    draft.rotations[head] = draft.rotations[chest] @ turn
    axis = unit(draft.rotations[chest] @ _Y + draft.rotations[head] @ _Y)
    across = draft.rotations[chest] @ _X + draft.rotations[head] @ _X
    left = unit(across - (across @ axis) * axis)
    draft.rotations[neck] = np.stack([left, axis, cross(left, axis)], 1)


def _stretch_leg(draft: Draft, side: str, out: float, bent: float, foot: np.ndarray, *, lift: bool = False) -> None:
    """A leg ``out`` degrees from the middle, bent by ``bent``: the knee comes ahead, or with ``lift`` the shin back."""
    aside = OUTWARDS[side] * np.sin(np.deg2rad(out)) * _X
    ahead, behind = (0.0, bent) if lift else (bent / 2, bent / 2)
    thigh = unit(pitched(-ahead) @ -_Y + aside)
    shin = unit(pitched(behind) @ -_Y + aside)
    draft.aim_leg(side, thigh, shin, unit(pitched(behind) @ foot))


def _lay_arm(generator: np.random.Generator, draft: Draft, side: str) -> None:
    """Lay an arm down beside a person on the back, on the belly, under the head or overhead."""
    draw, sign, shoulder = generator.uniform, OUTWARDS[side], draft.at(f"{side}_upper_arm")
    style = generator.choice(["beside", "belly", "under head", "overhead", "spread"], p=[0.35, 0.25, 0.15, 0.12, 0.13])
    if style == "beside":
        wrist = shoulder + np.array([sign * draw(60, 220), -draw(430, 520), draw(-70, 0)])
        draft.hand_to(side, wrist, sign * _X - 0.1 * _Z, turn=draw(-40, 60))
    elif style == "belly":
        wrist = np.array([sign * draw(-40, 90), draw(80, 330), 130.0])
        draft.hand_to(side, wrist, sign * _X - draw(0, 0.5) * _Z, turn=draw(10, 50))
    elif style == "under head":
        wrist = draft.at("head") + np.array([sign * draw(30, 90), draw(60, 150), -draw(85, 100)])
        draft.hand_to(side, wrist, sign * _X - 0.1 * _Z, turn=draw(-60, -20))
    elif style == "overhead":
        wrist = shoulder + np.array([sign * draw(0, 250), draw(380, 520), draw(-60, 0)])
        draft.hand_to(side, wrist, sign * _X, turn=draw(-50, 40))
    else:
        wrist = shoulder + np.array([sign * draw(350, 520), draw(-250, 250), draw(-70, -10)])
        draft.hand_to(side, wrist, -_Y + sign * 0.3 * _X, turn=draw(-60, 60))
