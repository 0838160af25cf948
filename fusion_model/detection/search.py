"""Finding everybody in a photo: proposals, and closer looks at each of them.

Proposals are what the detector sees or, where a checkpoint has none, what the hourglass's maps of the whole photo show.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from fusion_model.config import ModelConfig
from fusion_model.crop_inference import Look, Looker
from fusion_model.crops import Crop, crop_of_box, letterbox
from fusion_model.detection.candidates import Proposal, propose, same_person, sighted, whole_photo
from fusion_model.detection.detector import PersonDetector, find, iou

_FIRST = 128  # pixels of a first look's side at most: it only has to find where the joints are
_BOX_CONFIDENCE = 0.2  # of the joints that a second look must show
_CLOSER = 0.1  # mean confidence by which the first look must exceed closer ones to count
_LEAST_ZOOM = 0.6  # side of a second look over that of the first
_SIZE_RANK = 0.2  # power of a person's fraction of the photo that ranks the people found
_MIDDLE_RANK = 4.0  # of the squared distance from the middle of the photo, in its longer side: photos are aimed
_LARGE = 0.6  # side of a person's square over the photo's, from which the maps of the whole photo may propose too
_HINTED = 0.85  # fraction of the person threshold that is enough for such a proposal
_AGREE = 0.25  # overlap (IoU) of such a proposal with what the detector hardly saw
_NEAR = 0.1  # the same of its first look: less promises no more
_INSIDE, _DETAIL = 0.9, 0.08  # fractions of a box within another, and of the other's area, that make it a detail of it
_MOST_DETECTIONS = 24  # taken up in one photo
_MOST_PROPOSALS = 12  # looked at in one photo and level
_LEVELS = (1, 2, 3)  # sides of the whole-photo windows, in input sizes of the hourglass


class Search:
    """Finds people with the networks of one estimator.

    Args:
        config: sizes and calibration.
        looker: runs the hourglass.
        detector: points at people; None finds them in the maps of the whole photo.
    """

    def __init__(self, config: ModelConfig, looker: Looker, detector: PersonDetector | None) -> None:
        self.config, self.looker, self.detector = config, looker, detector

    @property
    def _first_size(self) -> int:
        """Side in pixels of the windows of first looks."""
        return min(self.config.hourglass.input_size, _FIRST)

    def box_of(self, look: Look) -> np.ndarray:
        """Box (4,) that the detector saw, or that of the joints."""
        return look.box(self.config.calibration.seen) if look.seen_box is None else look.seen_box

    def everybody(self, photo: np.ndarray) -> list[Look]:
        """Everybody in the photo, best first: each detection that can be confirmed is looked at closer.

        The rank is the score, with a bonus for those who fill more of the photo and stand nearer to its middle.
        """
        height, width = photo.shape[:2]
        size = self.config.hourglass.input_size
        people = self._find_in_maps(photo) if self.detector is None else self._find_by_detector(photo)
        if not people:
            people = self._distinct(self._look_closer(photo, whole_photo(letterbox(width, height, size))))
        return sorted(people, key=lambda look: -look.score * _prominence(self.box_of(look), width, height))

    def _find_by_detector(self, photo: np.ndarray) -> list[Look]:
        """Whom the detector sees and the hourglass confirms, but for what is a detail of somebody."""
        detections = find(self.detector, photo)[:_MOST_DETECTIONS]
        # The others cannot be confirmed: the mean with a look's score, 1 at most, would stay below "sure".
        hopeful = [one for one in detections if one.score >= self.config.detector.sure**2]
        found = self._look_closer(photo, [sighted(one, self.config.crop.margin) for one in hopeful])
        confirmed = np.array([look.seen_box for look in found]).reshape(-1, 4)
        hints = [one.box for one in detections if not (confirmed == one.box).all(1).any()]
        if hints:
            found += self._hinted(photo, found, np.array(hints))
        found = self._distinct(found)
        return [look for look in found if not any(self._is_detail(look, other) for other in found)]

    def _hinted(self, photo: np.ndarray, found: list[Look], hints: np.ndarray) -> list[Look]:
        """Whom the maps of the whole photo show large where the detector saw no more than a hint, as of portraits.

        Args:
            photo: (H, W, 3).
            found: people found already.
            hints: (N, 4) boxes of detections that were not confirmed.
        """
        height, width = photo.shape[:2]
        window = letterbox(width, height, self._first_size)
        large = [
            one
            for one in propose(self.looker.maps([photo], [window])[0].numpy(), window)
            if one.side >= _LARGE * max(height, width) and not any(_is_part(one, look) for look in found)
        ]
        looks = self._look_closer(photo, large[:_MOST_PROPOSALS], hints)
        return [look for look in looks if _overlaps(look.box(self.config.calibration.seen), hints, _AGREE)]

    def _is_detail(self, look: Look, other: Look) -> bool:
        """Whether what was found is a small thing upon somebody else, such as medals on a chest."""
        small, whole = self.box_of(look), self.box_of(other)
        common = np.clip(np.minimum(small[2:], whole[2:]) - np.maximum(small[:2], whole[:2]), 0, None).prod()
        area = (small[2:] - small[:2]).prod()
        return bool(common > _INSIDE * area and area < _DETAIL * (whole[2:] - whole[:2]).prod())

    def _find_in_maps(self, photo: np.ndarray) -> list[Look]:
        """Whom the hourglass's maps of the whole photo show, from coarse to fine."""
        height, width = photo.shape[:2]
        size, extent = self.config.hourglass.input_size, float(max(height, width))
        people: list[Look] = []
        for level in _LEVELS:
            window = letterbox(width, height, level * size)
            proposals = propose(self.looker.maps([photo], [window])[0].numpy(), window)
            if level > 1:  # whoever is larger was to be found on a coarser level
                proposals = [one for one in proposals if one.side * level < 1.5 * extent]
            proposals = [one for one in proposals if not any(_is_part(one, look) for look in people)]
            people = self._distinct(people + self._look_closer(photo, proposals[:_MOST_PROPOSALS]))
        return people

    def _look_closer(self, photo: np.ndarray, proposals: list[Proposal], hints: np.ndarray | None = None) -> list[Look]:
        """The best of three looks at each proposal: as proposed, round the joints found, and that without a turn.

        The surer one of the closer two counts, unless the first, which is made small, is a good deal surer. With
        ``hints``, boxes (N, 4) of the detector, whoever is far from all of them is left out after the first look, and of
        the others a fraction of the person threshold is enough.
        """
        first = self.looker.look([photo] * len(proposals), [one.crop(self._first_size) for one in proposals])
        first = [_seen_as(look, one) for look, one in zip(first, proposals, strict=True)]
        if self.detector is None:
            first = self._distinct(first)  # maps of the whole photo show a body many times
        first = [look for look in first if look.box(_BOX_CONFIDENCE) is not None]
        if hints is not None:
            first = [look for look in first if _overlaps(look.box(_BOX_CONFIDENCE), hints, _NEAR)]
        crops = [self._closer(look) for look in first]
        upright = [dataclasses.replace(crop, angle=0.0) for crop in crops if crop.angle]
        closer = self.looker.look([photo] * (len(crops) + len(upright)), crops + upright)
        looks = [[*pair] for pair in zip(first, closer[: len(first)], strict=True)]
        turned = [mine for mine in looks if mine[1].crop.angle]
        for mine, look in zip(turned, closer[len(first) :], strict=True):
            mine.append(look)
        found = []
        for mine in looks:
            best, seen = _surest(mine), mine[0]
            if seen.seen_box is None:
                least = self.config.calibration.person * (1 if hints is None else _HINTED)
            else:
                joint = (best.score * seen.seen_score) ** 0.5
                best, least = dataclasses.replace(best, score=joint, seen_box=seen.seen_box), self.config.detector.sure
            if best.score >= least:
                found.append(best)
        return self._in_full(photo, found)

    def _in_full(self, photo: np.ndarray, looks: list[Look]) -> list[Look]:
        """The same looks; those that were smaller first ones through the same window again, in full."""
        size = self.config.hourglass.input_size
        small = [number for number, look in enumerate(looks) if look.crop.size < size]
        again = self.looker.look([photo] * len(small), [dataclasses.replace(looks[n].crop, size=size) for n in small])
        for number, look in zip(small, again, strict=True):
            seen = looks[number]
            looks[number] = dataclasses.replace(
                look, score=seen.score, seen_box=seen.seen_box, seen_score=seen.seen_score
            )
        return looks

    def _closer(self, look: Look) -> Crop:
        """The window round the joints of a look, turned with the body.

        It does not close in on the few joints of somebody whom the frame cuts off.
        """
        size, box = self.config.hourglass.input_size, look.box(_BOX_CONFIDENCE)
        crop = crop_of_box(box, size, self.config.crop.margin, look.angle())
        return dataclasses.replace(crop, side=max(crop.side, _LEAST_ZOOM * look.crop.side))

    def _distinct(self, looks: list[Look]) -> list[Look]:
        """Looks with enough joints, each person once, the surest look of each."""
        kept: list[Look] = []
        for look in sorted(looks, key=lambda one: -one.score):
            trusted = look.confidence >= self.config.calibration.seen
            if look.box(self.config.calibration.seen) is None:
                continue
            if not any(same_person(look.points, other.points, trusted, 0.08 * other.crop.side) for other in kept):
                kept.append(look)
        return kept


def _prominence(box: np.ndarray, width: int, height: int) -> float:
    """How much a person's place in the photo speaks for it being the one who is meant, at most 1."""
    extent = max(width, height)
    share = min(1.0, max(box[2] - box[0], box[3] - box[1]) / extent)
    offset = ((box[:2] + box[2:]) / 2 - np.array([width - 1, height - 1]) / 2) / extent
    return float(share**_SIZE_RANK * np.exp(-_MIDDLE_RANK * (offset**2).sum()))


def _overlaps(box: np.ndarray | None, others: np.ndarray, least: float) -> bool:
    """Whether a box overlaps one of the others (N, 4) by that IoU."""
    return box is not None and bool(iou(box, others).max() >= least)


def _surest(looks: list[Look]) -> Look:
    """The surest look, where the first, which is the farthest, counts less."""
    first, *closer = looks
    best = max(closer, key=lambda look: float(look.confidence.mean()))
    return first if first.confidence.mean() > best.confidence.mean() + _CLOSER else best


def _seen_as(look: Look, proposal: Proposal) -> Look:
    """A look that remembers what the detector saw."""
    return look if proposal.box is None else dataclasses.replace(look, seen_box=proposal.box, seen_score=proposal.score)


def _is_part(proposal: Proposal, look: Look) -> bool:
    """Whether a proposal is a part of somebody already found (a face, say, that looks like a small body)."""
    offset = np.abs(np.asarray(proposal.center) - np.asarray(look.crop.center)).max()
    return bool(proposal.side < 0.6 * look.crop.side and offset < 0.4 * look.crop.side)
