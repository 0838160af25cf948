"""JSON schemas of what the app writes and answers."""

from fusion_model.skeletons import HUMAN36M_17

NUMBER, COUNT, TEXT, FLAG = (
    {"type": "number"},
    {"type": "integer", "minimum": 0},
    {"type": "string"},
    {"type": "boolean"},
)


def exactly(**properties):
    """An object with these fields and no others."""
    return {
        "type": "object", "required": list(properties), "additionalProperties": False, "properties": properties,
    }  # fmt: skip


def numbers(count):
    """An array of so many numbers."""
    return {"type": "array", "items": NUMBER, "minItems": count, "maxItems": count}


JOINT = exactly(
    name={"enum": list(HUMAN36M_17.joints)},
    position_mm=numbers(3),
    spread_mm={"anyOf": [numbers(3), {"type": "null"}]},
    pixel=numbers(2),
    confidence={"type": "number", "minimum": 0, "maximum": 1},
    status={"enum": ["seen", "guessed", "outside"]},
    derived_2d=FLAG,
)
POSE = {
    "type": "object",
    "required": ["schema", "model", "skeleton", "units", "axes", "height_mm", "joints", "bones", "person"],
    "properties": {
        "schema": {"const": "fusion-pose/1"},
        "skeleton": {"const": "human36m_17"},
        "units": {"type": "object", "required": ["position_mm", "spread_mm", "pixel", "angle"]},
        "axes": {"type": "object", "required": ["position_mm", "spread_mm", "pixel"]},
        "height_mm": NUMBER,
        "joints": {"type": "array", "items": JOINT, "minItems": 17, "maxItems": 17},
        "bones": {"type": "array", "minItems": 16, "maxItems": 16},
        "person": {"type": "object", "required": ["score", "crop", "crop_angle"]},
    },
}
POSES = exactly(schema={"const": "fusion-poses/1"}, poses={"type": "array", "items": POSE})
VIDEO = exactly(
    schema={"const": "fusion-pose-video/1"},
    model=TEXT,
    clip=exactly(
        file=TEXT,
        width=COUNT,
        height=COUNT,
        frames=COUNT,
        missing_frames=COUNT,
        frames_per_second=NUMBER,
        seconds=NUMBER,
    ),
    step=COUNT,
    smoothed=FLAG,
    frames={
        "type": "array",
        "items": exactly(frame=COUNT, time=NUMBER, found=FLAG, pose={"anyOf": [POSE, {"type": "null"}]}),
    },
)
