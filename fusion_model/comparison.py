"""What the ways of merging make of one person, and what the photo adds for this person."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from fusion_model.crop_inference import CropPrediction
from fusion_model.crops import Crop
from fusion_model.estimator import PoseEstimator
from fusion_model.fusion import FusionNetwork
from fusion_model.metrics import mpjpe
from fusion_model.pose import Pose


@dataclass(frozen=True)
class Comparison:
    """Poses of one person, all (J, 3) mm, camera axes of the photo, pelvis at the origin, for a person of 1.70 m.

    None is corrected by the 2D joints, which would hide how the networks differ.

    Attributes:
        strategies: by the names of the networks that were compared.
        plain: of the estimator's own network.
        blanked: of the same network and maps, the photo replaced by its mean colour.
    """

    strategies: Mapping[str, np.ndarray]
    plain: np.ndarray
    blanked: np.ndarray

    def apart(self, reference: str) -> dict[str, float]:
        """Mean distance of the joints of each strategy's pose from those of one of them, mm."""
        target = self.strategies[reference]
        return {name: mpjpe(pose[None], target[None]) for name, pose in self.strategies.items()}

    @property
    def photo_adds(self) -> float:
        """Mean distance of the joints with the photo from those without, mm."""
        return mpjpe(self.plain[None], self.blanked[None])


def compare(
    estimator: PoseEstimator, networks: Mapping[str, FusionNetwork], photo: np.ndarray, pose: Pose
) -> Comparison:
    """Run the networks on the crop of a person who was found before: the same maps and features for all of them.

    Photo and mirror image are averaged, as for the pose. It costs three passes of the hourglass.

    Args:
        estimator: that found the person.
        networks: of :func:`fusion_model.hub.strategies.load_strategies`.
        photo: (H, W, 3) uint8 RGB, in which the person was found.
        pose: of the person.
    """
    predictor = estimator.predictor
    with predictor.threads.limited():
        (seen,) = predictor.predict([photo], [_crop(pose, estimator.config.hourglass.input_size)], flip_test=True)
        colour = mean_colour(photo, seen.crop)[:, None, None].expand_as(seen.image)
        _, features = predictor.maps_and_features(colour[None])  # those of its mirror image, too
        unseen = dataclasses.replace(seen, image=colour, features=features[0])

        def pose_of(network: FusionNetwork, prediction: CropPrediction) -> np.ndarray:
            (found,), _ = predictor.uncorrected([prediction], network, flip_test=True)
            return found

        own = estimator.fusion_network
        strategies = {name: pose_of(network, seen) for name, network in networks.items()}
        return Comparison(strategies, plain=pose_of(own, seen), blanked=pose_of(own, unseen))


def _crop(pose: Pose, size: int) -> Crop:
    """The crop that a pose comes from."""
    x0, y0, x1, y1 = pose.box.astype(np.float64)
    return Crop(((x0 + x1) / 2, (y0 + y1) / 2), x1 - x0, float(pose.angle), size)


def mean_colour(photo: np.ndarray, crop: Crop) -> torch.Tensor:
    """(3,) in [0, 1], of the part of a crop that lies in the photo."""
    inside = crop.cut(np.full(photo.shape[:2], 255, np.uint8)) > 127
    return torch.from_numpy(crop.cut(photo)[inside].mean(0).round() / 255).float()
