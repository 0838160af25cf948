"""Colours of the sides for 3D views: one scale that holds them all, from faded to full."""

from __future__ import annotations

import numpy as np

from fusion_model.drawing import SIDE_COLOURS

INK = "#7a7f87"
"""Of lines and words: readable on white and on near black."""

_FADE = (158, 163, 172)  # what faded joints fade to, between a white and a near black page
_MIDDLE = (140, 146, 156)  # of bones in the middle: the light grey of photos is lost on a white page
_STEPS = 85  # shades of each side: three times that fill a byte


def side_rgb(side: str) -> tuple[int, int, int]:
    """Colour of a side in 3D, 0 to 255."""
    return _MIDDLE if side == "middle" else SIDE_COLOURS[side]


def side_css(side: str, opacity: float = 1.0) -> str:
    """Colour of a side, mixed with grey where it is faded: browsers add up transparent 3D lines to glaring ones."""
    red, green, blue = np.rint(opacity * np.array(side_rgb(side)) + (1 - opacity) * np.array(_FADE)).astype(int)
    return f"rgb({red},{green},{blue})"


def shade(side: str, opacity: float = 1.0) -> int:
    """Number in [0, 254] of a colour in :data:`COLOUR_SCALE`: one byte for each corner of a mesh.

    Args:
        side: key of :data:`fusion_model.drawing.SIDE_COLOURS`.
        opacity: in [0, 1], from grey to full.
    """
    return list(SIDE_COLOURS).index(side) * _STEPS + round(float(opacity) * (_STEPS - 1))


def shade_rgb(shades: np.ndarray) -> np.ndarray:
    """(N, 3) RGB, 0 to 255, of shades (N,)."""
    opacity = (shades % _STEPS)[:, None] / (_STEPS - 1)
    full = np.array([side_rgb(side) for side in SIDE_COLOURS])[shades // _STEPS]
    return opacity * full + (1 - opacity) * np.array(_FADE)


COLOUR_SCALE = [
    [shade(side, end) / (3 * _STEPS - 1), side_css(side, end)] for side in SIDE_COLOURS for end in (0.0, 1.0)
]
"""Plotly's colour scale for shades from 0 to 254."""
