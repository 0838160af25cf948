"""The files of a motion."""

import csv
import dataclasses
import io
import json

import numpy as np
import pytest

from demo.video.motion import COLUMNS, encode_bvh, encode_csv, encode_json
from fusion_model.skeletons import HUMAN36M_17

WRIST = HUMAN36M_17.index("left_wrist")


def test_json_has_a_pose_for_each_frame_and_says_where_it_is_missing(motion):
    frames = [
        {"frame": frame, "time": pytest.approx(time), "found": pose is not None, "pose": pose and pose.to_dict()}
        for frame, time, pose in zip(motion.frames, motion.times, motion.poses, strict=True)
    ]
    clip = {
        "file": "dance.mp4", "width": 400, "height": 300, "frames": 24, "missing_frames": 3,
        "frames_per_second": 25.0, "seconds": 0.96,
    }  # fmt: skip
    lossy = dataclasses.replace(motion, clip=dataclasses.replace(motion.clip, missing=3), smoothed=True)
    assert json.loads(encode_json(lossy)) == {
        "schema": "fusion-pose-video/1", "model": "stand-in", "clip": clip, "step": 2, "smoothed": True,
        "frames": frames,
    }  # fmt: skip


def test_csv_has_a_row_for_each_joint_and_frame(motion):
    rows = list(csv.DictReader(io.StringIO(encode_csv(motion).decode())))
    assert (tuple(rows[0]), len(rows)) == (COLUMNS, 10 * 17 + 2)
    assert [int(row["frame"]) for row in rows if row["status"] == "nobody"] == [8, 10]
    wrists = [float(row["y_mm"]) for row in rows if row["joint"] == "left_wrist"]
    assert wrists == [round(float(motion.poses[place].joints_3d[WRIST, 1]), 2) for place in motion.found]
    assert [float(row["time_s"]) for row in rows if row["joint"] == "pelvis"][:2] == [0.0, 0.08]


def headings(motion, turned, times, away=()):
    poses = tuple(None if place in away else turned(5 * place) for place in range(12))
    lines = encode_bvh(dataclasses.replace(motion, poses=poses, times=tuple(times))).decode().splitlines()
    start = lines.index("MOTION")
    count, seconds = (float(line.split(":")[1]) for line in lines[start + 1 : start + 3])
    assert len(lines) == start + 3 + count
    degrees = np.array([float(line.split()[3]) for line in lines[start + 3 :]])
    return seconds, degrees - degrees[0]


def test_bvh_of_a_clip_of_varying_pace_has_even_times(motion, turned):
    times = np.array(motion.times)
    times[6:] += 1.92  # a still of two seconds
    seconds, degrees = headings(motion, turned, times, away=(8, 9))
    assert (seconds, (len(degrees) - 1) * seconds) == (pytest.approx(0.08), pytest.approx(times[-1]))
    assert degrees == pytest.approx(np.interp(seconds * np.arange(len(degrees)), times, 5.0 * np.arange(12)), abs=0.1)


def test_bvh_starts_with_the_clip_and_stays_small(motion, turned):
    times = (0.4, *(0.5 + 1e-4 * np.arange(10)), 30.0)  # the first frames are damaged, then a burst, then nothing
    seconds, degrees = headings(motion, turned, times)
    assert (seconds, len(degrees)) == (pytest.approx(1 / 240, rel=1e-3), 30 * 240 + 1)
    assert (degrees[: round(0.4 / seconds)], degrees[-1]) == (pytest.approx(0), pytest.approx(55, abs=0.05))
    still = dataclasses.replace(motion, frames=(0,), times=(0.0,), poses=motion.poses[:1])
    assert encode_bvh(still).decode().splitlines()[-3:-1] == ["Frames: 1", "Frame Time: 0.08000000"]
