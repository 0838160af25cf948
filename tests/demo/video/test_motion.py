"""The files of a motion."""

import csv
import dataclasses
import io
import json

import numpy as np
import pytest

from demo.video.motion import encode_bvh, encode_csv, encode_json
from tests.helpers.earlier import assert_as_before


def test_json_and_csv_have_each_joint_of_each_frame_and_say_where_somebody_is_missing(motion):
    lossy = dataclasses.replace(motion, clip=dataclasses.replace(motion.clip, missing=3), smoothed=True)
    document, rows = json.loads(encode_json(lossy)), list(csv.DictReader(io.StringIO(encode_csv(motion).decode())))
    assert (document["schema"], len(document["frames"]), len(rows)) == ("fusion-pose-video/1", 12, 10 * 17 + 2)
    assert [int(row["frame"]) for row in rows if row["status"] == "nobody"] == [8, 10]
    assert_as_before("motion", (document, rows), file="page.json")


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
