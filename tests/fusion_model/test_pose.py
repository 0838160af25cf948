"""The result as JSON: schema fusion-pose/1, names, units and values."""

import json

import numpy as np

from tests.helpers.earlier import assert_stored
from tests.helpers.stand_in import make_pose


def test_it_is_plain_json_and_has_exactly_the_fields_of_the_schema():
    values = {"score": np.float32(0.87654), "seconds": {"looking": np.float64(0.12345), "fusion": 0.5}}
    values |= {"angle": 45.678, "height_mm": 1650.0, "confidence": np.linspace(0.61234, 1, 17)}
    result = make_pose(np.zeros((195, 200, 3), np.uint8), **values).to_dict()
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert [joint["name"] for joint in result["joints"] if joint["derived_2d"]] == ["spine"]
    assert_stored("a pose", result, "pose.json")
