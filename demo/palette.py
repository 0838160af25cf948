"""Colours of the person's sides, the same in the photo, in the maps and in 3D; readable on light and dark ground."""

from __future__ import annotations

SIDES = {"left": "#2b8cff", "right": "#ff7a1a", "middle": "#8e9aa8"}
GUESSED_OPACITY = 0.28
LEAST_OPACITY = 0.55


def rgb(colour: str) -> tuple[int, int, int]:
    """``"#rrggbb"`` as three numbers of 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def opacity(confidence: float, status: str) -> float:
    """How plainly a joint is drawn: surer joints are more opaque, guessed ones faded, those outside not at all."""
    if status == "outside":
        return 0.0
    if status == "guessed":
        return GUESSED_OPACITY
    return LEAST_OPACITY + (1 - LEAST_OPACITY) * min(max(confidence, 0.0), 1.0)


def title(joint: str) -> str:
    """A joint's name for people: ``"left_wrist"`` -> ``"left wrist"``."""
    return joint.replace("_", " ")
