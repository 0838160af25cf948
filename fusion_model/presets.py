"""Networks by name: the paper's, the released one, and smaller ones."""

from __future__ import annotations

from fusion_model.config import (
    DetectorConfig,
    FollowingConfig,
    FusionConfig,
    HourglassConfig,
    LayerConfig,
    ModelConfig,
)

# Figure 3's plan at a size that two processor cores train and serve; readings and residual layers are not the paper's.
_COMPACT = FusionConfig(
    layers=(
        LayerConfig("conv", 20, kernel=5, pool=True),
        LayerConfig("conv", 40, kernel=3, pool=True),
        LayerConfig("conv", 64, kernel=3, pool=True),
        LayerConfig("fc", 320, dropout=0.25),
        LayerConfig("residual", 320, dropout=0.25),
        LayerConfig("residual", 320, dropout=0.25),
    ),
    input_size=48,
    batch_norm=True,
    map_readings=True,
    output_unit_mm=100.0,
)

PRESETS: dict[str, ModelConfig] = {
    "paper": ModelConfig(
        hourglass=HourglassConfig(stacks=8, width=256, input_size=256),
        fusion=FusionConfig(
            layers=(  # the seven mixed layers of Figure 3 (sizes of the authors' released code, type 1)
                LayerConfig("conv", 36, kernel=9, pool=True),
                LayerConfig("conv", 72, kernel=5, pool=True),
                LayerConfig("conv", 72, kernel=5, pool=True),
                LayerConfig("fc", 2048, dropout=0.5),
                LayerConfig("fc", 2048, dropout=0.5),
                LayerConfig("fc", 512),
                LayerConfig("fc", 512),
            ),
            input_size=112,
        ),
    ),
    "compact": ModelConfig(HourglassConfig(stacks=2, width=128, input_size=128), _COMPACT, following=FollowingConfig()),
    "released": ModelConfig(  # what the released weights are trained as, before pruning and calibration
        HourglassConfig(stacks=2, width=128, input_size=192),
        _COMPACT,
        detector=DetectorConfig(),
        following=FollowingConfig(),
    ),
    "small": ModelConfig(HourglassConfig(stacks=2, width=64, input_size=64), _COMPACT, following=FollowingConfig()),
    "tiny": ModelConfig(
        hourglass=HourglassConfig(stacks=1, width=16, input_size=64),
        fusion=FusionConfig(
            layers=(
                LayerConfig("conv", 4, kernel=3, pool=True),
                LayerConfig("conv", 6, kernel=3, pool=True),
                LayerConfig("fc", 16),
            ),
            input_size=32,
        ),
    ),
}
