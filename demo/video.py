"""A clip in, the poses of one person through it out: ``estimate_motion``, ``smooth_motion``, ``write_files``.

Frames are streamed and only joints are kept, so memory does not grow with the clip. At most ``MOST_POSES`` frames are
looked at, evenly spread, so the work is bounded. The networks are needed by ``estimate_motion`` alone: whoever turns
smoothing on or off writes the files again from the same motion.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from demo.clips import Clip, clip_writer, open_clip, read_frames
from demo.motion import Motion, encode_bvh, encode_csv, encode_json
from demo.overlays import draw_skeleton
from demo.predict import write_atomically
from fusion_model import NoPersonError, Pose, PoseEstimator
from fusion_model.estimator import CONVENTIONAL_HEIGHT_MM

MOST_POSES = 300  # frames looked at in one clip
LONGEST_SIDE = 1280  # pixels of the clip with the skeleton
SUFFIXES = {"mp4": ".skeleton.mp4", "json": ".json", "csv": ".csv", "bvh": ".bvh"}

Progress = Callable[[float, str], object]
"""Takes the share that is done, in [0, 1], and what is being done: such as a ``gr.Progress``."""

_TRUST = 0.8  # below this share of the person threshold the whole frame is searched
_SEARCH_SECONDS = 0.5  # from a search to the next, at least
_FORGET_SECONDS = 1.0  # after which somebody who got lost may be anybody
_LEAST_OVERLAP = 0.15  # IoU with where the person was
_ENLARGED = 1.15  # the box of a whole body, for what it does until the next frame
_LEAST_INSIDE = 0.7  # share of the joints that makes a whole body
_LEAST_HALF = 8.0  # pixels


class ClipCancelledError(Exception):
    """Somebody cancelled; nothing was left behind."""


def estimate_motion(
    estimator: PoseEstimator,
    source: str | Path,
    *,
    box: Sequence[float] | None = None,
    height_mm: float = CONVENTIONAL_HEIGHT_MM,
    most_poses: int = MOST_POSES,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Motion:
    """Follow one person through a clip.

    Where the person is in one frame, the next one is looked at; where confidence falls, the whole frame is searched for
    whoever overlaps with where the person was. Somebody lost for a second may be replaced by the best person found.

    Args:
        estimator: the loaded model.
        source: path of the clip; its limits are those of :mod:`demo.clips`.
        box: x0, y0, x1, y1 round the person in the first frame, in pixels; None takes the best person found.
        height_mm: the person's height.
        most_poses: at most so many frames are looked at, evenly spread; from 1 to ``MOST_POSES``.
        progress: called for each frame looked at.
        cancelled: asked before each frame whether to stop.

    Returns:
        The motion, not smoothed. The same clip gives the same motion.

    Raises:
        FileNotFoundError: if there is no such clip.
        VideoError: if the clip cannot be read or is beyond a limit; says why.
        NoPersonError: if nobody is found in any frame, or in the box.
        ValueError: if box, height or ``most_poses`` are unusable; says why.
        ClipCancelledError: if ``cancelled`` said so.
    """
    if not 1 <= most_poses <= MOST_POSES:
        raise ValueError(f"most_poses must lie between 1 and {MOST_POSES}, got {most_poses}")
    clip = open_clip(source)
    step = math.ceil(clip.frames / most_poses)
    total = math.ceil(clip.frames / step)
    follower = _Follower(estimator, height_mm)
    frames, times, poses = [], [], []
    for number, seconds, frame in read_frames(clip, step):
        _stop_if(cancelled)
        pose = follower.start(frame, box) if not frames and box is not None else follower.follow(frame, seconds)
        frames.append(number)
        times.append(seconds)
        poses.append(None if pose is None else _joints_only(pose))
        _report(progress, len(frames) / total, f"frame {len(frames)} of {total}")
    if not any(poses):
        raise NoPersonError("nobody was found in the clip: try one that shows a person larger")
    return Motion(clip, step, tuple(frames), tuple(times), tuple(poses))


def write_overlay(
    motion: Motion,
    target: Path,
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> None:
    """Draw the skeleton on the clip: an MP4 that browsers play, of the frames looked at, without sound.

    Frames where nobody was found say so. The longer side has at most ``LONGEST_SIDE`` pixels.

    Args:
        motion: what is drawn; its clip is read again.
        target: the file; it is there as a whole or not at all.
        progress: called for each frame.
        cancelled: asked before each frame whether to stop.

    Raises:
        VideoError: if the clip cannot be read any more.
        ClipCancelledError: if ``cancelled`` said so.
    """
    size = _drawn_size(motion.clip)
    poses, done = dict(zip(motion.frames, motion.poses, strict=True)), 0
    with clip_writer(target, size, 1 / motion.frame_seconds) as write:
        for number, seconds, frame in read_frames(motion.clip, motion.step):
            _stop_if(cancelled)
            write(_drawn(frame, poses.get(number), size), seconds)
            done += 1
            _report(progress, done / len(poses), f"drawing {done} of {len(poses)}")


def write_files(
    motion: Motion,
    folder: str | Path,
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> dict[str, Path]:
    """Write the overlay, and the motion as JSON, CSV and BVH; if cancelled, none of them.

    Args:
        motion: as estimated, or smoothed.
        folder: where to; made if it is not there. Files are named after the clip.
        progress: as for :func:`write_overlay`, which is what takes time.
        cancelled: likewise.

    Returns:
        The files by the keys of ``SUFFIXES``.

    Raises:
        VideoError: if the clip cannot be read any more.
        ClipCancelledError: if ``cancelled`` said so.
    """
    folder, stem = Path(folder), motion.clip.path.stem
    folder.mkdir(parents=True, exist_ok=True)
    files = {kind: folder / f"{stem}{suffix}" for kind, suffix in SUFFIXES.items()}
    write_overlay(motion, files["mp4"], progress=progress, cancelled=cancelled)
    for kind, encode in (("json", encode_json), ("csv", encode_csv), ("bvh", encode_bvh)):
        write_atomically(files[kind], encode(motion))
    return files


class _Follower:
    """Keeps one person from frame to frame.

    Args:
        estimator: the loaded model.
        height_mm: the person's height.
    """

    def __init__(self, estimator: PoseEstimator, height_mm: float) -> None:
        self._estimator, self._height_mm = estimator, height_mm
        self._threshold = _TRUST * estimator.config.calibration.person
        self._last: Pose | None = None  # where the person was, None while anybody will do
        self._before: Pose | None = None  # and the frame before
        self._seen_at = self._search_at = 0.0

    def start(self, frame: np.ndarray, box: Sequence[float]) -> Pose:
        """The person in a box of the first frame; NoPersonError if nobody is there."""
        self._last = self._estimator(frame, box=box, height_mm=self._height_mm)
        return self._last

    def follow(self, frame: np.ndarray, seconds: float) -> Pose | None:
        """The person in a frame (H, W, 3), or None."""
        pose = self._look_where_last(frame)
        if (pose is None or pose.score < self._threshold) and seconds >= self._search_at:
            self._search_at = seconds + _SEARCH_SECONDS
            searched = self._search(frame)
            if searched is not None and (pose is None or searched.score > pose.score):
                pose, self._before = searched, None
            else:
                self._before = self._last
        else:
            self._before = self._last
        if pose is not None:
            self._last, self._seen_at = pose, seconds
        elif seconds - self._seen_at > _FORGET_SECONDS:
            self._last = None
        return pose

    def _look(self, frame: np.ndarray, box: np.ndarray | None) -> Pose | None:
        """The person in a box, or the best one; None if there is nobody."""
        try:
            return self._estimator(frame, box=box, height_mm=self._height_mm)
        except NoPersonError:
            return None

    def _look_where_last(self, frame: np.ndarray) -> Pose | None:
        """Whoever is where the person was, unless that is beyond the frame."""
        if self._last is None:
            return None
        box = next_box(self._last, self._before, self._estimator.config.crop.margin)
        height, width = frame.shape[:2]
        touches = (box[:2] < (width, height)).all() and (box[2:] > 0).all()
        return self._look(frame, box) if touches else None

    def _search(self, frame: np.ndarray) -> Pose | None:
        """The person in the whole frame: who overlaps most with where the person was."""
        best = self._look(frame, None)
        if best is None or self._last is None or _overlap(_extent(best), _extent(self._last)) >= _LEAST_OVERLAP:
            return best
        boxes, _ = self._estimator.find_people(frame)
        overlaps = [_overlap(box, _extent(self._last)) for box in boxes]
        if max(overlaps, default=0.0) < _LEAST_OVERLAP:
            return None
        return self._look(frame, boxes[int(np.argmax(overlaps))])


def next_box(pose: Pose, before: Pose | None, margin: float) -> np.ndarray:
    """Where to look for the person in the next frame.

    A whole body is looked for round its joints, enlarged. One that the frame cuts off shows too few joints for that:
    the crop keeps its size and goes along with the joints that are seen in both frames.

    Args:
        pose: the person in this frame.
        before: the person in the frame before, None if unknown.
        margin: side of the crop over that of the box.

    Returns:
        (4,) float64 x0, y0, x1, y1 in pixels.
    """
    inside = np.array([status != "outside" for status in pose.status])
    if inside.mean() >= _LEAST_INSIDE:
        low, high = pose.joints_2d[inside].min(0), pose.joints_2d[inside].max(0)
        middle, half = (low + high) / 2, np.maximum(_ENLARGED * (high - low) / 2, _LEAST_HALF)
        return np.concatenate((middle - half, middle + half)).astype(np.float64)
    middle, half = _middle(pose), (pose.box[2] - pose.box[0]) / 2 / margin
    if before is not None:
        both = [k for k, pair in enumerate(zip(pose.status, before.status, strict=True)) if set(pair) == {"seen"}]
        if both:
            moved = (pose.joints_2d[both] - _middle(pose)) - (before.joints_2d[both] - _middle(before))
            middle = middle + np.median(moved, axis=0)
    return np.concatenate((middle - half, middle + half)).astype(np.float64)


def _middle(pose: Pose) -> np.ndarray:
    """(2,) centre of the crop."""
    return (pose.box[:2] + pose.box[2:]) / 2


def _extent(pose: Pose) -> np.ndarray:
    """(4,) box round the joints in the frame, or the crop if there are none."""
    inside = np.array([status != "outside" for status in pose.status])
    if not inside.any():
        return pose.box
    return np.concatenate((pose.joints_2d[inside].min(0), pose.joints_2d[inside].max(0)))


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two boxes (4,)."""
    sides = np.clip(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0, None)
    common = float(sides.prod())
    union = float((one[2:] - one[:2]).prod() + (other[2:] - other[:2]).prod()) - common
    return common / max(union, 1e-9)


def _joints_only(pose: Pose) -> Pose:
    """A pose without what is large or differs from run to run: its maps are one empty pixel each."""
    return dataclasses.replace(pose, heatmaps=np.zeros((len(pose.heatmaps), 1, 1), np.float32), seconds={})


def _drawn_size(clip: Clip) -> tuple[int, int]:
    """Width and height of the clip with the skeleton: even, as H.264 wants them."""
    scale = min(1.0, LONGEST_SIDE / max(clip.width, clip.height))
    return tuple(max(2, int(length * scale) // 2 * 2) for length in (clip.width, clip.height))


def _drawn(frame: np.ndarray, pose: Pose | None, size: tuple[int, int]) -> np.ndarray:
    """The frame at its drawn size, with the skeleton, or with the words that nobody was found."""
    factor = np.array(size) / frame.shape[1::-1]
    picture = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    if pose is not None:
        points = ((pose.joints_2d + 0.5) * factor - 0.5).astype(np.float32)
        return draw_skeleton(picture, dataclasses.replace(pose, joints_2d=points))
    scale = size[0] / 640
    place = (round(16 * scale), round(36 * scale))
    for colour, width in (((20, 20, 20), 6), ((255, 255, 255), 2)):
        thickness = max(1, round(width * scale))
        cv2.putText(picture, "nobody found", place, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, thickness, cv2.LINE_AA)
    return picture


def _stop_if(cancelled: Callable[[], bool] | None) -> None:
    """Raise if somebody wants to stop."""
    if cancelled is not None and cancelled():
        raise ClipCancelledError("cancelled")


def _report(progress: Progress | None, share: float, text: str) -> None:
    """Tell how far it is; headers may announce too few frames."""
    if progress is not None:
        progress(min(1.0, share), text)
