"""Both networks and the calibration on batches of crops.

A :class:`CropPrediction` is what the hourglass says about one crop of a photo; :class:`CropPredictor` makes them in
batches, and regresses their 3D poses.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from fusion_model.boxes import joint_box
from fusion_model.config import CalibrationConfig, ModelConfig
from fusion_model.crops import Crop, body_angle
from fusion_model.following import follow
from fusion_model.fusion import FusionNetwork
from fusion_model.heatmaps import decode_smoothed, rival_heights, to_crop_coordinates
from fusion_model.hourglass import StackedHourglass, flip_average, folded
from fusion_model.readings import read_maps
from fusion_model.skeletons import MPII_16, SKELETONS, pelvis_weights
from fusion_model.spread import spreads
from fusion_model.threads import Threads

_SUREST = 6  # joints, whose mean confidence is that of a crop
_BATCH = 16  # crops at once: memory stays the same however many photos there are


@dataclass(frozen=True)
class CropPrediction:
    """What the hourglass says about one crop.

    Attributes:
        crop: where the crop lies in the photo.
        image: (3, S, S) float32, the crop in [0, 1].
        maps: (16, S / 4, S / 4) float32 confidence maps.
        features: (1, C, S / 32, S / 32) float32 of the hourglass, or two of them, the mirrored crop's second.
        points: (16, 2) float64, photo pixels.
        confidence: (16,) float32, calibrated.
        score: calibrated confidence that the crop shows a person.
    """

    crop: Crop
    image: Tensor
    maps: Tensor
    features: Tensor
    points: np.ndarray
    confidence: np.ndarray
    score: float

    def box(self, min_confidence: float) -> np.ndarray | None:
        """Tight box (4,) round the joints of at least that confidence, None if there are too few."""
        return joint_box(self.points, self.confidence >= min_confidence)

    def angle(self, min_turn: float) -> float:
        """Turn of the body axis in the photo, degrees; 0 below ``min_turn``."""
        thorax, pelvis = MPII_16.index("thorax"), MPII_16.index("pelvis")
        angle = body_angle(self.points[thorax], self.points[pelvis])
        return angle if abs(angle) > min_turn else 0.0


class CropPredictor:
    """Runs both networks over crops, a batch at a time.

    Args:
        config: sizes and calibration.
        hourglass: in evaluation mode, on its device; it is copied, so later changes to it are not seen.
        fusion: in evaluation mode, on the same device; not copied.
    """

    def __init__(self, config: ModelConfig, hourglass: StackedHourglass, fusion: FusionNetwork) -> None:
        self.config, self.hourglass, self.fusion = config, folded(hourglass), fusion
        self.threads = Threads.on(self.device)
        self._skeleton = SKELETONS[config.fusion.skeleton]

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return next(self.hourglass.parameters()).device

    def predict(
        self, photos: Sequence[np.ndarray], crops: Sequence[Crop], *, flip_test: bool = False
    ) -> list[CropPrediction]:
        """Joints, calibrated confidence and person score of each crop.

        Args:
            photos: (H, W, 3) uint8 RGB, one for each crop.
            crops: all of one size.
            flip_test: average the maps over crop and mirror image, which go through the hourglass together.
        """
        predictions = []
        step = _BATCH // 2 if flip_test else _BATCH
        for start in range(0, len(crops), step):
            part = crops[start : start + step]
            cuts = [crop.cut(photo) for photo, crop in zip(photos[start : start + step], part, strict=True)]
            images = torch.from_numpy(np.stack(cuts)).permute(0, 3, 1, 2).float().div(255)
            predictions += map(self._prediction, part, images, *self.maps_and_features(images, flip_test=flip_test))
        return predictions

    def maps(self, images: Tensor, *, flip_test: bool = False) -> Tensor:
        """Maps (N, 16, S / 4, S / 4) of images (N, 3, S, S) in [0, 1], all on the CPU."""
        return self.maps_and_features(images, flip_test=flip_test)[0]

    def maps_and_features(self, images: Tensor, *, flip_test: bool = False) -> tuple[Tensor, Tensor]:
        """Maps, and features (N, 1, C, S / 32, S / 32), or with the flip test (N, 2, ...), of images (N, 3, S, S)."""
        if not flip_test:
            maps, features = self.threads.run(self._forward, images)
            return maps, features[:, None]
        both = self.threads.run(self._forward, torch.cat((images, torch.flip(images, dims=(3,)))))
        (maps, mirrored), features = (values.chunk(2) for values in both)
        return flip_average(maps, mirrored, MPII_16.mirror), torch.stack(features, 1)

    def poses(self, predictions: Sequence[CropPrediction], *, flip_test: bool = False) -> np.ndarray:
        """(N, J, 3) float64 mm, as :meth:`poses_and_spreads` has them."""
        return self.poses_and_spreads(predictions, flip_test=flip_test)[0]

    def poses_and_spreads(
        self, predictions: Sequence[CropPrediction], *, flip_test: bool = False
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Poses for a person of 1.70 m, pelvis at the origin, and how far they may be off.

        Where the joint set has no pelvis, the middle of the hips is at the origin.

        Args:
            predictions: N of them.
            flip_test: average with the pose of the mirrored inputs; of predictions that were made so.

        Returns:
            (N, J, 3) float64 mm, camera axes of the photo, and one standard deviation of each along these, in the same
            shape; None where that was not measured.
        """
        poses, told = self.uncorrected(predictions, self.fusion, flip_test=flip_test)
        return self._followed(predictions, poses), self._spreads(told)

    def uncorrected(
        self, predictions: Sequence[CropPrediction], network: FusionNetwork, *, flip_test: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """What any fusion network for this hourglass says: poses before the 2D joints correct them, see :meth:`poses`.

        Returns:
            (N, J, 3) mm, and (N, J, 2) mm, how far off these may be across and in depth; zeros if it does not say.
        """
        skeleton = SKELETONS[network.config.skeleton]
        found, told = [np.zeros((0, len(skeleton), 3))], [np.zeros((0, len(skeleton), 2))]
        middle = torch.from_numpy(pelvis_weights(skeleton))[:, None].to(self.device)
        for start in range(0, len(predictions), _BATCH):
            part = predictions[start : start + _BATCH]
            seen = (torch.stack([getattr(one, name) for one in part]) for name in ("image", "maps", "features"))
            pose, spread = self._pose(network, *(values.to(self.device) for values in seen), flip_test)
            pose = (pose - (middle * pose).sum(1, keepdim=True)).double().cpu().numpy()
            found.append(np.stack([one.crop.turn_back(joints) for one, joints in zip(part, pose, strict=True)]))
            told.append(spread.double().cpu().numpy())
        return np.concatenate(found), np.concatenate(told)

    def _spreads(self, told: np.ndarray) -> np.ndarray | None:
        """(N, J, 3) mm of what the network says (N, J, 2); nothing at the root, from which the others are measured."""
        if self.config.spread is None:
            return None
        spread = spreads(told, self.config.spread)
        if self._skeleton.root >= 0:
            spread[:, self._skeleton.root] = 0
        return spread

    def _followed(self, predictions: Sequence[CropPrediction], poses: np.ndarray) -> np.ndarray:
        """Poses (N, J, 3) corrected by the 2D joints, where the configuration asks for it."""
        if self.config.following is None or not predictions:
            return poses
        points, confidence = (
            np.stack([getattr(one, name) for one in predictions]) for name in ("points", "confidence")
        )
        return follow(poses, points, confidence, self.config.following, self._skeleton)

    def _decode(self, maps: Tensor, crop: Crop) -> tuple[np.ndarray, np.ndarray]:
        """Joints (16, 2) in photo pixels and calibrated confidence (16,) of a crop's maps."""
        points, peaks = decode_smoothed(maps[None])
        rivals = rival_heights(maps[None], points)
        confidence = calibrated(peaks[0].numpy(), rivals[0].numpy(), self.config.calibration)
        return crop.to_photo(to_crop_coordinates(points[0]).numpy()), confidence

    def _prediction(self, crop: Crop, image: Tensor, maps: Tensor, features: Tensor) -> CropPrediction:
        """What the maps say."""
        points, confidence = self._decode(maps, crop)
        score = float(np.sort(confidence)[-_SUREST:].mean())
        return CropPrediction(crop, image, maps, features, points, confidence, score)

    def _forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Maps (N, 16, S / 4, S / 4) and features (N, C, S / 32, S / 32) of images (N, 3, S, S), all on the CPU."""
        batch = images.to(self.device).contiguous(memory_format=torch.channels_last)
        maps, features = self.hourglass.maps_and_features(batch)
        return maps[-1].float().cpu(), features.float().cpu()

    def _pose(
        self, network: FusionNetwork, image: Tensor, maps: Tensor, features: Tensor, flip_test: bool
    ) -> tuple[Tensor, Tensor]:
        """(N, J, 3) mm and spreads (N, J, 2); with the flip test, means with those of the mirror images."""
        if not flip_test:
            return self._fused(network, image, maps, features[:, 0])
        images = torch.cat((image, torch.flip(image, dims=(3,))))
        maps = torch.cat((maps, torch.flip(maps, dims=(3,))[:, list(MPII_16.mirror)]))
        features = torch.cat((features[:, 0], features[:, -1]))
        both = self._fused(network, images, maps, features)
        (pose, turned), (spread, other) = (values.chunk(2) for values in both)
        sides = list(SKELETONS[network.config.skeleton].mirror)
        pose = (pose + turned[:, sides] * turned.new_tensor([-1.0, 1.0, 1.0])) / 2
        return pose, (spread + other[:, sides]) / 2

    def _fused(self, network: FusionNetwork, image: Tensor, maps: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """(N, J, 3) mm by a fusion network, and its spreads (N, J, 2); zeros if it has none."""
        config = network.config
        inputs = fusion_inputs(image, maps, config.input_size, features if config.photo_features else None)
        if config.spreads:
            return self.threads.run(functools.partial(network, spreads=True), *inputs)
        pose = self.threads.run(network, *inputs)
        return pose, torch.zeros_like(pose[..., :2])


def fusion_inputs(
    images: Tensor, maps: Tensor, size: int, features: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """What a fusion network takes: photo or features, and maps, at its own size, and what the maps say.

    Args:
        images: (N, 3, S, S) float in [0, 1].
        maps: (N, 16, S / 4, S / 4).
        size: the fusion network's input size.
        features: (N, C, S / 32, S / 32) of :meth:`fusion_model.hourglass.StackedHourglass.maps_and_features`, for a
            network that takes them in place of the photo's pixels. It sees the maps coarsely too: what they say in
            detail it has from the readings.

    Returns:
        (N, 3 or C, size, size), (N, 16, size, size) and the readings (N, R) of the maps.
    """
    shape, maps = (size, size), maps.clamp(0.0, 1.5)
    readings = read_maps(maps)
    if features is not None:
        features = functional.interpolate(features, size=shape, mode="bilinear", align_corners=False)
        return features, _pooled(maps, size), readings
    small = functional.interpolate(images, size=shape, mode="bilinear", antialias=True, align_corners=False)
    return small, functional.interpolate(maps, size=shape, mode="bilinear", align_corners=False), readings


def _pooled(maps: Tensor, size: int) -> Tensor:
    """Adaptive max-pooling to (N, J, size, size), in operations that ONNX has."""
    for axis in (-2, -1):
        length = maps.shape[axis]
        edges = [(place * length // size, -(-(place + 1) * length // size)) for place in range(size)]
        maps = torch.stack([maps.narrow(axis, low, high - low).amax(axis) for low, high in edges], axis)
    return maps


def calibrated(peaks: np.ndarray, rivals: np.ndarray, calibration: CalibrationConfig) -> np.ndarray:
    """Confidence in [0, 1] of joints: high where the map has a high peak there and is low elsewhere.

    Args:
        peaks: heights of the joints' peaks.
        rivals: heights of their maps elsewhere, in the same shape.
        calibration: what the heights are worth, piecewise linear between its knots.
    """
    evidence = peaks - calibration.rival * rivals
    return np.interp(evidence, calibration.peak, calibration.confidence).astype(np.float32)
