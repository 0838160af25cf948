"""Configurations as the plain data of ``config.json``, read back strictly."""

from __future__ import annotations

from typing import Any, get_args, get_origin, get_type_hints

from fusion_model.config import DetectorConfig, FollowingConfig, FusionConfig, LayerConfig, ModelConfig, SpreadConfig

_OPTIONAL = {"detector": DetectorConfig, "following": FollowingConfig, "spread": SpreadConfig}


def model_config_from_dict(data: dict[str, Any]) -> ModelConfig:
    """Rebuild a :class:`ModelConfig` from what ``dataclasses.asdict`` made of one.

    Raises:
        ValueError: if an entry is missing, unknown or has a value that the dataclasses refuse.
    """
    kinds = get_type_hints(ModelConfig) | _OPTIONAL
    parts = {name: dict(_entries(data, name)) for name in kinds if name not in _OPTIONAL or data.get(name) is not None}
    fusion = fusion_config_from_dict(parts.pop("fusion"))
    others = {name: build_config(kinds[name], entries, name) for name, entries in parts.items()}
    return ModelConfig(fusion=fusion, **others)


def fusion_config_from_dict(data: dict[str, Any], where: str = "fusion") -> FusionConfig:
    """The same of a :class:`FusionConfig`, which messages call ``where``."""
    layers = data.get("layers") if isinstance(data, dict) else None
    if not isinstance(layers, list | tuple):
        raise ValueError(f"the configuration's {where}.layers must be a list, got {layers!r}")  # noqa: TRY004
    layers = tuple(build_config(LayerConfig, layer, f"{where}.layers") for layer in layers)
    return build_config(FusionConfig, {**data, "layers": layers}, where)


def _entries(data: dict[str, Any], name: str) -> dict[str, Any]:
    """The sub-dictionary of that name, or a clear error."""
    if not isinstance(data, dict) or not isinstance(data.get(name), dict):
        raise ValueError(f"the configuration has no entry {name!r} with fields")  # noqa: TRY004
    return data[name]


def build_config(kind: type, data: dict[str, Any], where: str) -> Any:
    """``kind(**data)``, with unknown, missing and mistyped fields named."""
    if not isinstance(data, dict):
        raise ValueError(f"the configuration's {where} must hold objects, got {data!r}")  # noqa: TRY004
    known = get_type_hints(kind)
    if unknown := set(data) - set(known):
        raise ValueError(f"the configuration's {where} has unknown fields: {', '.join(sorted(unknown))}")
    data = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
    for name, value in data.items():
        if not _fits(value, known[name]):
            raise ValueError(f"the configuration's {where}.{name} must be {known[name]}, got {value!r}")
    try:
        return kind(**data)
    except TypeError as error:
        raise ValueError(f"the configuration's {where} does not fit: {error}") from error


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value is of the annotated type; whole numbers count as float, True and False as bool alone."""
    if get_origin(hint) is tuple:
        return isinstance(value, tuple) and all(_fits(item, get_args(hint)[0]) for item in value)
    allowed = get_args(hint) or (hint,)
    if isinstance(value, bool):
        return bool in allowed
    return isinstance(value, allowed) or (isinstance(value, int) and float in allowed)
