"""The result of an estimate, and the error of a photo without anybody."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fusion_model.skeletons import MPII_16, SKELETONS

SCHEMA = "fusion-pose/1"
STATUSES = ("seen", "guessed", "outside")


class NoPersonError(ValueError):
    """Nobody was found, in the photo or in the box."""


@dataclass(frozen=True)
class Pose:
    """One person's pose.

    Attributes:
        joints_3d: (J, 3) float32 mm, camera axes (x right, y down, z away), pelvis at the origin.
        joints_2d: (J, 2) float32 pixels of the photo, the center of the top-left pixel being (0, 0).
        confidence: (J,) float32 in [0, 1]: 0.8 means right in 8 of 10 cases; 0 for joints outside.
        status: for each joint ``"seen"``, ``"guessed"`` (hidden or unsure) or ``"outside"`` (beyond the frame).
        heatmaps: (16, H', W') float32 confidence maps of the crop, MPII order.
        box: (4,) float32 x0, y0, x1, y1 of the square crop that was used, before it is turned.
        person_box: (4,) float32 tight round the person as far as seen: as detected, or as the caller gave it.
        angle: degrees by which the crop was turned clockwise about its center.
        score: confidence that this is a person.
        skeleton: name of the joint set of ``joints_3d``.
        height_mm: the person's height that the size of ``joints_3d`` assumes.
        spread: (J, 3) float32 mm, one standard deviation of ``joints_3d`` along each axis as measured on held-out
            people: two of three joints are within; None where it was not measured.
        derived: names of 2D joints that are computed from others.
        seconds: duration of each stage.
        model: name of the model.
    """

    joints_3d: np.ndarray
    joints_2d: np.ndarray
    confidence: np.ndarray
    status: tuple[str, ...]
    heatmaps: np.ndarray
    box: np.ndarray
    person_box: np.ndarray
    angle: float
    score: float
    skeleton: str
    height_mm: float
    spread: np.ndarray | None = None
    derived: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    model: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Everything but the maps and ``person_box`` as plain JSON values, with names, units and axes."""
        skeleton = SKELETONS[self.skeleton]
        joints = [
            {
                "name": name,
                "position_mm": _rounded(self.joints_3d[number]),
                "spread_mm": None if self.spread is None else _rounded(self.spread[number]),
                "pixel": _rounded(self.joints_2d[number]),
                "confidence": round(float(self.confidence[number]), 4),
                "status": self.status[number],
                "derived_2d": name in self.derived,
            }
            for number, name in enumerate(skeleton.joints)
        ]
        return {
            "schema": SCHEMA,
            "model": self.model,
            "skeleton": self.skeleton,
            "units": {
                "position_mm": "millimetre",
                "spread_mm": "millimetre",
                "pixel": "pixel of the photo",
                "angle": "degree",
            },
            "axes": {
                "position_mm": "camera axes: x right, y down, z away from the camera; origin at the pelvis",
                "spread_mm": "the same axes; one standard deviation",
                "pixel": "x right, y down; the center of the top-left pixel is (0, 0)",
            },
            "size_note": f"one photo does not tell the size: a height of {self.height_mm:g} mm is assumed",
            "height_mm": self.height_mm,
            "sides": "left and right are the person's own",
            "joints": joints,
            "bones": [[skeleton.joints[parent], skeleton.joints[child]] for parent, child in skeleton.bones],
            "person": {
                "score": round(float(self.score), 4),
                "crop": _rounded(self.box),
                "crop_angle": round(float(self.angle), 2),
            },
            "heatmap_joints": list(MPII_16.joints),
            "seconds": {name: round(float(value), 4) for name, value in self.seconds.items()},
        }


def _rounded(values: np.ndarray) -> list[float]:
    """Numbers with two decimals, JSON-ready."""
    return [round(float(value), 2) for value in values]
