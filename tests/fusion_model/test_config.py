"""Configurations survive the way through JSON and refuse what means nothing."""

import dataclasses
import json

import pytest

from fusion_model.config import CalibrationConfig, FollowingConfig, LayerConfig, ModelConfig, SpreadConfig
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


FC, CONV = LayerConfig("fc", 3), LayerConfig("conv", 2)


@pytest.mark.parametrize(
    ("config", "changes", "message"),
    [
        (TINY.fusion, {"strategy": "middle"}, "strategy must be one of .*trainable, got 'middle'"),
        (TINY.fusion, {"layers": (FC, CONV)}, "before fully connected"),
        (TINY.fusion, {"strategy": "fixed"}, "fixed_beta belongs to strategy 'fixed'"),
        (TINY.fusion, {"strategy": "fixed", "fixed_beta": 4}, r"fixed_beta must lie in 0\.\.3, got 4"),
        (TINY.fusion, {"merge_after": 1, "strategy": "image-only"}, "merge_after 1 contradicts strategy 'image-only'"),
        (TINY.hourglass, {"width": 12}, "width must be a positive multiple of 8, got 12"),
        (TINY.hourglass, {"input_size": 100}, "input_size must be a positive multiple of 64, got 100"),
        (FollowingConfig(), {"limbs": 1.6}, r"following needs limbs from 0 to 1\.5"),
        (CalibrationConfig(), {"peak": (1.0, 0.0)}, "rising peaks"),
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
        ("hourglass", "stacks", True, "configuration's hourglass.stacks must be .*int.*, got True"),
        ("fusion", "layers", [3], "fusion.layers must hold objects, got 3"),
        ("fusion", "layers", 3, "fusion.layers must be a list, got 3"),
        ("fusion", "layers", [{"kind": "fc"}], "fusion.layers does not fit: .*width"),
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
