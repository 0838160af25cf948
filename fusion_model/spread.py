"""How far the joints of a 3D pose may be off: as the fusion network says it, and as held-out people have shown."""

from __future__ import annotations

import numpy as np

from fusion_model.config import SpreadConfig

HOLDS = 0.6827
"""Fraction of the joints that lie within their spread along one axis; and within :data:`REACH` of it in space."""
REACH = 1.878
"""Half axes of an ellipsoid that holds as many of a normal distribution in three dimensions, in standard deviations."""


def spreads(told: np.ndarray, config: SpreadConfig) -> np.ndarray:
    """One standard deviation of each joint along each axis, for a person of 1.70 m.

    Args:
        told: (..., J, 2) mm by the network, across and in depth.
        config: what ``train.calibrate`` has measured.

    Returns:
        (..., J, 3) mm, camera axes. Turning the picture changes nothing: x and y are alike.
    """
    return told[..., [0, 0, 1]] * (config.across, config.across, config.depth)


def within(errors: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Whether errors (..., J, 3) mm lie in the ellipsoids of their spread that are to hold 68 % of them."""
    return ((errors / np.maximum(spread, 1e-6)) ** 2).sum(-1) <= REACH**2
