"""The poses of one person through a clip, and the files made of them."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from demo.exports import as_bvh, as_glb
from demo.exports.as_csv import JOINT_COLUMNS, joint_rows
from fusion_model import Pose
from fusion_model.video.clips import Clip

SCHEMA = "fusion-pose-video/1"
COLUMNS = ("frame", "time_s", *JOINT_COLUMNS)
_MAX_BVH_RATE = 240  # frames a second
NO_PERSON = "nobody"  # the status, in CSV, of a frame without the person


@dataclass(frozen=True)
class Motion:
    """One person through a clip: T frames were processed, of which at least one shows the person.

    Attributes:
        clip: the clip that was read.
        step: every ``step``-th frame was processed.
        frames: T numbers of frames, from 0.
        times: T seconds from the first frame, rising.
        poses: T poses, None where the person was not found; without durations, and with maps of one empty pixel.
        smoothed: whether the joints are smoothed over time.
    """

    clip: Clip
    step: int
    frames: tuple[int, ...]
    times: tuple[float, ...]
    poses: tuple[Pose | None, ...]
    smoothed: bool = False

    @property
    def found(self) -> tuple[int, ...]:
        """Places in ``poses`` where the person is, rising."""
        return tuple(place for place, pose in enumerate(self.poses) if pose is not None)

    @property
    def frame_seconds(self) -> float:
        """Seconds from one processed frame to the next, on average."""
        if len(self.times) == 1:
            return self.step / self.clip.rate
        return (self.times[-1] - self.times[0]) / (len(self.times) - 1)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values, schema ``fusion-pose-video/1``.

        ``clip`` says what was read: file, width and height in pixels as it is shown, frames, frames that are missing
        because the file is damaged or cut off, frames a second on average, seconds. ``step``, ``smoothed`` and
        ``model`` say how it was processed. ``frames`` has an entry for each processed frame: its number ``frame`` from
        0 (missing ones are counted), its ``time`` in seconds, whether the person was ``found``, and the ``pose``
        (schema ``fusion-pose/1``, or null).
        """
        return {
            "schema": SCHEMA,
            "model": self.poses[self.found[0]].model,
            "clip": {
                "file": self.clip.path.name,
                "width": self.clip.width,
                "height": self.clip.height,
                "frames": self.clip.frames,
                "missing_frames": self.clip.missing,
                "frames_per_second": round(self.clip.rate, 4),
                "seconds": round(self.clip.seconds, 4),
            },
            "step": self.step,
            "smoothed": self.smoothed,
            "frames": [
                {
                    "frame": number,
                    "time": round(seconds, 4),
                    "found": pose is not None,
                    "pose": None if pose is None else pose.to_dict(),
                }
                for number, seconds, pose in zip(self.frames, self.times, self.poses, strict=True)
            ],
        }


def encode_json(motion: Motion) -> bytes:
    """Write :meth:`Motion.to_dict` as UTF-8 text.

    Raises:
        ValueError: if a number is not finite, which JSON cannot hold.
    """
    return (json.dumps(motion.to_dict(), allow_nan=False) + "\n").encode()


def encode_csv(motion: Motion) -> bytes:
    """Write a table with a row for each joint of each frame, in UTF-8.

    Units and axes are those of :mod:`demo.exports.as_csv`; ``frame`` counts from 0. A frame without the person has one
    row with the status ``nobody`` and no joint.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for number, seconds, pose in zip(motion.frames, motion.times, motion.poses, strict=True):
        rows = [(*[""] * (len(JOINT_COLUMNS) - 1), NO_PERSON)] if pose is None else joint_rows(pose)
        writer.writerows((number, round(seconds, 4), *row) for row in rows)
    return text.getvalue().encode()


def encode_bvh(motion: Motion) -> bytes:
    """Write the motion as BVH, see :mod:`demo.exports.as_bvh`.

    The format has frames at even times only, from the start of the clip: joints are interpolated linearly between the
    poses before and after, and bones turned accordingly. Before the first pose and after the last one, the person
    stands still.
    """
    times = _even_times(motion)
    seconds = times[1] if len(times) > 1 else motion.frame_seconds
    return as_bvh.encode(_poses_at(motion, times), seconds)


def encode_glb(motion: Motion) -> bytes:
    """Write the motion as glTF, see :mod:`demo.exports.as_glb`: a keyframe for each frame that shows the person."""
    found = motion.found
    return as_glb.encode_motion([motion.poses[k] for k in found], [motion.times[k] for k in found])


def _even_times(motion: Motion) -> np.ndarray:
    """Seconds from the start of the clip to the last processed frame, as far apart as most of those frames are."""
    steps = np.diff(motion.times)
    if not len(steps):
        return np.zeros(1)
    step, end = max(float(np.median(steps)), 1 / _MAX_BVH_RATE), motion.times[-1]
    return np.linspace(0.0, end, max(2, round(end / step) + 1))


def _poses_at(motion: Motion, times: np.ndarray) -> list[Pose]:
    """The person at those times in seconds, joints interpolated."""
    found = list(motion.found)
    joints = np.stack([motion.poses[place].joints_3d for place in found])
    known = np.array(motion.times)[found]
    columns = [np.interp(times, known, column) for column in joints.reshape(len(found), -1).T]
    every = np.stack(columns, axis=1).reshape(-1, *joints.shape[1:])
    return [dataclasses.replace(motion.poses[found[0]], joints_3d=one) for one in every]
