"""The bundled checkpoint on the bundled photo, through the served endpoint, against joints marked by hand."""

import json

import numpy as np
import pytest
from gradio_client import Client, handle_file

from fusion_model import PoseEstimator
from tests.helpers.serving import served


@pytest.fixture(scope="module")
def answer(example):
    """What ``/estimate_pose`` says of the portrait, by joint name."""
    with served(PoseEstimator.from_pretrained("default")) as url:
        result = Client(url, verbose=False).predict(handle_file(example), api_name="/estimate_pose")
    return {joint["name"]: joint for joint in result["joints"]}


@pytest.fixture(scope="module")
def marks(example):
    """Joints marked by hand on the photo."""
    return json.loads(example.with_suffix(".json").read_text(encoding="utf-8"))


def test_there_are_seventeen_joints(answer):
    assert len(answer) == 17


def test_all_marked_joints_but_one_are_hit(answer, marks):
    reach = 0.2 * marks["torso_px"]
    distance = {name: np.linalg.norm(np.subtract(answer[name]["pixel"], at)) for name, at in marks["joints"].items()}
    missed = {name: round(float(far)) for name, far in distance.items() if far > reach}
    assert len(missed) <= 1, f"farther than {reach:.0f} px: {missed}"


def test_the_legs_are_beyond_the_frame(answer):
    legs = [f"{side}_{joint}" for side in ("left", "right") for joint in ("knee", "ankle")]
    assert {name: answer[name]["status"] for name in legs} == dict.fromkeys(legs, "outside")
