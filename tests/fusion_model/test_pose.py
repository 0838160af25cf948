"""The result as JSON: schema fusion-pose/1, names, units and values."""

import json

import numpy as np
import pytest

from fusion_model.pose import SCHEMA, STATUSES, NoPersonError, Pose
from fusion_model.skeletons import HUMAN36M_17, MPII_16

JOINT = {
    "name": str,
    "position_mm": [float] * 3,
    "spread_mm": [float] * 3,
    "pixel": [float] * 2,
    "confidence": float,
    "status": str,
    "derived_2d": bool,
}
POSE = {
    "schema": str,
    "model": str,
    "skeleton": str,
    "units": {"position_mm": str, "spread_mm": str, "pixel": str, "angle": str},
    "axes": {"position_mm": str, "spread_mm": str, "pixel": str},
    "size_note": str,
    "height_mm": float,
    "sides": str,
    "joints": [JOINT] * 17,
    "bones": [[str, str]] * 16,
    "person": {"score": float, "crop": [float] * 4, "crop_angle": float},
    "heatmap_joints": [str] * 16,
    "seconds": {"looking": float, "fusion": float},
}


def assert_fits(value, form, place="pose"):
    """Exactly the fields of the form, each of exactly its type: plain Python, nothing of numpy."""
    if not isinstance(form, dict | list):
        assert type(value) is form, place
        return
    assert type(value) is type(form), place
    keys, wanted = (list(one) if isinstance(form, dict) else list(range(len(one))) for one in (value, form))
    assert keys == wanted, place
    for key in keys:
        assert_fits(value[key], form[key], f"{place}.{key}")


@pytest.fixture
def pose():
    number = np.arange(17, dtype=np.float32)
    return Pose(
        joints_3d=np.stack((number, 10 * number, -number / 3), 1),
        joints_2d=np.stack((number + 0.25, 100 - number), 1),
        confidence=number / 16,
        status=tuple(STATUSES[k % 3] for k in range(17)),
        heatmaps=np.zeros((16, 8, 8), np.float32),
        box=np.array([1.0, 2.0, 31.0, 32.0], np.float32),
        person_box=np.array([4.0, 5.0, 28.0, 29.0], np.float32),
        angle=45.678,
        score=np.float32(0.87654),
        skeleton="human36m_17",
        height_mm=1650.0,
        spread=np.stack((10 * number, 10 * number, 25.25 * number), 1),
        derived=("spine",),
        seconds={"looking": np.float64(0.12345), "fusion": 0.5},
        model="a model",
    )


def test_it_is_plain_json_and_has_exactly_the_fields_of_the_schema(pose):
    result = pose.to_dict()
    assert_fits(result, POSE)
    assert {joint["status"] for joint in result["joints"]} == set(STATUSES)
    assert result["heatmap_joints"] == list(MPII_16.joints)
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_names_order_and_values(pose):
    result = pose.to_dict()
    assert result["schema"] == SCHEMA == "fusion-pose/1"
    assert [joint["name"] for joint in result["joints"]] == list(HUMAN36M_17.joints)
    knee = result["joints"][HUMAN36M_17.index("right_knee")]
    assert knee == {
        "name": "right_knee",
        "position_mm": [2.0, 20.0, -0.67],
        "spread_mm": [20.0, 20.0, 50.5],
        "pixel": [2.25, 98.0],
        "confidence": 0.125,
        "status": "outside",
        "derived_2d": False,
    }
    assert [joint["name"] for joint in result["joints"] if joint["derived_2d"]] == ["spine"]
    assert result["height_mm"] == 1650.0
    assert "1650 mm" in result["size_note"]
    assert result["person"] == {"score": 0.8765, "crop": [1.0, 2.0, 31.0, 32.0], "crop_angle": 45.68}
    assert result["seconds"] == {"looking": 0.1235, "fusion": 0.5}


def test_bones_go_by_name_from_parent_to_child(pose):
    bones = pose.to_dict()["bones"]
    assert ["pelvis", "right_hip"] in bones
    assert ["left_elbow", "left_wrist"] in bones
    assert ["thorax", "right_shoulder"] in bones
    assert len({child for _, child in bones}) == 16


def test_units_and_axes_are_said(pose):
    result = pose.to_dict()
    assert result["units"]["position_mm"] == "millimetre"
    assert "x right, y down, z away" in result["axes"]["position_mm"]
    assert "top-left pixel is (0, 0)" in result["axes"]["pixel"]
    assert "the person's own" in result["sides"]


def test_a_pose_is_not_changed_by_accident(pose):
    with pytest.raises(AttributeError):
        pose.score = 1.0


def test_nobody_is_a_value_error():
    assert issubclass(NoPersonError, ValueError)
