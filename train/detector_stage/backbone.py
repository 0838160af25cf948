"""The backbone of a detector from a trained hourglass."""

from __future__ import annotations

from pathlib import Path

from fusion_model.detection.network import PersonDetector
from train.engine.checkpoints import read_weights
from train.engine.optimiser import load_matching


def start_backbone(detector: PersonDetector, hourglass: Path) -> str:
    """Copy a hourglass's first layers and its way down; returns a sentence that says so.

    Args:
        detector: to start.
        hourglass: a run's or checkpoint's folder, or a safetensors file.

    Raises:
        ValueError: if the hourglass has another width.
    """
    tensors = read_weights(hourglass, "hourglass")
    prefixes = {"front.": "front."}
    for level in range(len(detector.down)):
        prefixes["hourglasses.0." + "inner." * level + "down."] = f"down.{level}."
    prefixes["hourglasses.0." + "inner." * len(detector.down) + "norm"] = "deeper.3.0.norm"
    prefixes["hourglasses.0." + "inner." * len(detector.down) + "conv"] = "deeper.3.0.conv"
    taken = {
        new + name.removeprefix(old): tensor
        for name, tensor in tensors.items()
        for old, new in prefixes.items()
        if name.startswith(old)
    }
    skipped = set(load_matching(detector, taken)) & set(taken)
    if skipped or not taken:
        width = detector.config.width
        raise ValueError(f"{hourglass} has no hourglass of {width} channels, which the backbone starts from")
    return f"backbone from {hourglass}: {len(taken)} tensors"
