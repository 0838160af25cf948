"""Looking at crops: hourglass, fusion network and calibration on a batch of windows.

One :class:`Look` is what the networks say about one window on a photo; :class:`Looker` makes them in batches.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from fusion_model.config import CalibrationConfig, ModelConfig
from fusion_model.crops import Crop
from fusion_model.detection.candidates import body_angle, joint_box
from fusion_model.fusion import FusionNetwork
from fusion_model.heatmaps import decode_pairs, to_crop_coordinates
from fusion_model.hourglass import StackedHourglass, flip_average, folded
from fusion_model.skeletons import MPII_16, SKELETONS, pelvis_weights

_BATCH = 16  # windows at once: memory stays the same however many photos there are
_PERSON_JOINTS = 6  # the most certain joints, whose mean confidence says whether anybody is there


@dataclass(frozen=True)
class Look:
    """One window, seen through the hourglass.

    Attributes:
        crop: the window.
        image: (3, S, S) float32, the crop in [0, 1].
        maps: (16, S / 4, S / 4) float32.
        points: (16, 2) float64, photo pixels.
        confidence: (16,) float32, calibrated.
        score: calibrated confidence that the window shows a person.
        seen_box: (4,) round the body, photo pixels, where the detector saw it; else None.
        seen_score: the detector's score of it.
    """

    crop: Crop
    image: Tensor
    maps: Tensor
    points: np.ndarray
    confidence: np.ndarray
    score: float
    seen_box: np.ndarray | None = None
    seen_score: float = 0.0

    def box(self, least: float) -> np.ndarray | None:
        """Tight box (4,) round the joints of at least that confidence, None if there are too few."""
        return joint_box(self.points, self.confidence >= least)

    def angle(self) -> float:
        """Turn of the body axis in the photo, degrees; 0 below a small angle or without a torso."""
        thorax, pelvis = MPII_16.index("thorax"), MPII_16.index("pelvis")
        return body_angle(self.points[thorax], self.points[pelvis])


class Looker:
    """Runs both networks over windows, a batch at a time.

    Args:
        config: sizes and calibration.
        hourglass: in evaluation mode, on its device; it is copied, so later changes to it are not seen.
        fusion: in evaluation mode, on the same device; not copied.
    """

    def __init__(self, config: ModelConfig, hourglass: StackedHourglass, fusion: FusionNetwork) -> None:
        self.config, self.hourglass, self.fusion = config, folded(hourglass), fusion
        self._skeleton = SKELETONS[config.fusion.skeleton]

    @property
    def device(self) -> torch.device:
        """Where the networks live."""
        return next(self.hourglass.parameters()).device

    def maps(self, photos: Sequence[np.ndarray], crops: Sequence[Crop]) -> list[Tensor]:
        """Confidence maps (16, S / 4, S / 4) on the CPU of windows that all have the same size S."""
        return [maps for _, maps in self._run(photos, crops)]

    def look(self, photos: Sequence[np.ndarray], crops: Sequence[Crop]) -> list[Look]:
        """Joints, calibrated confidence and person score of each window.

        Args:
            photos: (H, W, 3) uint8 RGB, one for each window.
            crops: the windows.
        """
        looks = []
        for crop, (image, maps) in zip(crops, self._run(photos, crops), strict=True):
            points, confidence = self._read(maps, crop)
            score = float(np.sort(confidence)[-_PERSON_JOINTS:].mean())
            looks.append(Look(crop, image, maps, points, confidence, score))
        return looks

    def average(self, looks: Sequence[Look]) -> list[Look]:
        """The same looks with maps averaged over window and mirror image; window, image and person score stay."""
        averaged = []
        for start in range(0, len(looks), _BATCH):
            part = looks[start : start + _BATCH]
            maps, images = (torch.stack([getattr(look, name) for look in part]) for name in ("maps", "image"))
            mean = flip_average(maps, self._through(torch.flip(images, dims=(3,))), MPII_16.mirror)
            for look, both in zip(part, mean, strict=True):
                points, confidence = self._read(both, look.crop)
                averaged.append(dataclasses.replace(look, maps=both, points=points, confidence=confidence))
        return averaged

    def poses(self, looks: Sequence[Look], *, flip: bool = False) -> np.ndarray:
        """(N, J, 3) float64 mm, camera axes of the photo, pelvis at the origin, for a person of 1.70 m.

        Where the joint set has no pelvis, the middle of the hips is at the origin.

        Args:
            looks: N of them.
            flip: average with the pose of the mirrored inputs.
        """
        found, middle = [], torch.from_numpy(pelvis_weights(self._skeleton))[:, None].to(self.device)
        for start in range(0, len(looks), _BATCH):
            part = looks[start : start + _BATCH]
            image, maps = fusion_inputs(
                torch.stack([look.image for look in part]).to(self.device),
                torch.stack([look.maps for look in part]).to(self.device),
                self.config.fusion.input_size,
            )
            with torch.inference_mode():
                pose = self._flip_averaged_pose(image, maps) if flip else self.fusion(image, maps)
            found.append((pose - (middle * pose).sum(1, keepdim=True)).double().cpu().numpy())
        return np.stack([look.crop.turn_back(pose) for look, pose in zip(looks, np.concatenate(found), strict=True)])

    def _read(self, maps: Tensor, crop: Crop) -> tuple[np.ndarray, np.ndarray]:
        """Joints (16, 2) in photo pixels and calibrated confidence (16,) of a window's maps."""
        points, peaks = decode_pairs(maps, MPII_16.mirror)
        confidence = calibrated(peaks.numpy(), self.config.calibration)
        return crop.to_photo(to_crop_coordinates(points).numpy()), confidence

    def _run(self, photos: Sequence[np.ndarray], crops: Sequence[Crop]) -> list[tuple[Tensor, Tensor]]:
        """Crop images and maps of every window, on the CPU."""
        pairs: list[tuple[Tensor, Tensor]] = []
        for start in range(0, len(crops), _BATCH):
            stop = start + _BATCH
            cuts = [crop.cut(photo) for photo, crop in zip(photos[start:stop], crops[start:stop], strict=True)]
            images = torch.from_numpy(np.stack(cuts)).permute(0, 3, 1, 2).float().div(255)
            pairs += zip(images, self._through(images), strict=True)
        return pairs

    def _through(self, images: Tensor) -> Tensor:
        """Maps (N, 16, S / 4, S / 4) of images (N, 3, S, S), both on the CPU."""
        batch = images.to(self.device).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            return self.hourglass(batch)[-1].float().cpu()

    def _flip_averaged_pose(self, image: Tensor, maps: Tensor) -> Tensor:
        """Mean of the pose of the inputs and that of their mirror images, mirrored back."""
        mirrored = torch.flip(maps, dims=(3,))[:, list(MPII_16.mirror)]
        both = self.fusion(torch.cat((image, torch.flip(image, dims=(3,)))), torch.cat((maps, mirrored)))
        pose, turned = both.chunk(2)
        return (pose + turned[:, list(self._skeleton.mirror)] * turned.new_tensor([-1.0, 1.0, 1.0])) / 2


def fusion_inputs(images: Tensor, maps: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """What the fusion network takes: crop and maps at its own size, the maps not below zero.

    Args:
        images: (N, 3, S, S) float in [0, 1].
        maps: (N, 16, S / 4, S / 4).
        size: the fusion network's input size.
    """
    shape = (size, size)
    small = functional.interpolate(images, size=shape, mode="bilinear", antialias=True, align_corners=False)
    maps = functional.interpolate(maps, size=shape, mode="bilinear", align_corners=False)
    return small, maps.clamp(0, 1.5)


def calibrated(peaks: np.ndarray, calibration: CalibrationConfig) -> np.ndarray:
    """Heights of peaks -> confidence in [0, 1], piecewise linear between the knots."""
    return np.interp(peaks, calibration.peak, calibration.confidence).astype(np.float32)
