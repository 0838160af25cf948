"""A clip in, the poses of one person through it out: ``estimate_motion``, ``smooth_motion``, ``write_files``.

Frames are streamed and only joints are kept, so memory does not grow with the clip. At most ``MOST_POSES`` frames are
looked at, evenly spread, so the work is bounded. The networks are needed by ``estimate_motion`` alone: whoever turns
smoothing on or off writes the files again from the same motion.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from demo.drawing.overlays import draw_skeleton
from demo.predict import write_atomically
from demo.video.clips import Clip, clip_writer, open_clip, read_frames
from demo.video.motion import Motion, encode_bvh, encode_csv, encode_json
from demo.video.tracker import Look, Track, follow
from fusion_model import NoPersonError, Pose, PoseEstimator
from fusion_model.estimator import CONVENTIONAL_HEIGHT_MM

MOST_POSES = 300  # frames looked at in one clip
LONGEST_SIDE = 1280  # pixels of the clip with the skeleton
SUFFIXES = {"mp4": ".skeleton.mp4", "json": ".json", "csv": ".csv", "bvh": ".bvh"}

Progress = Callable[[float, str], object]
"""Takes the share that is done, in [0, 1], and what is being done: such as a ``gr.Progress``."""

Step = tuple[float, str]
"""The share that is done, in [0, 1], and what is being done."""

_Value = TypeVar("_Value")


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
        source: path of the clip; its limits are those of :mod:`demo.video.clips`.
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
    steps = motion_steps(estimator, source, box=box, height_mm=height_mm, most_poses=most_poses)
    return _finish(steps, progress, cancelled)


def motion_steps(
    estimator: PoseEstimator,
    source: str | Path,
    *,
    box: Sequence[float] | None = None,
    height_mm: float = CONVENTIONAL_HEIGHT_MM,
    most_poses: int = MOST_POSES,
    look: Look | None = None,
    piece_pixels: int = 0,
) -> Generator[Step, None, Motion]:
    """Do what :func:`estimate_motion` does, in steps between which whoever drives them may stop.

    Args:
        estimator: the loaded model.
        source: path of the clip.
        box: as for :func:`estimate_motion`.
        height_mm: the person's height.
        most_poses: at most so many frames are looked at.
        look: runs the networks on the frames of a step; None calls :func:`follow` here.
        piece_pixels: a step takes as many frames as have so many pixels together, at least one.

    Yields:
        How far it is, after each step.

    Returns:
        The motion, not smoothed; errors are those of :func:`estimate_motion`.
    """
    if not 1 <= most_poses <= MOST_POSES:
        raise ValueError(f"most_poses must lie between 1 and {MOST_POSES}, got {most_poses}")
    clip = open_clip(source)
    step = math.ceil(clip.frames / most_poses)
    total = math.ceil(clip.frames / step)
    look, track = look or partial(follow, estimator), Track(height_mm, box)
    numbers, times, poses = [], [], []
    for piece in _pieces(read_frames(clip, step), piece_pixels // (clip.width * clip.height)):
        found, track = look([(seconds, frame) for _, seconds, frame in piece], track)
        numbers += [number for number, _, _ in piece]
        times += [seconds for _, seconds, _ in piece]
        poses += found
        yield len(numbers) / total, f"frame {len(numbers)} of {total}"
    if not any(poses):
        raise NoPersonError("nobody was found in the clip: try one that shows a person larger")
    return Motion(clip, step, tuple(numbers), tuple(times), tuple(poses))


def overlay_steps(motion: Motion, target: Path) -> Generator[Step, None, None]:
    """Draw the skeleton on the clip: an MP4 that browsers play, of the frames looked at, without sound.

    Frames where nobody was found say so. The longer side has at most ``LONGEST_SIDE`` pixels.

    Args:
        motion: what is drawn; its clip is read again.
        target: the file; it is there as a whole or not at all.

    Yields:
        How far it is, after each frame.

    Raises:
        VideoError: if the clip cannot be read any more.
    """
    size = _drawn_size(motion.clip)
    poses, done = dict(zip(motion.frames, motion.poses, strict=True)), 0
    with clip_writer(target, size, 1 / motion.frame_seconds) as write:
        for number, seconds, frame in read_frames(motion.clip, motion.step):
            write(_drawn(frame, poses.get(number), size), seconds)
            done += 1
            yield done / len(poses), f"drawing {done} of {len(poses)}"


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
        progress: called for each frame that is drawn.
        cancelled: asked before each frame whether to stop.

    Returns:
        The files by the keys of ``SUFFIXES``.

    Raises:
        VideoError: if the clip cannot be read any more.
        ClipCancelledError: if ``cancelled`` said so.
    """
    return _finish(file_steps(motion, folder), progress, cancelled)


def file_steps(motion: Motion, folder: str | Path) -> Generator[Step, None, dict[str, Path]]:
    """Do what :func:`write_files` does, in steps between which whoever drives them may stop.

    Yields:
        How far it is, after each frame that is drawn.

    Returns:
        The files by the keys of ``SUFFIXES``.
    """
    folder, stem = Path(folder), motion.clip.path.stem
    folder.mkdir(parents=True, exist_ok=True)
    files = {kind: folder / f"{stem}{suffix}" for kind, suffix in SUFFIXES.items()}
    yield from overlay_steps(motion, files["mp4"])
    for kind, encode in (("json", encode_json), ("csv", encode_csv), ("bvh", encode_bvh)):
        write_atomically(files[kind], encode(motion))
    return files


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


def _pieces(items: Iterable[_Value], size: int) -> Iterator[list[_Value]]:
    """Lists of so many items, at least one; only one list is kept."""
    rest = iter(items)
    while piece := list(itertools.islice(rest, max(1, size))):
        yield piece


def _finish(
    steps: Generator[Step, None, _Value], progress: Progress | None, cancelled: Callable[[], bool] | None
) -> _Value:
    """Drive steps to their end, or until somebody wants to stop."""
    while True:
        if cancelled is not None and cancelled():
            steps.close()
            raise ClipCancelledError("cancelled")
        try:
            share, text = next(steps)
        except StopIteration as end:
            return end.value
        if progress is not None:
            progress(min(1.0, share), text)  # headers may announce too few frames
