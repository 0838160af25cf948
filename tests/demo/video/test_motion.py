"""Smoothing of joints over time, and motions as they are kept."""

import csv
import dataclasses
import io
import json
from itertools import product

import numpy as np
import pytest

from demo.video.motion import encode_bvh, encode_csv, encode_json
from demo.video.smoothing import one_euro, smooth_motion, smooth_newest
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


def filtered(places, times, sure):
    """The paper's formulas for one joint, from frame to frame, the factors scaled by its confidence."""
    shown, speed = [places[0]], np.zeros(3)
    for now in range(1, len(places)):
        lasted, weight = times[now] - times[now - 1], 0.2 + 0.8 * sure[now]
        turn = 2 * np.pi * 1.0 * lasted
        speed = speed + weight * turn / (turn + 1) * ((places[now] - places[now - 1]) / lasted - speed)
        turn = 2 * np.pi * (1.2 + 9.0 * np.linalg.norm(speed)) * lasted
        shown.append(shown[-1] + weight * turn / (turn + 1) * (places[now] - shown[-1]))
    return np.array(shown)


def test_each_joint_is_filtered_at_its_own_speed_and_confidence_and_by_the_time_between_frames():
    rng, times = np.random.default_rng(0), np.array([0.0, 0.04, 0.1, 0.3, 0.31])
    values, sure = rng.normal(0, [[0.01], [0.1]], (5, 2, 3)), rng.uniform(0, 1, (5, 2))
    smooth = one_euro(values, times, sure)
    for joint in range(2):
        places, trust = values[:, joint], sure[:, joint]
        backward = filtered(places[::-1], -times[::-1], trust[::-1])[::-1]
        assert smooth[:, joint] == pytest.approx((filtered(places, times, trust) + backward) / 2)


def test_smoothing_changes_joints_only_to_their_own_scales_and_nothing_crosses_a_gap(motion):
    rng, times = np.random.default_rng(1), np.array([0, 1, 2, 4, 5, 6, 7, 8, 10, 11, 12, 13]) / 12
    poses = [
        pose and dataclasses.replace(pose, joints_2d=pose.joints_2d + rng.normal(0, 3, (17, 2)).astype(np.float32))
        for pose in motion.poses
    ]
    smooth = smooth_motion(dataclasses.replace(motion, poses=tuple(poses), times=tuple(times)))
    assert (smooth.smoothed, smooth.found) == (True, motion.found)
    assert (smooth.poses[0].confidence == motion.poses[0].confidence).all()
    for run, (name, size) in product((slice(4), slice(6, 12)), (("joints_2d", 300), ("joints_3d", 1700))):
        values, given = (np.stack([getattr(pose, name) for pose in some[run]]) for some in (smooth.poses, poses))
        assert values.dtype == np.float32
        confidence = np.stack([pose.confidence for pose in poses[run]])
        assert values == pytest.approx(size * one_euro(given / size, times[run], confidence), abs=1e-3)
    newest, trust = smooth_newest(poses[:4], times[:4]), [pose.confidence[0] for pose in poses[:4]]
    pelvis = filtered(np.pad([pose.joints_2d[0] for pose in poses[:4]], ((0, 0), (0, 1))) / 300, times, trust)
    assert newest.joints_2d[0] == pytest.approx(300 * pelvis[-1, :2], abs=1e-3)  # nothing comes after it
