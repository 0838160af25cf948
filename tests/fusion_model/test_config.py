"""Configurations survive the way through JSON and refuse what means nothing."""

import copy
import dataclasses
import json

import pytest

from fusion_model.config import FusionConfig, LayerConfig, ModelConfig, SearchConfig
from fusion_model.hub.config_json import model_config_from_dict
from fusion_model.presets import PRESETS

TINY = PRESETS["tiny"]


@pytest.mark.parametrize("name", PRESETS)
def test_presets_survive_json(name):
    assert model_config_from_dict(json.loads(json.dumps(dataclasses.asdict(PRESETS[name])))) == PRESETS[name]


def test_every_field_survives_json():
    fusion = dataclasses.replace(
        TINY.fusion,
        strategy="fixed",
        fixed_beta=1,
        initial_beta=2.5,
        merge_after=1,
        batch_norm=True,
        mix_input=True,
        map_readings=True,
    )
    config = dataclasses.replace(TINY, fusion=fusion)
    assert model_config_from_dict(json.loads(json.dumps(dataclasses.asdict(config)))) == config


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strategy": "middle"}, "strategy must be one of .*trainable, got 'middle'"),
        ({"skeleton": "ape"}, "skeleton must be one of .*got 'ape'"),
        ({"layers": ()}, "at least one layer"),
        ({"layers": (LayerConfig("fc", 2), LayerConfig("conv", 2))}, "before fully connected"),
        ({"layers": (LayerConfig("conv", 2), LayerConfig("residual", 2))}, "residual layers must follow"),
        ({"layers": (LayerConfig("fc", 3), LayerConfig("residual", 2))}, "residual layers must follow"),
        ({"strategy": "fixed"}, "fixed_beta belongs to strategy 'fixed'"),
        ({"fixed_beta": 1}, "fixed_beta belongs to strategy 'fixed'"),
        ({"strategy": "fixed", "fixed_beta": 4}, r"fixed_beta must lie in 0\.\.3, got 4"),
        ({"merge_after": -1}, r"merge_after must lie in 0\.\.3, got -1"),
        ({"merge_after": 1, "strategy": "image-only"}, "merge_after 1 contradicts strategy 'image-only'"),
        ({"merge_after": 1, "strategy": "early"}, "merge_after 1 contradicts strategy 'early'"),
        ({"mix_input": True, "strategy": "free"}, "mix_input needs w_0"),
        ({"output_unit_mm": 0.0}, "must be positive"),
        ({"photo_features": -1}, "photo_features must not be negative, got -1"),
    ],
)
def test_fusion_refuses_what_means_nothing(changes, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TINY.fusion, **changes)


@pytest.mark.parametrize(
    "layer", [{"kind": "pool", "width": 1}, {"kind": "fc", "width": 0}, {"kind": "fc", "width": 1, "dropout": 1.0}]
)
def test_layers_refuse_what_means_nothing(layer):
    with pytest.raises(ValueError, match="layer"):
        LayerConfig(**layer)


@pytest.mark.parametrize(("field", "value"), [("stacks", 0), ("width", 12), ("input_size", 100)])
def test_hourglass_refuses_what_means_nothing(field, value):
    with pytest.raises(ValueError, match=field):
        dataclasses.replace(TINY.hourglass, **{field: value})


def test_parts_must_fit_together():
    with pytest.raises(ValueError, match="gives 16 maps but the fusion network takes 14"):
        ModelConfig(TINY.hourglass, dataclasses.replace(TINY.fusion, map_joints=14))
    with pytest.raises(ValueError, match="has 16 channels of features but the fusion network takes 12"):
        ModelConfig(TINY.hourglass, dataclasses.replace(TINY.fusion, photo_features=12))


def test_merging_layer_by_strategy():
    def merging(**changes):
        return dataclasses.replace(TINY.fusion, **changes).merging_layer

    assert [merging(strategy="early"), merging(strategy="late"), merging(strategy="fixed", fixed_beta=2)] == [0, 3, 2]
    assert merging() is None
    assert merging(merge_after=2) == 2
    assert FusionConfig(TINY.fusion.layers, 32, strategy="maps-only").single_stream == "maps-only"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("hourglass",), None, "no entry 'hourglass'"),
        (("hourglass", "depth"), 4, "hourglass has unknown fields: depth"),
        (("hourglass", "stacks"), "2", r"hourglass.stacks must be .*int.*, got '2'"),
        (("hourglass", "stacks"), True, "got True"),
        (("hourglass", "stacks"), 1.5, "got 1.5"),
        (("fusion", "layers"), 3, "fusion.layers must be a list, got 3"),
        (("fusion", "layers"), ["fc"], "fusion.layers must hold objects, got 'fc'"),
        (("fusion", "layers"), [{"kind": "fc"}], "fusion.layers does not fit: .*width"),
        (("fusion", "alpha_squared"), 1, "alpha_squared must be .*bool"),
        (("fusion", "initial_beta"), "late", "initial_beta must be float | None, got 'late'"),
        (("calibration", "peak"), [0, "1"], "calibration.peak must be"),
        (("calibration", "peak"), [1, 0], "rising peaks"),
        (("calibration", "confidence"), [0, 1.5], "confidences from 0 to 1"),
        (("calibration", "rival"), -0.5, "rival must lie from 0 to 1, got -0.5"),
    ],
)
def test_damaged_dictionaries_are_refused(path, value, message):
    data = copy.deepcopy(json.loads(json.dumps(dataclasses.asdict(TINY))))
    entry = data
    for key in path[:-1]:
        entry = entry[key]
    entry[path[-1]] = value
    with pytest.raises(ValueError, match=message):
        model_config_from_dict(data)


def test_whole_numbers_are_floats_too():
    data = dataclasses.asdict(TINY)
    data["crop"]["margin"] = 1
    assert model_config_from_dict(data).crop.margin == 1


@pytest.mark.parametrize("wrong", [{"score": (1.0, 2.0)}, {"box_score": 1.0}, {"person": 1.0}])
def test_impossible_searches_are_refused(wrong):
    with pytest.raises(ValueError, match=r"^search "):
        SearchConfig(**wrong)
