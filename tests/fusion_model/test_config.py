"""Configurations survive the way through JSON and refuse what means nothing."""

import dataclasses
import json

import pytest

from fusion_model.config import (
    CalibrationConfig,
    DetectorConfig,
    FollowingConfig,
    LayerConfig,
    ModelConfig,
    SearchConfig,
    SpreadConfig,
)
from fusion_model.hub.config_json import model_config_from_dict
from fusion_model.presets import PRESETS

TINY = PRESETS["tiny"]
ALL_SET = dataclasses.replace(
    PRESETS["released"],
    fusion=dataclasses.replace(
        PRESETS["released"].fusion, strategy="fixed", fixed_beta=1, initial_beta=2.5, merge_after=1, mix_input=True
    ),
    spread=SpreadConfig(1.5, 2.0),
)


def as_json(config):
    return json.loads(json.dumps(dataclasses.asdict(config)))


@pytest.mark.parametrize("config", [*PRESETS.values(), ALL_SET], ids=[*PRESETS, "all set"])
def test_configurations_survive_json(config):
    assert model_config_from_dict(as_json(config)) == config


def test_checkpoints_of_before_have_none_of_the_later_fields():
    data = as_json(TINY)
    for name in ("detector", "following", "spread"):
        del data[name]
    del data["fusion"]["map_readings"]
    data["crop"]["margin"] = 1
    assert model_config_from_dict(data) == ModelConfig(
        TINY.hourglass, TINY.fusion, crop=dataclasses.replace(TINY.crop, margin=1)
    )


FC, CONV, RESIDUAL = LayerConfig("fc", 3), LayerConfig("conv", 2), LayerConfig("residual", 2)


@pytest.mark.parametrize(
    ("config", "changes", "message"),
    [
        (TINY.fusion, {"strategy": "middle"}, "strategy must be one of .*trainable, got 'middle'"),
        (TINY.fusion, {"skeleton": "ape"}, "skeleton must be one of .*got 'ape'"),
        (TINY.fusion, {"layers": (FC, CONV)}, "before fully connected"),
        (TINY.fusion, {"layers": (FC, RESIDUAL)}, "residual layers must follow"),
        (TINY.fusion, {"layers": (CONV,), "map_readings": True}, "map_readings needs a fully connected layer"),
        (TINY.fusion, {"strategy": "fixed"}, "fixed_beta belongs to strategy 'fixed'"),
        (TINY.fusion, {"strategy": "fixed", "fixed_beta": 4}, r"fixed_beta must lie in 0\.\.3, got 4"),
        (TINY.fusion, {"merge_after": 1, "strategy": "image-only"}, "merge_after 1 contradicts strategy 'image-only'"),
        (TINY.fusion, {"mix_input": True, "strategy": "free"}, "mix_input needs w_0"),
        (TINY.fusion, {"output_unit_mm": 0.0}, "must be positive"),
        (FC, {"kind": "pool"}, "layer kind must be"),
        (FC, {"dropout": 1.0}, "layer needs width >= 1"),
        (TINY.hourglass, {"stacks": 0}, "stacks"),
        (TINY.hourglass, {"width": 12}, "width must be a positive multiple of 8, got 12"),
        (TINY.hourglass, {"input_size": 100}, "input_size must be a positive multiple of 64, got 100"),
        (DetectorConfig(), {"depths": (1, 1)}, "detector needs four depths"),
        (DetectorConfig(), {"nms_iou": 1.5}, "detector min_score and nms_iou must lie between 0 and 1"),
        (SearchConfig(), {"score": (1.0, 2.0)}, "^search needs four weights"),
        (FollowingConfig(), {"limbs": 1.6}, r"following needs limbs from 0 to 1\.5"),
        (SpreadConfig(1.5, 2.0), {"depth": float("nan")}, "positive factors"),
        (CalibrationConfig(), {"peak": (1.0, 0.0)}, "rising peaks"),
        (CalibrationConfig(), {"confidence": (0.0, 1.5)}, "confidences from 0 to 1"),
        (CalibrationConfig(), {"rival": -0.5}, "rival must lie from 0 to 1, got -0.5"),
        (TINY, {"fusion": dataclasses.replace(TINY.fusion, map_joints=14)}, "gives 16 maps but .* takes 14"),
        (TINY, {"fusion": dataclasses.replace(TINY.fusion, photo_features=12)}, "has 16 channels .* takes 12"),
    ],
)
def test_what_means_nothing_is_refused(config, changes, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(config, **changes)


@pytest.mark.parametrize(
    ("part", "field", "value", "message"),
    [
        ("hourglass", "depth", 4, "hourglass has unknown fields: depth"),
        ("hourglass", "stacks", "2", r"hourglass.stacks must be .*int.*, got '2'"),
        ("hourglass", "stacks", True, "got True"),
        ("fusion", "layers", 3, "fusion.layers must be a list, got 3"),
        ("fusion", "layers", [{"kind": "fc"}], "fusion.layers does not fit: .*width"),
        ("fusion", "alpha_squared", 1, "alpha_squared must be .*bool"),
        ("calibration", "peak", [0, "1"], "calibration.peak must be"),
    ],
)
def test_damaged_dictionaries_are_refused(part, field, value, message):
    data = as_json(TINY)
    data[part][field] = value
    with pytest.raises(ValueError, match=message):
        model_config_from_dict(data)
    with pytest.raises(ValueError, match=f"no entry '{part}'"):
        model_config_from_dict({**data, part: None})
