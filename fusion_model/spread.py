"""How far the joints of a 3D pose may be off: the less sure a joint is in the photo, the farther."""

from __future__ import annotations

import numpy as np

from fusion_model.config import SpreadConfig

HOLDS = 0.6827
"""Fraction of the joints that lie within their spread along one axis; and within :data:`REACH` of it in space."""
REACH = 1.878
"""Half axes of an ellipsoid that holds as many of a normal distribution in three dimensions, in standard deviations."""


def spreads(confidence: np.ndarray, config: SpreadConfig) -> np.ndarray:
    """One standard deviation of each joint along each axis, for a person of 1.70 m.

    Args:
        confidence: (..., 17) of Human3.6M's joints.
        config: what ``train.calibrate`` has measured.

    Returns:
        (..., 17, 3) mm, camera axes. Turning the picture changes nothing: x and y are alike.
    """
    across, depth = (np.interp(confidence, config.confidence, values) for values in (config.across, config.depth))
    return np.array(config.joints)[:, None] * np.stack((across, across, depth), -1)


def within(errors: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Whether errors (..., J, 3) mm lie in the ellipsoids of their spread that are to hold 68 % of them."""
    return ((errors / np.maximum(spread, 1e-6)) ** 2).sum(-1) <= REACH**2
