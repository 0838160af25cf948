"""Finding people in the confidence maps of a whole photo.

A torso is a thorax and a pelvis with shoulders and hips beside them; a portrait, whose pelvis is beyond the frame, is
a head top and a thorax. Each becomes a :class:`Proposal`, a square to look at more closely.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from fusion_model.crops import Crop
from fusion_model.detection.detector import Detection
from fusion_model.heatmaps import MAP_STRIDE
from fusion_model.skeletons import MPII_16

_LEAST_PEAK = 0.12  # of a map; what is lower is noise
_MOST_PEAKS = 8  # a map, highest first
_SIDE_TORSOS = 4.6  # side of the square round a person, in torso lengths (thorax to pelvis)
_PORTRAIT_TORSO = 1.35  # torso length over the distance from head top to thorax
_TURN_FROM = 30.0  # degrees of the body axis below which a crop stays upright

_PELVIS, _THORAX, _HEAD = (MPII_16.index(name) for name in ("pelvis", "thorax", "head_top"))
_SHOULDERS = [MPII_16.index(name) for name in ("left_shoulder", "right_shoulder")]
_HIPS = [MPII_16.index(name) for name in ("left_hip", "right_hip")]


@dataclass(frozen=True)
class Proposal:
    """Where a person seems to be.

    Attributes:
        center: x, y of the middle of the torso, photo pixels.
        side: side of the square round the person, photo pixels.
        angle: of the body axis, degrees, as :attr:`fusion_model.crops.Crop.angle`.
        score: mean height of the peaks that speak for it, or the detector's score.
        box: (4,) round the body as far as it is seen, photo pixels, where the detector saw it; else None.
    """

    center: tuple[float, float]
    side: float
    angle: float
    score: float
    box: np.ndarray | None = None

    def crop(self, size: int) -> Crop:
        """The window to look through, turned with the body."""
        return Crop(self.center, self.side, self.angle, size)


def propose(maps: np.ndarray, window: Crop) -> list[Proposal]:
    """Torsos and portraits in the maps of one window, best first; each thorax and pelvis is used once.

    Args:
        maps: (16, H, W) float32 confidence maps of the window.
        window: where it lies in the photo.
    """
    peaks = [_peaks(one) for one in maps]
    found: list[tuple[float, np.ndarray, np.ndarray, tuple[int, ...]]] = []
    for t, (thorax, height) in enumerate(peaks[_THORAX]):
        for p, (pelvis, low) in enumerate(peaks[_PELVIS]):
            length = np.linalg.norm(thorax - pelvis)
            if length < 1.5:
                continue
            beside = [_support(peaks[joint], thorax, 0.75 * length) for joint in _SHOULDERS]
            beside += [_support(peaks[joint], pelvis, 0.75 * length) for joint in _HIPS]
            score = float(np.mean([height, low, *beside]))
            found.append((score, thorax, pelvis, (t, p)))
    # Of equally good partners the nearer: a long torso reaches shoulders and hips of several people.
    found.sort(key=lambda entry: -entry[0] / np.linalg.norm(entry[1] - entry[2]) ** 0.25)
    used_thorax, used_pelvis, proposals = set(), set(), []
    for score, thorax, pelvis, (t, p) in found:
        if t not in used_thorax and p not in used_pelvis and score > _LEAST_PEAK:
            used_thorax.add(t)
            used_pelvis.add(p)
            proposals.append(_proposal(thorax, pelvis, score, window))
    for t, (thorax, height) in enumerate(peaks[_THORAX]):
        if t in used_thorax or not peaks[_HEAD]:
            continue
        head, top = min(peaks[_HEAD], key=lambda peak: np.linalg.norm(peak[0] - thorax))
        if np.linalg.norm(head - thorax) >= 1.5:
            bottom = thorax + _PORTRAIT_TORSO * (thorax - head)
            proposals.append(_proposal(thorax, bottom, (height + top) / 2, window))
    return sorted(proposals, key=lambda one: -one.score)


def whole_photo(window: Crop) -> list[Proposal]:
    """Somebody who fills the photo, and a portrait: a body whose lower part is beyond the frame."""
    x, y = window.center
    return [
        Proposal((x, y), 1.25 * window.side, 0.0, 0.0),
        Proposal((x, y + 0.3 * window.side), 1.7 * window.side, 0.0, 0.0),
    ]


def sighted(detection: Detection, margin: float) -> Proposal:
    """The window round a detection, turned with the body."""
    x0, y0, x1, y1 = detection.box.tolist()
    angle = detection.angle if abs(detection.angle) > _TURN_FROM else 0.0
    side = margin * max(x1 - x0, y1 - y0)
    return Proposal(((x0 + x1) / 2, (y0 + y1) / 2), side, angle, detection.score, detection.box)


def body_angle(thorax: np.ndarray, pelvis: np.ndarray) -> float:
    """Degrees by which a crop must be turned to show the body upright; 0 below a small angle.

    Args:
        thorax: (2,) x, y, y down.
        pelvis: (2,).
    """
    x, y = np.asarray(thorax, float) - np.asarray(pelvis, float)
    angle = float(np.rad2deg(np.arctan2(x, -y)))
    return angle if abs(angle) > _TURN_FROM else 0.0


def joint_box(points: np.ndarray, trusted: np.ndarray) -> np.ndarray | None:
    """Tight box (4,) round the trusted joints, a little larger at the head and feet; None for fewer than three.

    Args:
        points: (J, 2) photo pixels.
        trusted: (J,) bool.
    """
    if trusted.sum() < 3:
        return None
    low, high = points[trusted].min(0), points[trusted].max(0)
    pad = 0.04 * (high - low).max()
    return np.concatenate((low - pad, high + pad))


def same_person(points: np.ndarray, others: np.ndarray, trusted: np.ndarray, reach: float) -> bool:
    """Whether two sets of joints are one person: most trusted joints within ``reach`` pixels of each other.

    Left and right may be swapped in one of them.

    Args:
        points: (16, 2) photo pixels.
        others: (16, 2).
        trusted: (16,) bool, joints of ``points`` to compare.
        reach: pixels.
    """
    for order in (slice(None), list(MPII_16.mirror)):
        distance = np.linalg.norm(points - others[order], axis=-1)[trusted]
        if len(distance) and float(np.mean(distance < reach)) > 0.5:
            return True
    return False


def _peaks(one: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Local maxima of one map as (x, y) and height, highest first."""
    top = cv2.dilate(one, np.ones((5, 5), np.uint8))
    rows, columns = np.nonzero((one >= top) & (one > _LEAST_PEAK))
    heights = one[rows, columns]
    order = np.argsort(-heights)[:_MOST_PEAKS]
    return [(np.array([columns[k], rows[k]], float), float(heights[k])) for k in order]


def _support(peaks: list[tuple[np.ndarray, float]], place: np.ndarray, reach: float) -> float:
    """Height of the highest peak within reach of a place, 0 if there is none."""
    return max((height for point, height in peaks if np.linalg.norm(point - place) <= reach), default=0.0)


def _proposal(thorax: np.ndarray, pelvis: np.ndarray, score: float, window: Crop) -> Proposal:
    """Proposal from two points in map pixels."""
    ends = window.to_photo((np.stack((thorax, pelvis)) + 0.5) * MAP_STRIDE - 0.5)
    center = ends.mean(0)
    side = _SIDE_TORSOS * float(np.linalg.norm(ends[1] - ends[0]))
    return Proposal((float(center[0]), float(center[1])), side, body_angle(ends[0], ends[1]), float(score))
