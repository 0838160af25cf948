"""What the page is told of a frame: a skeleton in pixels, and a body of always the same triangles."""

import base64
import json

import numpy as np
import pytest

from demo.drawing.live_view import live_value, live_view
from fusion_model.skeletons import HUMAN36M_17


def read(pose):
    return json.loads(live_value(3, pose))


def corners(value, name="body"):
    arrays = [np.frombuffer(base64.b64decode(value[name][axis]["data"]), np.int16) for axis in "xyz"]
    return np.stack(arrays, axis=1)


@pytest.fixture
def legless(change_pose):
    """The same person with legs beyond the frame."""
    legs = [name.endswith(("knee", "ankle")) for name in HUMAN36M_17.joints]
    return change_pose(status=tuple("outside" if leg else "seen" for leg in legs))


def test_the_triangles_stay_the_same_and_what_is_not_seen_has_no_size(pose, legless):
    first = json.loads(live_view(HUMAN36M_17.name, "live").props["figure"])
    sizes = {trace["name"]: len(base64.b64decode(trace["intensity"]["bdata"])) for trace in first["data"][-2:]}
    whole, half = corners(read(pose)), corners(read(legless))
    assert whole[:, 2].min() == 0
    assert 1600 < whole[:, 2].max() < 1800  # as tall as the person
    assert len(whole) == len(half) == sizes["body"]
    assert half[:, 2].max() < whole[:, 2].max() - 500  # the trunk is on the floor
    _, times = np.unique(half, axis=0, return_counts=True)
    assert times.max() > sizes["body"] / 5
    assert len(corners(read(pose), "shadow")) == sizes["shadow"]
    faint = base64.b64decode(read(legless)["shadow"]["intensity"]["data"])
    assert set(faint[: 2 * sizes["shadow"] // 3]) == {0}  # of the feet
