"""Configurations survive the way through JSON and refuse what means nothing."""

import dataclasses
import json
from dataclasses import replace

import pytest

from fusion_model import config as kinds
from fusion_model.config import CalibrationConfig, DetectorConfig, FollowingConfig, LayerConfig, SearchConfig
from fusion_model.hub.checkpoints import load_checkpoint
from fusion_model.hub.config_json import model_config_from_dict
from fusion_model.presets import PRESETS

TINY, RELEASED = PRESETS["tiny"], PRESETS["released"]
FIXED = {"strategy": "fixed", "fixed_beta": 1, "initial_beta": 2.5, "merge_after": 1, "mix_input": True}
ALL_SET = replace(RELEASED, fusion=replace(RELEASED.fusion, **FIXED), spread=kinds.SpreadConfig(1.5, 2.0))


def as_json(config):
    return json.loads(json.dumps(dataclasses.asdict(config)))


@pytest.mark.parametrize("config", [*PRESETS.values(), ALL_SET], ids=[*PRESETS, "all set"])
def test_configurations_survive_json(config):
    assert model_config_from_dict(as_json(config)) == config


def test_checkpoints_of_before_lack_later_fields_and_the_bundled_one_was_trained_as_the_released_preset():
    data = as_json(TINY)
    for name in ("detector", "following", "spread"):
        del data[name]
    del data["fusion"]["map_readings"]
    data["crop"]["margin"] = 1
    assert model_config_from_dict(data) == replace(TINY, crop=replace(TINY.crop, margin=1))
    bundled = load_checkpoint("default")[0]
    fusion = replace(bundled.fusion, merge_after=None, initial_beta=1.0)
    search = replace(bundled.search, score=(-1.6, 1.0, 4.0, 0.0), box_score=0.8, person=0.5)
    first = {"following": FollowingConfig(1.1, 1.0, 0.5, 0.3), "calibration": replace(PLAIN, seen=0.5), "spread": None}
    assert replace(bundled, fusion=fusion, search=search, **first) == RELEASED
    assert PRESETS["paper"].hourglass == kinds.HourglassConfig() == kinds.HourglassConfig(8, 256, 256, 16)


FC, CONV, RESIDUAL = LayerConfig("fc", 3), LayerConfig("conv", 2), LayerConfig("residual", 4)
ORDERS = ((), (FC, CONV), (RESIDUAL,), (CONV, RESIDUAL), (FC, RESIDUAL))
SMALL, MERGED, PLAIN = TINY.fusion, replace(TINY.fusion, merge_after=1), CalibrationConfig()


@pytest.mark.parametrize(
    ("config", "changes", "message"),
    [
        (FC, {"kind": "dense", "width": 0, "kernel": 0, "dropout": 1.0}, "layer (kind must|needs) .*, got "),
        (FC, {"dropout": -0.1}, "layer needs width >= 1, kernel >= 1 and 0 <= dropout < 1, got .*-0.1"),
        (SMALL, {"strategy": "cat", "skeleton": "cat"}, "must be one of .*(trainable|humaneva_15), got 'cat'"),
        *((SMALL, {"layers": one}, "one layer|before .* fc of 3, conv of 2|must follow .* of 4") for one in ORDERS),
        (replace(SMALL, layers=(CONV,)), {"map_readings": True}, "map_readings needs a fully connected"),
        (SMALL, dict.fromkeys(("input_size", "map_joints", "output_unit_mm"), 0), "must be positive, got"),
        (SMALL, {"photo_features": -1, "merge_after": -1}, r"must (not be negative|lie in 0\.\.3), got -1"),
        (SMALL, {"strategy": "fixed", "fixed_beta": 1}, "(needs fixed_beta, the|fixed_beta belongs to st)"),
        (replace(SMALL, strategy="fixed", fixed_beta=3), {"fixed_beta": 4}, r"fixed_beta must lie in 0\.\.3, got 4"),
        *((MERGED, {"strategy": one}, f"merge_after 1 contradicts strategy '{one}'") for one in ("maps-only", "early")),
        (replace(SMALL, mix_input=True), {"strategy": "free"}, "mix_input needs w_0"),
        (TINY.hourglass, {"stacks": 0, "joints": 0, "width": 0}, "must be (at least 1|a positive multiple of 8), got"),
        (TINY.hourglass, {"width": 12, "input_size": 100}, "must be a positive multiple of (8, got 12|64)"),
        (FollowingConfig(), {"limbs": 1.6, "plane": 1.1, "depth": -0.1, "unsure": 1.0}, r"limbs from 0 to 1\.5"),
        *((PLAIN, {"peak": one}, "rising peaks") for one in ((1.0, 0.0), (0.0, 0.0), (0.0, 1.0, 2.0))),
        (replace(PLAIN, peak=(0, 1, 2), confidence=(0, 0, 1)), {"confidence": (0, 0, 1.1)}, "confidences from 0 to 1"),
        (PLAIN, {"confidence": (-0.1, 1.0), "rival": -0.5}, "confidences from 0 to 1|rival must lie .*, got -0.5"),
        (kinds.SpreadConfig(1, 1), {"across": 0.0, "depth": 0.0}, "positive factors"),
        (DetectorConfig(), {"width": 6, "input_size": 72}, "detector .* of (4, got 6|64, got 72)"),
        (DetectorConfig(), {"depths": (0, -1, 2, 2), "head": 0, "min_score": 0, "nms_iou": 0}, "four depths|0 and 1"),
        (SearchConfig(), {"score": (1.0, 1.0, 1.0), "box_score": 1, "person": 1}, "four weights"),
        (TINY, {"fusion": replace(SMALL, map_joints=14)}, "gives 16 maps but .* takes 14"),
        (TINY, {"fusion": replace(SMALL, photo_features=12)}, "has 16 channels .* takes 12"),
    ],
)
def test_what_means_nothing_is_refused(config, changes, message):
    for field, value in changes.items():
        with pytest.raises(ValueError, match=message):
            replace(config, **{field: value})
    with pytest.raises(ValueError, match="matching knots"):
        CalibrationConfig((0.0,), (0.0,))


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
