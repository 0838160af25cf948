"""What the page is told of a frame: a skeleton in pixels, and a body of always the same triangles."""

import base64
import json

import numpy as np

from demo.drawing.live_view import live_value, live_view
from fusion_model.skeletons import HUMAN36M_17


def corners(value, name="body"):
    arrays = [np.frombuffer(base64.b64decode(value[name][axis]["data"]), np.int16) for axis in "xyz"]
    return np.stack(arrays, axis=1)


def test_the_triangles_stay_the_same_and_what_is_not_seen_has_no_size(pose, change_pose):
    legs = [name.endswith(("knee", "ankle")) for name in HUMAN36M_17.joints]
    legless = change_pose(status=tuple("outside" if leg else "seen" for leg in legs))
    whole, half = (json.loads(live_value(3, one)) for one in (pose, legless))
    first = json.loads(live_view(HUMAN36M_17.name, "live").props["figure"])
    sizes = {trace["name"]: len(base64.b64decode(trace["intensity"]["bdata"])) for trace in first["data"][-2:]}
    body, trunk = corners(whole), corners(half)
    assert body[:, 2].min() == 0
    assert 1600 < body[:, 2].max() < 1800  # as tall as the person
    assert len(body) == len(trunk) == sizes["body"]
    assert trunk[:, 2].max() < body[:, 2].max() - 500  # the trunk is on the floor
    assert np.unique(trunk, axis=0, return_counts=True)[1].max() > sizes["body"] / 5
    assert len(corners(whole, "shadow")) == sizes["shadow"]
    faint = base64.b64decode(half["shadow"]["intensity"]["data"])
    assert set(faint[: 2 * sizes["shadow"] // 3]) == {0}  # of the feet
