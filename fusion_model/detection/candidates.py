"""Candidates: people who may be in a photo, from the detector's boxes or from the confidence maps of the whole photo.

In the maps a torso is a thorax and a pelvis with shoulders and hips beside them; a portrait, whose pelvis is beyond the
frame, is a head top and a thorax.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from fusion_model.config import SearchConfig
from fusion_model.crop_inference import CropPrediction
from fusion_model.crops import Crop, body_angle
from fusion_model.detection.detector import Detection
from fusion_model.heatmaps import to_crop_coordinates
from fusion_model.skeletons import MPII_16

_PELVIS, _THORAX, _HEAD = (MPII_16.index(name) for name in ("pelvis", "thorax", "head_top"))
_SHOULDERS = [MPII_16.index(name) for name in ("left_shoulder", "right_shoulder")]
_HIPS = [MPII_16.index(name) for name in ("left_hip", "right_hip")]
_MIN_TORSO = 1.5  # map pixels


@dataclass(eq=False)
class Candidate:
    """Somebody who may be in a photo; the search fills in what it finds out.

    Attributes:
        center: x, y of the middle of the person, photo pixels.
        side: side of the square round the person, photo pixels.
        angle: of the body axis, degrees, as :attr:`fusion_model.crops.Crop.angle`.
        score: of the evidence so far: mean height of the peaks that speak for a person, or the detector's score; once
            there is a prediction, the confidence that it shows a person.
        box: (4,) round the body as far as it is seen, photo pixels, where the detector or the caller gave it.
        detector_score: of that box; None where no detector saw it.
        prediction: what the hourglass says of the best crop so far.
    """

    center: tuple[float, float]
    side: float
    angle: float
    score: float
    box: np.ndarray | None = None
    detector_score: float | None = None
    prediction: CropPrediction | None = None

    @classmethod
    def of_detection(cls, detection: Detection, margin: float, min_turn: float) -> Candidate:
        """The square round a detection, turned with the body."""
        x0, y0, x1, y1 = detection.box.tolist()
        angle = detection.angle if abs(detection.angle) > min_turn else 0.0
        center, side = ((x0 + x1) / 2, (y0 + y1) / 2), margin * max(x1 - x0, y1 - y0)
        return cls(center, side, angle, detection.score, detection.box, detection.score)

    def crop(self, size: int) -> Crop:
        """The first crop, turned with the body."""
        return Crop(self.center, self.side, self.angle, size)

    def person_box(self, min_confidence: float) -> np.ndarray | None:
        """Box (4,) as it was given, else round the joints of at least that confidence; None if there are too few."""
        return self.prediction.box(min_confidence) if self.box is None else self.box


def propose(maps: np.ndarray, crop: Crop, config: SearchConfig) -> list[Candidate]:
    """Torsos and portraits in the maps of one crop, best first; each thorax and pelvis is used once.

    Args:
        maps: (16, H, W) float32 confidence maps of the crop.
        crop: where it lies in the photo.
        config: what counts as a peak, and sizes in torso lengths.
    """
    peaks = [_peaks(one, config) for one in maps]
    found: list[tuple[float, np.ndarray, np.ndarray, tuple[int, ...]]] = []
    for t, (thorax, height) in enumerate(peaks[_THORAX]):
        for p, (pelvis, low) in enumerate(peaks[_PELVIS]):
            length = np.linalg.norm(thorax - pelvis)
            if length < _MIN_TORSO:
                continue
            beside = [_support(peaks[joint], thorax, 0.75 * length) for joint in _SHOULDERS]
            beside += [_support(peaks[joint], pelvis, 0.75 * length) for joint in _HIPS]
            score = float(np.mean([height, low, *beside]))
            found.append((score, thorax, pelvis, (t, p)))
    # Of equally good partners the nearer: a long torso reaches shoulders and hips of several people.
    found.sort(key=lambda entry: -entry[0] / np.linalg.norm(entry[1] - entry[2]) ** 0.25)
    used_thorax, used_pelvis, candidates = set(), set(), []
    for score, thorax, pelvis, (t, p) in found:
        if t not in used_thorax and p not in used_pelvis and score > config.min_peak:
            used_thorax.add(t)
            used_pelvis.add(p)
            candidates.append(_of_torso(thorax, pelvis, score, crop, config))
    for t, (thorax, height) in enumerate(peaks[_THORAX]):
        if t in used_thorax or not peaks[_HEAD]:
            continue
        head, top = min(peaks[_HEAD], key=lambda peak: np.linalg.norm(peak[0] - thorax))
        if np.linalg.norm(head - thorax) >= _MIN_TORSO:
            bottom = thorax + config.portrait_torso * (thorax - head)
            candidates.append(_of_torso(thorax, bottom, (height + top) / 2, crop, config))
    return sorted(candidates, key=lambda one: -one.score)


def whole_photo(crop: Crop) -> list[Candidate]:
    """Somebody who fills the photo, and a portrait: a body whose lower part is beyond the frame."""
    x, y = crop.center
    return [
        Candidate((x, y), 1.25 * crop.side, 0.0, 0.0),
        Candidate((x, y + 0.3 * crop.side), 1.7 * crop.side, 0.0, 0.0),
    ]


def _peaks(one: np.ndarray, config: SearchConfig) -> list[tuple[np.ndarray, float]]:
    """Local maxima of one map as (x, y) and height, highest first."""
    top = cv2.dilate(one, np.ones((5, 5), np.uint8))
    rows, columns = np.nonzero((one >= top) & (one > config.min_peak))
    heights = one[rows, columns]
    order = np.argsort(-heights)[: config.max_peaks]
    return [(np.array([columns[k], rows[k]], float), float(heights[k])) for k in order]


def _support(peaks: list[tuple[np.ndarray, float]], place: np.ndarray, reach: float) -> float:
    """Height of the highest peak within reach of a place, 0 if there is none."""
    return max((height for point, height in peaks if np.linalg.norm(point - place) <= reach), default=0.0)


def _of_torso(thorax: np.ndarray, pelvis: np.ndarray, score: float, crop: Crop, config: SearchConfig) -> Candidate:
    """The candidate of two points in map pixels."""
    ends = crop.to_photo(to_crop_coordinates(np.stack((thorax, pelvis))))
    center = ends.mean(0)
    angle = body_angle(ends[0], ends[1])
    side = config.torso_sides * float(np.linalg.norm(ends[1] - ends[0]))
    turn = angle if abs(angle) > config.min_turn else 0.0
    return Candidate((float(center[0]), float(center[1])), side, turn, float(score))
