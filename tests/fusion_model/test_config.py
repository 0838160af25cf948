"""Configurations survive the way through JSON and refuse what means nothing."""

import dataclasses
import json

import pytest

from fusion_model.config import (
    CalibrationConfig,
    DetectorConfig,
    FollowingConfig,
    HourglassConfig,
    LayerConfig,
    ModelConfig,
    SearchConfig,
    SpreadConfig,
)
from fusion_model.hub.checkpoints import load_checkpoint
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


FC, CONV, RESIDUAL = LayerConfig("fc", 3), LayerConfig("conv", 2), LayerConfig("residual", 4)
ORDERS = [(RESIDUAL,), (CONV, RESIDUAL), (FC, RESIDUAL)]


@pytest.mark.parametrize(
    ("config", "message", "changes"),
    [
        (FC, "layer kind must be .*, got 'dense'", [{"kind": "dense"}]),
        (FC, "layer needs width", [{"width": 0}, {"kernel": 0}, {"dropout": -0.1}, {"dropout": 1.0}]),
        (TINY.fusion, "strategy must be one of .*trainable, got 'middle'", [{"strategy": "middle"}]),
        (TINY.fusion, "skeleton must be one of .*coco_17, got 'cat'", [{"skeleton": "cat"}]),
        (TINY.fusion, "at least one layer", [{"layers": ()}]),
        (TINY.fusion, "before fully connected", [{"layers": (FC, CONV)}]),
        (TINY.fusion, "residual layers must follow", [{"layers": layers} for layers in ORDERS]),
        (TINY.fusion, "map_readings needs a fully connected", [{"layers": (CONV,), "map_readings": True}]),
        (TINY.fusion, "must not be negative, got -1", [{"photo_features": -1}]),
        (TINY.fusion, "must be positive, got", [{"input_size": 0}, {"map_joints": 0}, {"output_unit_mm": 0.0}]),
        (TINY.fusion, "fixed_beta belongs to strategy 'fixed'", [{"strategy": "fixed"}, {"fixed_beta": 1}]),
        (TINY.fusion, r"fixed_beta must lie in 0\.\.3, got 4", [{"strategy": "fixed", "fixed_beta": 4}]),
        (TINY.fusion, r"merge_after must lie in 0\.\.3, got -1", [{"merge_after": -1}]),
        (
            TINY.fusion,
            "1 contradicts strategy",
            [{"merge_after": 1, "strategy": one} for one in ("image-only", "early")],
        ),
        (TINY.fusion, "mix_input needs w_0", [{"mix_input": True, "strategy": "free"}]),
        (TINY.hourglass, "stacks and joints must be at least 1", [{"stacks": 0}, {"joints": 0}]),
        (TINY.hourglass, "width must be a positive multiple of 8, got (12|0)", [{"width": 12}, {"width": 0}]),
        (TINY.hourglass, "input_size must be a positive multiple of 64, got 100", [{"input_size": 100}]),
        (
            FollowingConfig(),
            r"limbs from 0 to 1\.5",
            [{"limbs": 1.6}, {"plane": 1.1}, {"depth": -0.1}, {"unsure": 1.0}],
        ),
        (CalibrationConfig(), "rising peaks", [{"peak": one} for one in ((1.0, 0.0), (0.0, 0.0), (0.0, 1.0, 2.0))]),
        (CalibrationConfig(), "matching knots", [{"peak": (0.0,), "confidence": (0.0,)}]),
        (CalibrationConfig(), "confidences from 0 to 1", [{"confidence": (0.0, 1.1)}, {"confidence": (-0.1, 1.0)}]),
        (CalibrationConfig(), "rival must lie from 0 to 1, got (-0.5|1.5)", [{"rival": -0.5}, {"rival": 1.5}]),
        (SpreadConfig(1, 1), "positive factors", [{"across": 0.0}, {"depth": 0.0}]),
        (DetectorConfig(), "detector width .* of 4, got 6", [{"width": 6}]),
        (DetectorConfig(), "detector input_size .* of 64, got 72", [{"input_size": 72}]),
        (DetectorConfig(), "four depths", [{"depths": (0, 2, 2)}, {"depths": (0, -1, 2, 2)}, {"head": 0}]),
        (
            DetectorConfig(),
            "lie between 0 and 1",
            [{"min_score": 0}, {"min_score": 1}, {"nms_iou": 0}, {"nms_iou": 1.1}],
        ),
        (
            SearchConfig(),
            "four weights",
            [{"score": (1.0, 1.0, 1.0)}, {"box_score": 0}, {"box_score": 1}, {"person": 1}],
        ),
        (TINY, "gives 16 maps but .* takes 14", [{"fusion": dataclasses.replace(TINY.fusion, map_joints=14)}]),
        (TINY, "has 16 channels .* takes 12", [{"fusion": dataclasses.replace(TINY.fusion, photo_features=12)}]),
    ],
)
def test_what_means_nothing_is_refused(config, message, changes):
    for change in changes:
        with pytest.raises(ValueError, match=message):
            dataclasses.replace(config, **change)


def test_the_released_preset_is_what_the_bundled_model_was_trained_as_and_the_others_differ_as_the_page_says():
    bundled, preset = load_checkpoint("default")[0], PRESETS["released"]
    fusion = dataclasses.replace(bundled.fusion, merge_after=None, initial_beta=1.0)
    fitted = {name: getattr(preset.search, name) for name in ("score", "box_score", "person")}
    bundled = dataclasses.replace(bundled, fusion=fusion, search=dataclasses.replace(bundled.search, **fitted))
    calibrated = {name: getattr(preset, name) for name in ("calibration", "following", "spread")}
    assert dataclasses.replace(bundled, **calibrated) == preset
    assert (preset.following, preset.calibration.seen) == (
        FollowingConfig(1.1, 1.0, 0.5, 0.3),
        bundled.calibration.seen,
    )
    assert fitted == {"score": (-1.6, 1.0, 4.0, 0.0), "box_score": 0.8, "person": 0.5}
    assert PRESETS["paper"].hourglass == HourglassConfig(8, 256, 256, 16)
    assert [layer.dropout for layer in PRESETS["paper"].fusion.layers] == [0, 0, 0, 0.5, 0.5, 0, 0]
    narrow = tuple(dataclasses.replace(one, width=min(one.width, 192)) for one in fusion.layers)
    assert PRESETS["lab"] == dataclasses.replace(preset, fusion=dataclasses.replace(preset.fusion, layers=narrow))
    compact, small = ({"hourglass": HourglassConfig(2, *sizes), "detector": None} for sizes in ((128, 128), (64, 64)))
    assert PRESETS["compact"] == dataclasses.replace(preset, **compact)
    assert PRESETS["small"] == dataclasses.replace(
        preset, fusion=dataclasses.replace(preset.fusion, photo_features=64), **small
    )


@pytest.mark.parametrize(
    ("part", "field", "value", "message"),
    [
        ("hourglass", "depth", 4, "hourglass has unknown fields: depth"),
        ("hourglass", "stacks", "2", r"hourglass.stacks must be .*int.*, got '2'"),
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
