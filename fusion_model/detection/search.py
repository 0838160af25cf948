"""The search for people: the detector's boxes, a crop of each, and one correction where the joints do not fit it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from fusion_model.boxes import check_box, iou, same_person
from fusion_model.config import ModelConfig
from fusion_model.crop_inference import CropPredictor
from fusion_model.crops import Crop, crop_of_box
from fusion_model.detection.candidates import Candidate
from fusion_model.detection.detector import detect
from fusion_model.detection.network import PersonDetector

_UNKNOWN = 0.5  # score of a photo without a detector
_MIN_SCORE = 0.05  # of a detection, however low a score is asked for
_JOINT_CONFIDENCE = 0.2  # of the joints that a crop is cut round
_MIN_ZOOM = 0.6  # side of the crop round them over that of the first: somebody cut off shows few
_REACH = 0.08  # sides of the crop, within which joints lie together


class Search:
    """Finds people with the networks of one estimator.

    Args:
        config: sizes, calibration and thresholds.
        predictor: runs the hourglass on crops.
        detector: points at people; without one, a photo is taken to show one person who fills it.
    """

    def __init__(self, config: ModelConfig, predictor: CropPredictor, detector: PersonDetector | None) -> None:
        self.config, self.predictor, self.detector = config, predictor, detector

    def find(
        self,
        photos: Sequence[np.ndarray],
        boxes: Sequence[Sequence[float] | None],
        min_score: float | None = None,
        *,
        flip_test: bool = True,
        best_only: bool = False,
    ) -> list[list[Candidate]]:
        """Everyone in each photo, or the person in its box, best first.

        Best is who is most likely meant: surely a person, large, and near the middle of the photo.

        Args:
            photos: N arrays (H, W, 3) uint8 RGB.
            boxes: for each photo x0, y0, x1, y1 in pixels, tight round a person as far as seen, or None for everyone.
            min_score: people below it are dropped; None takes the model's own threshold.
            flip_test: average over mirror images.
            best_only: give only the best person of each photo.

        Raises:
            ValueError: if a box has no area or does not touch its photo.
        """
        least = self.config.search.person if min_score is None else min_score
        pairs = zip(photos, boxes, strict=True)
        candidates = [self._candidates(photo, box, least, best_only=best_only) for photo, box in pairs]
        self._predict([one for several in candidates for one in several], flip_test=flip_test)
        found = [self._select(several, least) for several in candidates]
        return [people[:1] for people in found] if best_only else found

    def _candidates(
        self, photo: np.ndarray, box: Sequence[float] | None, least: float, *, best_only: bool
    ) -> list[Candidate]:
        """Who is worth a crop."""
        search = self.config.search
        height, width = photo.shape[:2]
        if box is not None:
            return [Candidate(photo, check_box(box, width, height), search.box_score)]
        if self.detector is None:
            return [Candidate(photo, np.array([-0.5, -0.5, width - 0.5, height - 0.5]), _UNKNOWN)]
        detector = self.config.detector
        hopeful = max(_MIN_SCORE, min(detector.min_score, least))  # whoever asks for the unsure gets them
        detector = dataclasses.replace(detector, min_score=hopeful)
        detections = detect(self.detector, photo, detector, self.predictor.threads)
        found = [Candidate(photo, one.box, one.score, one.angle) for one in detections]
        if best_only and found:
            rank = [one.prominence(search) for one in found]
            found = [one for one, value in zip(found, rank, strict=True) if value >= search.rival * max(rank)]
        return found

    def _predict(self, candidates: list[Candidate], *, flip_test: bool) -> None:
        """Predict a crop of each candidate, and one more where the joints do not fit the first; keep the surer."""
        size, margin = self.config.hourglass.input_size, self.config.crop.margin
        photos, crops = [one.photo for one in candidates], [crop_of_box(one.box, size, margin) for one in candidates]
        predictions = self.predictor.predict(photos, crops, flip_test=flip_test)
        for one, prediction in zip(candidates, predictions, strict=True):
            one.prediction = prediction
        again = [(one, crop) for one in candidates if (crop := self._correction(one)) is not None]
        photos, crops = [one.photo for one, _ in again], [crop for _, crop in again]
        predictions = self.predictor.predict(photos, crops, flip_test=flip_test)
        for (one, _), prediction in zip(again, predictions, strict=True):
            if prediction.confidence.mean() > one.prediction.confidence.mean() + self.config.search.surer:
                one.prediction = prediction
        for one in candidates:
            one.rate(self.config.search)

    def _correction(self, one: Candidate) -> Crop | None:
        """The crop round the joints found, or one turned with the body, where that is another than the first.

        It is turned only if the detector, where it saw this person, and the hourglass agree on the body axis.
        """
        search, crop = self.config.search, one.prediction.crop
        box, angle = one.prediction.box(_JOINT_CONFIDENCE), one.prediction.angle(search.min_turn)
        if box is None:
            return None
        if one.angle is not None and abs((one.angle - angle + 180) % 360 - 180) > search.min_turn:
            angle = 0.0
        fitting = crop_of_box(box, crop.size, self.config.crop.margin, angle)
        if not 1 / search.misfit < fitting.side / crop.side < search.misfit:
            return dataclasses.replace(fitting, side=max(fitting.side, _MIN_ZOOM * crop.side))
        return dataclasses.replace(crop, angle=angle) if angle else None

    def _select(self, candidates: list[Candidate], least: float) -> list[Candidate]:
        """Those of enough score, each person once, the best of each, whoever is meant first."""
        kept: list[Candidate] = []
        for one in sorted(candidates, key=lambda one: -one.score):
            if one.score >= least and not any(self._is_same(one, other) for other in kept):
                kept.append(one)
        return sorted(kept, key=lambda one: -one.prominence(self.config.search))

    def _is_same(self, one: Candidate, other: Candidate) -> bool:
        """Whether two candidates are one person: their boxes overlap, and the joints that are seen lie together.

        The joints alone may have slipped to a neighbour.
        """
        search, prediction = self.config.search, one.prediction
        if iou(one.box, other.box) < search.same_iou:
            return False
        trusted, reach = prediction.confidence >= self.config.calibration.seen, _REACH * other.prediction.crop.side
        return same_person(prediction.points, other.prediction.points, trusted, reach)
