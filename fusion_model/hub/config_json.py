"""Configurations as the plain data of ``config.json``, read back strictly."""

from __future__ import annotations

import dataclasses
from typing import Any, get_args, get_origin, get_type_hints

from fusion_model.config import (
    CalibrationConfig,
    CropConfig,
    DetectorConfig,
    FusionConfig,
    HourglassConfig,
    LayerConfig,
    ModelConfig,
    SearchConfig,
)


def to_dict(config: Any) -> dict[str, Any]:
    """Turn a configuration into JSON-ready nested dictionaries and lists."""
    return dataclasses.asdict(config)


def model_config_from_dict(data: dict[str, Any]) -> ModelConfig:
    """Rebuild a :class:`ModelConfig` from :func:`to_dict`'s output.

    Raises:
        ValueError: if an entry is missing, unknown or has a value that the dataclasses refuse.
    """
    fusion = dict(_entries(data, "fusion"))
    layers = fusion.get("layers")
    if not isinstance(layers, list | tuple):
        msg = f"the configuration's fusion.layers must be a list, got {layers!r}"
        raise ValueError(msg)  # noqa: TRY004 - the data is at fault, not the caller
    fusion["layers"] = tuple(_build(LayerConfig, layer, "fusion.layers") for layer in layers)
    return ModelConfig(
        hourglass=_build(HourglassConfig, _entries(data, "hourglass"), "hourglass"),
        fusion=_build(FusionConfig, fusion, "fusion"),
        crop=_build(CropConfig, _entries(data, "crop"), "crop"),
        calibration=_build(CalibrationConfig, _entries(data, "calibration"), "calibration"),
        search=_build(SearchConfig, _entries(data, "search"), "search"),
        detector=_build(DetectorConfig, data["detector"], "detector") if data.get("detector") is not None else None,
    )


def _entries(data: dict[str, Any], name: str) -> dict[str, Any]:
    """The sub-dictionary of that name, or a clear error."""
    if not isinstance(data, dict) or not isinstance(data.get(name), dict):
        msg = f"the configuration has no entry {name!r}"
        raise ValueError(msg)  # noqa: TRY004 - the data is at fault, not the caller
    return data[name]


def _build(kind: type, data: dict[str, Any], where: str) -> Any:
    """``kind(**data)``, with unknown, missing and mistyped fields named."""
    if not isinstance(data, dict):
        msg = f"the configuration's {where} must hold objects, got {data!r}"
        raise ValueError(msg)  # noqa: TRY004 - the data is at fault, not the caller
    known = get_type_hints(kind)
    if unknown := set(data) - set(known):
        msg = f"the configuration's {where} has unknown fields: {', '.join(sorted(unknown))}"
        raise ValueError(msg)
    data = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
    for name, value in data.items():
        if not _fits(value, known[name]):
            msg = f"the configuration's {where}.{name} must be {known[name]}, got {value!r}"
            raise ValueError(msg)
    try:
        return kind(**data)
    except TypeError as error:
        msg = f"the configuration's {where} does not fit: {error}"
        raise ValueError(msg) from error


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value is of the annotated type; whole numbers count as float, True and False as bool alone."""
    if get_origin(hint) is tuple:
        return isinstance(value, tuple) and all(_fits(item, get_args(hint)[0]) for item in value)
    allowed = get_args(hint) or (hint,)
    if isinstance(value, bool):
        return bool in allowed
    return isinstance(value, allowed) or (isinstance(value, int) and float in allowed)
