"""The search for everyone in a photo: candidates, and crops of each that confirm it or drop it.

Candidates are what the detector sees or, where a checkpoint has none, what the maps of the whole photo show.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import islice

import numpy as np

from fusion_model.boxes import areas, check_box, intersections, iou, same_person
from fusion_model.config import ModelConfig, SearchConfig
from fusion_model.crop_inference import CropPrediction, CropPredictor
from fusion_model.crops import Crop, crop_of_box, letterbox
from fusion_model.detection.candidates import Candidate, propose, whole_photo
from fusion_model.detection.detector import PersonDetector, detect

_MIN_HOPEFUL = 1e-6  # score of a detection, however low a score is asked for


class Search:
    """Finds people with the networks of one estimator.

    Args:
        config: sizes, calibration and thresholds.
        predictor: runs the hourglass on crops.
        detector: points at people; None finds them in the maps of the whole photo.
    """

    def __init__(self, config: ModelConfig, predictor: CropPredictor, detector: PersonDetector | None) -> None:
        self.config, self.predictor, self.detector = config, predictor, detector

    def find(self, photo: np.ndarray, min_score: float | None = None) -> list[Candidate]:
        """Everyone in the photo, best first.

        The rank is the score, with a bonus for those who fill more of the photo and stand nearer to its middle.

        Args:
            photo: (H, W, 3) uint8 RGB.
            min_score: people below it are dropped. One below the configuration's own thresholds lowers these too.
        """
        height, width = photo.shape[:2]
        if self.detector is None:
            people = self._find_in_maps(photo, min_score)
        else:
            people = self._find_by_detector(photo, min_score)
        if not people:
            frame = letterbox(width, height, self.config.hourglass.input_size)
            people = self._distinct(self._confirm(photo, whole_photo(frame), min_score))
        people = [one for one in people if min_score is None or one.score >= min_score]
        ranked = [(-one.score * self._prominence(one, width, height), one) for one in people]
        return [one for _, one in sorted(ranked, key=lambda pair: pair[0])]

    def in_box(self, photo: np.ndarray, box: Sequence[float]) -> Candidate | None:
        """The person in a box, upright or turned as the body is, whichever crop is surer; None if nobody is there.

        Args:
            photo: (H, W, 3) uint8 RGB.
            box: x0, y0, x1, y1 in pixels, tight round the person as far as seen.

        Raises:
            ValueError: if the box has no area or does not touch the photo.
        """
        search, calibration = self.config.search, self.config.calibration
        height, width = photo.shape[:2]
        tight, size = check_box(box, width, height), self.config.hourglass.input_size
        crop = crop_of_box(tight, size, self.config.crop.margin)
        prediction = self.predictor.predict([photo], [crop])[0]
        if angle := prediction.angle(search.min_turn):
            turned = self.predictor.predict([photo], [dataclasses.replace(crop, angle=angle)])[0]
            prediction = max(prediction, turned, key=lambda one: one.score)
        if prediction.score < search.box_trust * calibration.person:
            return None
        return Candidate(crop.center, crop.side, 0.0, prediction.score, tight, prediction=prediction)

    @property
    def _first_size(self) -> int:
        """Side in pixels of first crops: they only have to show where the joints are."""
        return min(self.config.hourglass.input_size, self.config.search.first_size)

    def _find_by_detector(self, photo: np.ndarray, min_score: float | None) -> list[Candidate]:
        """Whom the detector sees and the hourglass confirms, but for what is a detail of somebody."""
        search, detector = self.config.search, self.config.detector
        # Others cannot be confirmed: their mean with a crop's score, 1 at most, would stay below.
        hopeful_score = max(_lower(detector.accept_score, min_score) ** 2, _MIN_HOPEFUL)
        detector = dataclasses.replace(detector, min_score=min(detector.min_score, hopeful_score))
        detections = detect(self.detector, photo, detector)[: search.max_detections]
        candidates = [Candidate.of_detection(one, self.config.crop.margin, search.min_turn) for one in detections]
        found = self._confirm(photo, [one for one in candidates if one.score >= hopeful_score], min_score)
        if hints := [one.box for one in candidates if one not in found]:
            found += self._find_by_hints(photo, found, np.array(hints), min_score)
        found = self._distinct(found)
        return [one for one in found if not any(self._is_detail(one, other) for other in found)]

    def _find_by_hints(
        self, photo: np.ndarray, found: list[Candidate], hints: np.ndarray, min_score: float | None
    ) -> list[Candidate]:
        """Whom the maps show large where the detector saw but hints, boxes (N, 4) not confirmed, as of portraits."""
        search = self.config.search
        height, width = photo.shape[:2]
        frame = letterbox(width, height, self._first_size)
        maps = self.predictor.maps([photo], [frame])[0].numpy()
        large = [
            one
            for one in propose(maps, frame, search)
            if one.side >= search.hint_side * max(height, width) and not any(_is_part(one, by, search) for by in found)
        ]
        confirmed = self._confirm(photo, large[: search.max_proposals], min_score, hints)
        return [one for one in confirmed if _overlaps(self._box(one), hints, search.hint_iou)]

    def _find_in_maps(self, photo: np.ndarray, min_score: float | None) -> list[Candidate]:
        """Whom the hourglass's maps of the whole photo show, from coarse to fine."""
        search = self.config.search
        height, width = photo.shape[:2]
        size, extent = self.config.hourglass.input_size, float(max(height, width))
        people: list[Candidate] = []
        for level in search.levels:
            frame = letterbox(width, height, level * size)
            proposals = propose(self.predictor.maps([photo], [frame])[0].numpy(), frame, search)
            if level > 1:  # whoever is larger was to be found on a coarser level
                proposals = [one for one in proposals if one.side * level < 1.5 * extent]
            proposals = [one for one in proposals if not any(_is_part(one, by, search) for by in people)]
            people = self._distinct(people + self._confirm(photo, proposals[: search.max_proposals], min_score))
        return people

    def _confirm(
        self, photo: np.ndarray, candidates: list[Candidate], min_score: float | None, hints: np.ndarray | None = None
    ) -> list[Candidate]:
        """The candidates whom the hourglass confirms in the best of three crops, seen at full size.

        With ``hints``, boxes (N, 4) of the detector, whoever is far from all of them is dropped after the first crop,
        and for the others a fraction of the person threshold is enough.
        """
        search = self.config.search
        self._predict_first(photo, candidates)
        if self.detector is None:
            candidates = self._distinct(candidates)  # maps of the whole photo show a body many times
        candidates = [one for one in candidates if one.prediction.box(search.joint_confidence) is not None]
        if hints is not None:
            first = [one.prediction.box(search.joint_confidence) for one in candidates]
            near = [_overlaps(box, hints, search.hint_first_iou) for box in first]
            candidates = [one for one, kept in zip(candidates, near, strict=True) if kept]
        self._predict_closer(photo, candidates)
        trust = 1.0 if hints is None else search.hint_trust
        confirmed = [one for one in candidates if self._is_confirmed(one, trust, min_score)]
        self._predict_full(photo, confirmed)
        return confirmed

    def _predict_first(self, photo: np.ndarray, candidates: list[Candidate]) -> None:
        """Predict the small first crop of each candidate."""
        crops = [one.crop(self._first_size) for one in candidates]
        for one, prediction in zip(candidates, self.predictor.predict([photo] * len(crops), crops), strict=True):
            one.prediction, one.score = prediction, prediction.score

    def _predict_closer(self, photo: np.ndarray, candidates: list[Candidate]) -> None:
        """Predict the crops round the joints found, turned with the body and upright; keep the surest prediction."""
        crops = [self._closer_crops(one.prediction) for one in candidates]
        flat = [crop for several in crops for crop in several]
        predictions = iter(self.predictor.predict([photo] * len(flat), flat))
        for one, several in zip(candidates, crops, strict=True):
            closer = list(islice(predictions, len(several)))
            one.prediction = surest(one.prediction, closer, self.config.search.first_margin)
            one.score = one.prediction.score
            if one.detector_score is not None:
                one.score = (one.score * one.detector_score) ** 0.5

    def _closer_crops(self, first: CropPrediction) -> list[Crop]:
        """Crops round the joints of the first: turned with the body and, if that is a turn, upright as well.

        They do not close in on the few joints of somebody whom the frame cuts off.
        """
        search, size = self.config.search, self.config.hourglass.input_size
        box = first.box(search.joint_confidence)
        crop = crop_of_box(box, size, self.config.crop.margin, first.angle(search.min_turn))
        crop = dataclasses.replace(crop, side=max(crop.side, search.min_zoom * first.crop.side))
        return [crop, dataclasses.replace(crop, angle=0.0)] if crop.angle else [crop]

    def _is_confirmed(self, one: Candidate, trust: float, min_score: float | None) -> bool:
        """Whether the hourglass's word, with the detector's where there is one, is enough."""
        own = trust * self.config.calibration.person
        if one.detector_score is not None:
            own = self.config.detector.accept_score
        return one.score >= _lower(own, min_score)

    def _predict_full(self, photo: np.ndarray, candidates: list[Candidate]) -> None:
        """Predict those again at full size whose first, small crop counts."""
        size = self.config.hourglass.input_size
        small = [one for one in candidates if one.prediction.crop.size < size]
        crops = [dataclasses.replace(one.prediction.crop, size=size) for one in small]
        for one, prediction in zip(small, self.predictor.predict([photo] * len(crops), crops), strict=True):
            one.prediction = prediction

    def _distinct(self, candidates: list[Candidate]) -> list[Candidate]:
        """Those with enough joints, each person once, the surest candidate of each."""
        seen, reach = self.config.calibration.seen, self.config.search.same_reach
        kept: list[Candidate] = []
        for one in sorted(candidates, key=lambda one: -one.score):
            points, trusted = one.prediction.points, one.prediction.confidence >= seen
            if one.prediction.box(seen) is None:
                continue
            others = [other.prediction for other in kept]
            if not any(same_person(points, other.points, trusted, reach * other.crop.side) for other in others):
                kept.append(one)
        return kept

    def _box(self, one: Candidate) -> np.ndarray | None:
        """Box of a candidate: the detector's, or that of the joints that are seen."""
        return one.person_box(self.config.calibration.seen)

    def _is_detail(self, one: Candidate, other: Candidate) -> bool:
        """Whether what was found is a small thing upon somebody else, such as medals on a chest."""
        search, small, whole = self.config.search, self._box(one), self._box(other)
        area = areas(small)
        inside = intersections(small, whole) > search.detail_inside * area
        return bool(inside and area < search.detail_area * areas(whole))

    def _prominence(self, one: Candidate, width: int, height: int) -> float:
        """How much a person's place in the photo speaks for it being the one who is meant, at most 1."""
        search, box, extent = self.config.search, self._box(one), max(width, height)
        fraction = min(1.0, max(box[2] - box[0], box[3] - box[1]) / extent)
        offset = ((box[:2] + box[2:]) / 2 - np.array([width - 1, height - 1]) / 2) / extent
        return float(fraction**search.size_power * np.exp(-search.center_weight * (offset**2).sum()))


def surest(first: CropPrediction, closer: list[CropPrediction], margin: float) -> CropPrediction:
    """The surest of the closer crops, unless the first one, made from farther away, is surer by ``margin``."""
    best = max(closer, key=lambda one: float(one.confidence.mean()))
    return first if first.confidence.mean() > best.confidence.mean() + margin else best


def _lower(own: float, min_score: float | None) -> float:
    """A threshold, or the score that was asked for where that is lower."""
    return own if min_score is None else min(own, min_score)


def _overlaps(box: np.ndarray | None, others: np.ndarray, min_iou: float) -> bool:
    """Whether a box overlaps one of the others (N, 4) by that IoU."""
    return box is not None and bool(iou(box, others).max() >= min_iou)


def _is_part(proposal: Candidate, found: Candidate, config: SearchConfig) -> bool:
    """Whether a proposal is a part of somebody already found (a face, say, that looks like a small body)."""
    crop = found.prediction.crop
    offset = np.abs(np.asarray(proposal.center) - np.asarray(crop.center)).max()
    return bool(proposal.side < config.part_side * crop.side and offset < config.part_offset * crop.side)
