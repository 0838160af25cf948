"""A clip in, the poses of one person through it out: ``motion_steps``, ``smooth_motion``, ``file_steps``.

Frames are streamed and only joints are kept, so memory does not grow with the clip. At most ``MAX_POSES`` frames are
processed, evenly spread, so the work is bounded. Only ``motion_steps`` runs the networks: to turn smoothing on or off,
write the files again from the same motion. Both are generators, which whoever drives them may close between two steps.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Generator, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from demo.drawing.overlays import draw_people
from demo.video.clips import clip_writer
from demo.video.motion import Motion, encode_bvh, encode_csv, encode_glb, encode_json
from demo.video.tracker import Track, TrackFrames, track_frames
from fusion_model import NoPersonError, Pose, PoseEstimator
from fusion_model.estimator import CONVENTIONAL_HEIGHT_MM
from fusion_model.files import write_atomically
from fusion_model.video.clips import Clip, open_clip, read_frames

MAX_POSES = 300  # frames processed in one clip
MAX_SIDE = 1280  # pixels of the clip with the skeleton
SUFFIXES = {"mp4": ".skeleton.mp4", "json": ".json", "csv": ".csv", "bvh": ".bvh", "glb": ".glb"}

Step = tuple[float, str]
"""The fraction that is done, and what is being done."""

_Value = TypeVar("_Value")


def motion_steps(
    estimator: PoseEstimator,
    source: str | Path,
    *,
    box: Sequence[float] | None = None,
    height_mm: float = CONVENTIONAL_HEIGHT_MM,
    most_poses: int = MAX_POSES,
    tracker: TrackFrames | None = None,
    piece_pixels: int = 0,
) -> Generator[Step, None, Motion]:
    """Follow one person through a clip.

    Each frame is searched where the person was in the one before. If confidence falls, the whole frame is searched for
    the person who overlaps most with that place. A person lost for a second may be replaced by the best one found.

    Args:
        estimator: the loaded model.
        source: path of the clip; its limits are those of :mod:`fusion_model.video.clips`.
        box: x0, y0, x1, y1 round the person in the first frame, in pixels; None takes the best person found.
        height_mm: the person's height.
        most_poses: at most so many frames are processed, evenly spread; from 1 to ``MAX_POSES``.
        tracker: runs the networks on the frames of a step; None runs :func:`demo.video.tracker.track_frames`.
        piece_pixels: a step takes as many frames as have so many pixels together, at least one.

    Yields:
        The progress, after each step.

    Returns:
        The motion, not smoothed. The same clip gives the same motion.

    Raises:
        FileNotFoundError: if there is no such clip.
        VideoError: if the clip cannot be read or is beyond a limit; says why.
        NoPersonError: if no person is found in any frame, or in the box.
        ValueError: if box, height or ``most_poses`` are unusable; says why.
    """
    if not 1 <= most_poses <= MAX_POSES:
        raise ValueError(f"most_poses must lie between 1 and {MAX_POSES}, got {most_poses}")
    clip = open_clip(source)
    step = math.ceil(clip.frames / most_poses)
    total = math.ceil(clip.frames / step)
    tracker, track = tracker or partial(track_frames, estimator), Track(height_mm, box)
    numbers, times, poses, decoded = [], [], [], set()
    for piece in _pieces(read_frames(clip, step, decoded), piece_pixels // (clip.width * clip.height)):
        found, track = tracker([(seconds, frame) for _, seconds, frame in piece], track)
        numbers += [number for number, _, _ in piece]
        times += [seconds for _, seconds, _ in piece]
        poses += found
        yield len(numbers) / total, f"frame {len(numbers)} of {total}"
    if not any(poses):
        raise NoPersonError("nobody was found in the clip: try one that shows a person larger")
    return Motion(clip.decoded(len(decoded)), step, tuple(numbers), tuple(times), tuple(poses))


def overlay_steps(motion: Motion, target: Path) -> Generator[Step, None, None]:
    """Draw the skeleton on the clip: an MP4 that browsers play, of the processed frames, without sound.

    Frames without the person say so. The longer side has at most ``MAX_SIDE`` pixels.

    Args:
        motion: its poses are drawn; its clip is read again.
        target: the file; it is there as a whole or not at all.

    Yields:
        The progress, after each frame.

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


def file_steps(motion: Motion, folder: str | Path) -> Generator[Step, None, dict[str, Path]]:
    """Write the overlay, then JSON, CSV, BVH and GLB; closed before the overlay is complete, none of them.

    Args:
        motion: as estimated, or smoothed.
        folder: where to; made if it is missing. Files are named after the clip.

    Yields:
        The progress, after each frame that is drawn.

    Returns:
        The files by the keys of ``SUFFIXES``.

    Raises:
        VideoError: if the clip cannot be read any more.
    """
    folder, stem = Path(folder), motion.clip.path.stem
    folder.mkdir(parents=True, exist_ok=True)
    files = {kind: folder / f"{stem}{suffix}" for kind, suffix in SUFFIXES.items()}
    yield from overlay_steps(motion, files["mp4"])
    encoders = {"json": encode_json, "csv": encode_csv, "bvh": encode_bvh, "glb": encode_glb}
    for kind, encode in encoders.items():
        write_atomically(files[kind], encode(motion))
    return files


def _drawn_size(clip: Clip) -> tuple[int, int]:
    """Width and height of the clip with the skeleton: even, as H.264 wants them."""
    scale = min(1.0, MAX_SIDE / max(clip.width, clip.height))
    return tuple(max(2, int(length * scale) // 2 * 2) for length in (clip.width, clip.height))


def _drawn(frame: np.ndarray, pose: Pose | None, size: tuple[int, int]) -> np.ndarray:
    """The frame at its drawn size, with the skeleton, or with a note if there is no pose."""
    factor = np.array(size) / frame.shape[1::-1]
    picture = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    if pose is not None:
        points = ((pose.joints_2d + 0.5) * factor - 0.5).astype(np.float32)
        return draw_people(picture, [dataclasses.replace(pose, joints_2d=points)])
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
