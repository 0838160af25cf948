"""The settings of every training: fields here are options of the command and keys of a file in ``configs/``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fusion_model.config import STRATEGIES, DetectorConfig
from fusion_model.fusion import SHARPNESS
from fusion_model.presets import PRESETS
from fusion_model.skeletons import OUTPUTS
from train.engine.arguments import LoopSettings, at_least, fraction, positive, setting

"""Joint sets that are a choice of Human3.6M's 17, which the samples are labelled with."""


@dataclass(frozen=True)
class _CropsConfig(LoopSettings):
    """What the trainings on crops of people have."""

    synthetic_fraction: float = setting(0.2, "fraction of rendered people in a batch, where --data has some", fraction)
    preset: str = setting("compact", "sizes of the networks", choices=tuple(sorted(PRESETS)))
    augment: str = setting("wide", "narrow: hardly turned, cut off or small people", choices=("narrow", "wide"))
    input_size: int | None = setting(
        None, "pixels of the hourglass's crop (default: those of its checkpoint, or of the preset)", positive(int)
    )


@dataclass(frozen=True)
class HourglassTrainConfig(_CropsConfig):
    """Settings of ``train.hourglass``."""

    command: ClassVar[str] = "hourglass"
    batch: int = 24
    lr: float = 1.5e-3


@dataclass(frozen=True)
class DetectorTrainConfig(LoopSettings):
    """Settings of ``train.detector``, which learns from photos alone."""

    command: ClassVar[str] = "detector"
    batch: int = 32
    lr: float = 2e-3
    warmup: int = 100
    clip: float = 10.0
    width: int = setting(DetectorConfig.width, "channels of the backbone; a multiple of 4", positive(int))
    input_size: int = setting(DetectorConfig.input_size, "pixels of the photo's side", positive(int))
    scene_fraction: float = setting(0.6, "fraction of whole photos, where --data has scenes", fraction)


@dataclass(frozen=True)
class FusionTrainConfig(_CropsConfig):
    """Settings of ``train.fusion``."""

    command: ClassVar[str] = "fusion"
    batch: int = 64
    steps: int = setting(10_000, "optimiser steps in all", positive(int))  # the soft phase is a fraction of them
    strategy: str = setting("trainable", "how the streams merge", choices=STRATEGIES)
    fixed_beta: int | None = setting(None, "merging layer of the strategy 'fixed'", int)
    skeleton: str = setting(OUTPUTS[0], "joints that the network puts out, 17, 16, 14 or 15", choices=OUTPUTS)
    sharpening: float = setting(
        1.0, "factor by which lambda has grown, evenly in its logarithm, when the soft phase ends", at_least(1)
    )
    centring: float = setting(
        0.0, "factor, of lambda, on beta's squared distance from the nearest middle between two layers", at_least(0)
    )
    loss: str = setting(
        "squared", "of 3D joints: squared errors, as in Eq. 4, or their distances", choices=("squared", "distance")
    )
    soft_fraction: float = setting(0.6, "fraction of the steps with soft weights", fraction)
    crops: int = setting(3, "augmented crops of each person", positive(int))
    action: str = setting("", "train on people of that action alone, by its name in a prepared set (default: all)")

    @property
    def soft_steps(self) -> int:
        """Steps until the weights are hardened."""
        return round(self.soft_fraction * self.steps)

    def sharpness_at(self, step: int) -> float:
        """Lambda of Eq. 4 at a step, mm^2."""
        return SHARPNESS * self.sharpening ** min(step / max(self.soft_steps, 1), 1.0)


@dataclass(frozen=True)
class AblationConfig(FusionTrainConfig):
    """Settings of ``train.ablate``, which its runs share."""

    command: ClassVar[str] = "ablate"
    not_options: ClassVar[tuple[str, ...]] = ("seed", "strategy", "fixed_beta", "skeleton", "action")
    people: int | None = setting(None, "training people at most, evenly over the data (default: all)", positive(int))


CONFIGS = {
    kind.command: kind for kind in (HourglassTrainConfig, DetectorTrainConfig, FusionTrainConfig, AblationConfig)
}
