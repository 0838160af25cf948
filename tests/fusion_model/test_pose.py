"""The result as JSON: schema fusion-pose/1, names, units and values."""

import json

import numpy as np

from fusion_model.skeletons import HUMAN36M_17, MPII_16
from tests.helpers.stand_in import make_pose

KNEE = {
    "name": "right_knee",
    "position_mm": [-150.0, 440.0, -60.0],
    "spread_mm": [25.0, 25.0, 37.5],
    "pixel": [84.61, 136.81],
    "confidence": 0.6608,
    "status": "seen",
    "derived_2d": False,
}


def test_it_is_plain_json_and_has_exactly_the_fields_of_the_schema():
    values = {"score": np.float32(0.87654), "seconds": {"looking": np.float64(0.12345), "fusion": 0.5}}
    values |= {"angle": 45.678, "height_mm": 1650.0, "confidence": np.linspace(0.61234, 1, 17)}
    result = make_pose(np.zeros((195, 200, 3), np.uint8), **values).to_dict()
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    joints, bones = result.pop("joints"), result.pop("bones")
    assert [joint["name"] for joint in joints] == list(HUMAN36M_17.joints)
    assert joints[HUMAN36M_17.index("right_knee")] == KNEE
    assert {tuple(joint) for joint in joints} == {tuple(KNEE)}
    assert [joint["name"] for joint in joints if joint["derived_2d"]] == ["spine"]
    assert {("pelvis", "right_hip"), ("left_elbow", "left_wrist")} <= set(map(tuple, bones)), "from parent to child"
    assert len({child for _, child in bones}) == 16
    millimetres = dict.fromkeys(("position_mm", "spread_mm"), "millimetre")
    assert result == {
        "schema": "fusion-pose/1",
        "model": "stand-in",
        "skeleton": "human36m_17",
        "units": {**millimetres, "pixel": "pixel of the photo", "angle": "degree"},
        "axes": {
            "position_mm": "camera axes: x right, y down, z away from the camera; origin at the pelvis",
            "spread_mm": "the same axes; one standard deviation",
            "pixel": "x right, y down; the center of the top-left pixel is (0, 0)",
        },
        "size_note": "one photo does not tell the size: a height of 1650 mm is assumed",
        "height_mm": 1650.0,
        "sides": "left and right are the person's own",
        "person": {"score": 0.8765, "crop": [2.0, -0.5, 197.0, 194.5], "crop_angle": 45.68},
        "heatmap_joints": list(MPII_16.joints),
        "seconds": {"looking": 0.1235, "fusion": 0.5},
    }
