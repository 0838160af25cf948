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


def _reading(hourglass: HourglassConfig, detector: DetectorConfig | None = None, width: int = 320) -> ModelConfig:
    """Figure 3's plan on what the hourglass knows of photo and joints; that and residual layers are not the paper's.

    The image stream has the hourglass's features, which have learnt from many photos what a body looks like, and the
    map stream has the maps coarsely and where exactly their peaks are.
    """
    fusion = FusionConfig(
        layers=(
            LayerConfig("conv", 32, kernel=3, dropout=0.25),
            LayerConfig("fc", width, dropout=0.25),
            LayerConfig("residual", width, dropout=0.25),
            LayerConfig("residual", width, dropout=0.25),
        ),
        input_size=6,  # of the innermost scale at 192 pixels; the 4 or 2 of smaller crops are interpolated
        initial_beta=1.0,  # docs/experiments/2026-11-29-weights-that-sharpen.md chose it on even people
        batch_norm=True,
        map_readings=True,
        photo_features=hourglass.width,
        spreads=True,
        output_unit_mm=100.0,
    )
    return ModelConfig(hourglass, fusion, detector=detector, following=FollowingConfig())


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
    "compact": _reading(HourglassConfig(stacks=2, width=128, input_size=128)),
    # What the released weights are trained as, before pruning and calibration.
    "released": _reading(HourglassConfig(stacks=2, width=128, input_size=192), DetectorConfig()),
    # As wide as a fusion network may be for one of each strategy to take 7 MB together (fusion_model.hub.strategies).
    "lab": _reading(HourglassConfig(stacks=2, width=128, input_size=192), DetectorConfig(), width=192),
    "small": _reading(HourglassConfig(stacks=2, width=64, input_size=64)),
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
