"""The detector of a run or of a checkpoint, an estimator that uses it, and its backbone from a trained hourglass."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from fusion_model.config import DetectorConfig
from fusion_model.detection.network import PersonDetector
from fusion_model.estimator import PoseEstimator
from fusion_model.hub.checkpoints import check_state
from fusion_model.hub.config_json import build_config
from train.engine.checkpoints import load_matching, read_weights

CONFIG_FILE = "detector.json"  # in the run's folder


def read_detector(source: Path) -> PersonDetector:
    """The detector of a run of ``train.detector``, or of a checkpoint that has one.

    Raises:
        FileNotFoundError: if there is neither.
        ValueError: if the checkpoint has no detector, or the tensors do not fit; says so.
    """
    path = source / CONFIG_FILE
    if not path.is_file():
        estimator = PoseEstimator.from_pretrained(source, device="cpu")
        if estimator.detector is None:
            raise ValueError(f"{source} is a checkpoint without a detector: name a run of train.detector instead")
        return estimator.detector
    try:
        config = build_config(DetectorConfig, json.loads(path.read_text(encoding="utf-8")), CONFIG_FILE)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}): run train.detector again") from error
    network, weights = PersonDetector(config), read_weights(source)
    check_state(network, weights)
    network.load_state_dict(weights)
    return network


def attach(estimator: PoseEstimator, detector: PersonDetector) -> PoseEstimator:
    """The same estimator with that detector."""
    config = dataclasses.replace(estimator.config, detector=detector.config)
    return PoseEstimator(config, estimator.hourglass, estimator.fusion_network, estimator.name, detector)


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
