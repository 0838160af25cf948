"""Clips that may be large, long or hostile: checked against the limits, then read frame by frame.

Memory does not grow with the length of a clip.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from fusion_model.files import printable
from fusion_model.images import MIN_SIDE
from fusion_model.video.decoding import (
    KINDS,
    Opened,
    Timeline,
    VideoError,
    decode,
    opened,
    pixel_aspect,
    read_timeline,
    shown_size,
)

MAX_SECONDS = 30.0
MAX_FRAMES = 10_000  # more than a slow-motion camera takes in that time
MAX_PIXELS = 3840 * 2160  # of a frame
MAX_BYTES = 100_000_000  # of the file
LIMITS = (
    f"Clips of up to {MAX_SECONDS:g} seconds and {MAX_FRAMES:,} frames, {MAX_PIXELS / 1e6:.1f} megapixels a frame "
    f"and {MAX_BYTES // 1_000_000} MB: {KINDS}."
)
"""The limits in words, to be shown before an upload."""

_SLACK_SECONDS = 0.5  # who is told 30 seconds often has a few frames more
_MAX_SAMPLES = 3_000_000  # of sound, uncompressed; each takes 60 bytes of memory
_AGAIN = "save or upload it again"


@dataclass(frozen=True)
class Clip:
    """A clip that can be read and keeps the limits.

    Attributes:
        path: the file.
        width: of a frame in pixels, as it is shown: upright and with square pixels.
        height: likewise.
        frames: number of frames that are shown.
        rate: frames a second, on average.
        missing: frames that the file announces, and that cannot be read.
    """

    path: Path
    width: int
    height: int
    frames: int
    rate: float
    missing: int = 0

    @property
    def seconds(self) -> float:
        """How long the clip is shown."""
        return self.frames / self.rate

    def decoded(self, frames: int) -> Clip:
        """The clip, of whose frames so many were decoded: the others are missing, its length is the same."""
        missing = self.missing + self.frames - frames
        return Clip(self.path, self.width, self.height, frames, frames / self.seconds, missing)


def open_clip(source: str | Path) -> Clip:
    """Open a clip and check it against the limits.

    Frames and seconds are those that a player shows, by the times of its packets. Only the first frame is decoded.

    Args:
        source: path of the file.

    Raises:
        FileNotFoundError: if there is no such file.
        VideoError: if it is empty, no clip, damaged or beyond a limit; says what was found.
    """
    path = Path(source)
    name = printable(path.name)
    _check_file(path, name)
    with _opened(path) as (container, stream):
        aspect, codec = pixel_aspect(stream), stream.codec_context.codec.name
        _check_size(name, *shown_size(stream.width, stream.height, aspect))
        timeline = read_timeline(container, stream, MAX_FRAMES)
    _check_length(name, timeline)
    with _opened(path) as (container, stream):
        first = next(decode(container, stream, timeline), None)
        if first is None:
            raise VideoError(f"{name} holds no frame that can be decoded ({codec}): {_AGAIN}")
        width, height = first.size
    _check_size(name, width, height)
    frames = len(timeline.times)
    return Clip(path, width, height, frames, frames / timeline.seconds, timeline.lost)


def read_frames(clip: Clip, step: int = 1, decoded: set[int] | None = None) -> Iterator[tuple[int, float, np.ndarray]]:
    """Every ``step``-th frame of a clip, one at a time; where that one is damaged, the next one that is not.

    Args:
        clip: the clip; where frames of another size follow, they are fitted into its size.
        step: 1 for all frames.
        decoded: takes the number of every frame that could be decoded, whether or not it is yielded.

    Yields:
        number of the frame from 0, its time in seconds from the first one, (H, W, 3) uint8 RGB as it is shown.

    Raises:
        VideoError: if the file cannot be read any more.
    """
    with _opened(clip.path) as (container, stream):
        timeline = read_timeline(container, stream, MAX_FRAMES)
    due, last = 0, -1
    with _opened(clip.path) as (container, stream):
        for picture in decode(container, stream, timeline):
            if picture.number <= last:
                continue
            last = picture.number
            if decoded is not None:
                decoded.add(last)
            if last >= due:
                due = last - last % step + step
                yield last, picture.seconds, _fitted(picture.shown(), clip.width, clip.height)


def _opened(path: Path) -> AbstractContextManager[Opened]:
    """The container and its video stream, as far as the limits allow; decoders round a frame's size up."""
    return opened(path, max_pixels=2 * MAX_PIXELS, max_samples=_MAX_SAMPLES)


def _fitted(frame: np.ndarray, width: int, height: int) -> np.ndarray:
    """A frame (H, W, 3) of any size, in the middle of one of that size, with its own proportions."""
    tall, wide = frame.shape[:2]
    if (wide, tall) == (width, height):
        return frame
    scale = min(width / wide, height / tall)
    wide, tall = max(1, round(scale * wide)), max(1, round(scale * tall))
    whole, left, top = np.zeros((height, width, 3), np.uint8), (width - wide) // 2, (height - tall) // 2
    whole[top : top + tall, left : left + wide] = cv2.resize(frame, (wide, tall), interpolation=cv2.INTER_AREA)
    return whole


def _check_file(path: Path, name: str) -> None:
    """Refuse a file by its size."""
    if not path.is_file():
        raise FileNotFoundError(f"no clip at {printable(str(path))}")
    size = path.stat().st_size
    if size == 0:
        raise VideoError(f"{name} is an empty file: expected a clip ({KINDS})")
    if size > MAX_BYTES:
        limit = MAX_BYTES // 1_000_000
        raise VideoError(f"{name} has {size / 1e6:.1f} MB: at most {limit} MB are read, cut or shrink it first")


def _check_size(name: str, width: int, height: int) -> None:
    """Refuse frames too small to show a person or too large to be read in bounded time."""
    limit = f"{MAX_PIXELS / 1e6:.1f} megapixels"
    if not width * height:
        raise VideoError(f"{name} has frames of more than {limit}, or of no size: make it smaller first")
    if min(width, height) < MIN_SIDE:
        raise VideoError(f"{name} is {width} x {height} pixels: a clip needs at least {MIN_SIDE} on each side")
    if width * height > MAX_PIXELS:
        raise VideoError(f"{name} is {width} x {height} pixels: at most {limit} are read, make it smaller first")


def _check_length(name: str, timeline: Timeline) -> None:
    """Refuse what is too long or has too many frames to be read in bounded time."""
    frames, seconds = len(timeline.times), timeline.seconds
    if not frames:
        raise VideoError(f"{name} is damaged or cut off and holds no frame: {_AGAIN}")
    if seconds > MAX_SECONDS + _SLACK_SECONDS:
        found = f"more than {MAX_SECONDS:g}" if frames > MAX_FRAMES else f"{seconds:.1f}"
        raise VideoError(f"{name} lasts {found} seconds: at most {MAX_SECONDS:g} are read, cut it first")
    if frames + timeline.lost > MAX_FRAMES:
        raise VideoError(f"{name} has more than {MAX_FRAMES:,} frames: at most so many are read, cut it first")
