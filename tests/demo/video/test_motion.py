"""The files of a motion."""

import csv
import dataclasses
import io
import json

import jsonschema
import numpy as np
import pytest

from demo.video.motion import COLUMNS, encode_bvh, encode_csv, encode_json
from fusion_model.skeletons import HUMAN36M_17
from tests.helpers.schemas import VIDEO

WRIST = HUMAN36M_17.index("left_wrist")


def test_json_has_a_pose_for_each_frame_and_says_where_it_is_missing(motion):
    document = json.loads(encode_json(motion))
    jsonschema.validate(document, VIDEO)
    assert document["clip"] == {
        "file": "dance.mp4", "width": 400, "height": 300, "frames": 24, "missing_frames": 0,
        "frames_per_second": 25.0, "seconds": 0.96,
    }  # fmt: skip
    assert [(one["frame"], one["found"], one["pose"]) for one in document["frames"]] == [
        (frame, pose is not None, pose and pose.to_dict())
        for frame, pose in zip(motion.frames, motion.poses, strict=True)
    ]
    assert [entry["time"] for entry in document["frames"]] == pytest.approx(motion.times)


def test_csv_has_a_row_for_each_joint_and_frame(motion):
    rows = list(csv.DictReader(io.StringIO(encode_csv(motion).decode())))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 10 * 17 + 2
    assert [int(row["frame"]) for row in rows if row["status"] == "nobody"] == [8, 10]
    wrists = [float(row["y_mm"]) for row in rows if row["joint"] == "left_wrist"]
    assert wrists == [round(float(motion.poses[place].joints_3d[WRIST, 1]), 2) for place in motion.found]
    assert [float(row["time_s"]) for row in rows if row["joint"] == "pelvis"][:2] == [0.0, 0.08]


def headings(motion):
    """Seconds of a frame of the BVH, and the pelvis' heading in degrees in each frame."""
    lines = encode_bvh(motion).decode().splitlines()
    start = lines.index("MOTION")
    count, seconds = (float(line.split(":")[1]) for line in lines[start + 1 : start + 3])
    assert len(lines) == start + 3 + count
    return seconds, np.array([float(line.split()[3]) for line in lines[start + 3 :]])


@pytest.fixture
def turning(motion, turned):
    """The person turns by five degrees from pose to pose, twelve of them."""
    return dataclasses.replace(motion, poses=tuple(turned(5 * place) for place in range(12)))


def test_bvh_of_a_clip_of_varying_pace_has_even_times(turning):
    times = np.array(turning.times)
    times[6:] += 1.92  # a still of two seconds
    seconds, degrees = headings(dataclasses.replace(turning, times=tuple(times)))
    assert seconds == pytest.approx(0.08)
    assert (len(degrees) - 1) * seconds == pytest.approx(times[-1])
    turns = np.interp(seconds * np.arange(len(degrees)), times, 5.0 * np.arange(12))
    assert degrees - degrees[0] == pytest.approx(turns, abs=0.05)


def test_bvh_starts_with_the_clip_and_stays_small(turning):
    times = (0.4, *(0.5 + 1e-4 * np.arange(10)), 30.0)  # the first frames are damaged, then a burst, then nothing
    seconds, degrees = headings(dataclasses.replace(turning, times=times))
    assert seconds == pytest.approx(1 / 240, rel=1e-3)
    assert len(degrees) == 30 * 240 + 1
    assert degrees[: round(0.4 / seconds)] == pytest.approx(degrees[0])
    assert degrees[-1] - degrees[0] == pytest.approx(55, abs=0.05)
