"""Candidates: people who may be in a photo, and who is meant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fusion_model.config import SearchConfig
from fusion_model.crop_inference import CropPrediction
from fusion_model.skeletons import LIMB_JOINTS, MPII_16

_LIMIT = 1e-3  # of scores whose log odds are taken
_LIMBS = [MPII_16.index(name) for name in LIMB_JOINTS]


@dataclass(eq=False)
class Candidate:
    """Somebody who may be in a photo; the search fills in what it finds out.

    Attributes:
        photo: (H, W, 3) uint8 RGB.
        box: (4,) round the body as far as it is seen, photo pixels.
        given: probability that a person is in the box before a crop was looked at.
        angle: of the body axis as the detector saw it, degrees, as of a crop; None where none saw it.
        prediction: what the hourglass says of the best crop so far.
        score: probability that it shows a person.
    """

    photo: np.ndarray
    box: np.ndarray
    given: float
    angle: float | None = None
    prediction: CropPrediction | None = None
    score: float = 0.0

    @property
    def evidence(self) -> np.ndarray:
        """(3,) what speaks for a person: the detector's log odds, the joints' confidence, and its box's height."""
        height = 0.5 if self.angle is None else (self.box[3] - self.box[1]) / len(self.photo)
        return np.array([log_odds(self.given), self.prediction.score, height])

    def rate(self, config: SearchConfig) -> None:
        """Set the score by the detector's word and the joints."""
        logit = config.score[0] + float(self.evidence @ np.array(config.score[1:]))
        self.score = float(1 / (1 + np.exp(-logit)))

    def prominence(self, config: SearchConfig) -> float:
        """How much certainty, size and place in the photo speak for it being the one who is meant, at most 1."""
        height, width = self.photo.shape[:2]
        extent = max(width, height)
        fraction = min(1.0, float((self.box[2:] - self.box[:2]).max()) / extent)
        offset = ((self.box[:2] + self.box[2:]) / 2 - np.array([width - 1, height - 1]) / 2) / extent
        sure = (
            self.given if self.prediction is None else (self.score * self.prediction.confidence[_LIMBS].mean()) ** 0.5
        )
        return float(sure * fraction**config.size_power * np.exp(-config.center_weight * (offset**2).sum()))


def log_odds(probability: np.ndarray | float) -> np.ndarray | float:
    """Log odds of probabilities, those near 0 and 1 held off."""
    probability = np.clip(probability, _LIMIT, 1 - _LIMIT)
    return np.log(probability / (1 - probability))
