"""Clips: read frame by frame and written frame by frame, so that memory does not grow with their length.

Reading is OpenCV's, writing PyAV's: OpenCV's wheels hold no encoder of H.264, the one codec that every browser plays.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from fusion_model.files import replacing
from fusion_model.images import MIN_SIDE

MAX_SECONDS = 30.0
MAX_PIXELS = 3840 * 2160  # of a frame
MAX_BYTES = 100_000_000  # of the file
LIMITS = (
    f"Clips of up to {MAX_SECONDS:g} seconds, {MAX_PIXELS / 1e6:.1f} megapixels a frame "
    f"and {MAX_BYTES // 1_000_000} MB: MP4, MOV, WebM, MKV or AVI."
)
"""The limits in words, to be shown before an upload."""

_MAX_RATE = 1000.0  # frames a second that a header may claim
_SLACK_SECONDS = 0.5  # by which a clip may outlast what its header says
_TICKS = 90_000  # time units a second of what is written
_KINDS = {  # offset and bytes of each container's signature: none of them makes FFmpeg open other files
    "MP4 or MOV": (4, (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")),
    "WebM or MKV": (0, (b"\x1a\x45\xdf\xa3",)),
    "AVI": (8, (b"AVI ",)),
}

Write = Callable[[np.ndarray, float], None]


class VideoError(ValueError):
    """A clip that cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Clip:
    """A clip that can be read and keeps the limits.

    Attributes:
        path: the file.
        width: of a frame in pixels, after a phone's clip is turned upright.
        height: likewise.
        frames: number of frames, by the header or counted.
        rate: frames a second, on average.
    """

    path: Path
    width: int
    height: int
    frames: int
    rate: float

    @property
    def seconds(self) -> float:
        """Length of the clip."""
        return self.frames / self.rate


def open_clip(source: str | Path) -> Clip:
    """Open a clip and check it against the limits.

    Args:
        source: path of the file.

    Raises:
        FileNotFoundError: if there is no such file.
        VideoError: if it is empty, no clip, damaged or beyond a limit; says what was found.
    """
    path = Path(source)
    _check_file(path)
    with closing(_Capture(path)) as capture:
        _check_size(path.name, capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        rate, frames = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
        first = capture.frame() if capture.grab() else None
        if first is None:
            raise VideoError(f"{path.name} holds no frame that can be decoded: save or upload it again")
        height, width = first.shape[:2]
        _check_size(path.name, width, height)
        if not (0 < rate < _MAX_RATE and frames >= 1):  # as of clips that browsers record
            frames, rate = _counted(capture)
    clip = Clip(path, width, height, int(frames), rate)
    if clip.seconds > MAX_SECONDS:
        raise _too_long(path.name, f"{clip.seconds:.1f}")
    return clip


def read_frames(clip: Clip, step: int = 1) -> Iterator[tuple[int, float, np.ndarray]]:
    """Every ``step``-th frame of a clip, one at a time.

    Yields:
        number of the frame from 0, its time in seconds from the first one, (H, W, 3) uint8 RGB, upright.

    Raises:
        VideoError: if the clip goes on beyond the limit that its header kept.
    """
    with closing(_Capture(clip.path)) as capture:
        number, start, last = 0, 0.0, -1.0
        while capture.grab():
            stamp = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            start = stamp if number == 0 else start
            seconds = stamp - start
            if not (math.isfinite(seconds) and seconds > last):  # a container without proper times
                seconds = last + 1 / clip.rate if number else 0.0
            if seconds > MAX_SECONDS + _SLACK_SECONDS:
                raise _too_long(clip.path.name, f"more than {MAX_SECONDS:g}")
            if number % step == 0:
                frame = capture.frame()
                if frame is not None and frame.shape[:2] == (clip.height, clip.width):
                    yield number, seconds, frame
            number, last = number + 1, seconds


@contextmanager
def clip_writer(target: Path, size: tuple[int, int], rate: float) -> Iterator[Write]:
    """Write an MP4 (H.264, 4:2:0) that is there as a whole or not at all, without sound.

    Headless Chromium 156 was seen to play what this writes, and to refuse the `mp4v` that OpenCV would write.

    Args:
        target: the file; it appears when the block is left without an error.
        size: width and height in pixels, both even.
        rate: frames a second, for the header: each frame has its own time.

    Yields:
        A function that takes a frame (H, W, 3) uint8 RGB and its time in seconds; times must rise.
    """
    options = {"movflags": "+faststart"}
    with replacing(target) as part, av.open(str(part), "w", format="mp4", options=options) as container:
        stream = container.add_stream("libx264", rate=Fraction(rate).limit_denominator(1001))
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.options = {"preset": "veryfast", "crf": "23"}
        stream.codec_context.time_base = Fraction(1, _TICKS)

        def write(frame: np.ndarray, seconds: float) -> None:
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            picture.pts, picture.time_base = round(seconds * _TICKS), Fraction(1, _TICKS)
            container.mux(stream.encode(picture))

        yield write
        container.mux(stream.encode(None))


class _Capture:
    """OpenCV's reader, always FFmpeg's, with frames turned as the file says."""

    def __init__(self, path: Path) -> None:
        self._capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        if not self._capture.isOpened():
            raise VideoError(f"{path.name} is damaged or cut off and cannot be read: save or upload it again")
        self._capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
        self.get, self.grab, self.close = self._capture.get, self._capture.grab, self._capture.release

    def frame(self) -> np.ndarray | None:
        """The frame grabbed last, (H, W, 3) uint8 RGB; None if it cannot be decoded."""
        found, frame = self._capture.retrieve()
        return cv2.cvtColor(frame, cv2.COLOR_BGR2RGB) if found else None


def _check_file(path: Path) -> None:
    """Refuse what is no clip by its size and first bytes."""
    if not path.is_file():
        raise FileNotFoundError(f"no clip at {path}")
    size = path.stat().st_size
    if size == 0:
        raise VideoError(f"{path.name} is an empty file: expected a clip (MP4, MOV, WebM, MKV or AVI)")
    if size > MAX_BYTES:
        limit = MAX_BYTES // 1_000_000
        raise VideoError(f"{path.name} has {size / 1e6:.1f} MB: at most {limit} MB are read, cut or shrink it first")
    with path.open("rb") as file:
        head = file.read(12)
    if not any(head[place:].startswith(kinds) for place, kinds in _KINDS.values()):
        raise VideoError(f"{path.name} is not a clip that can be read: expected MP4, MOV, WebM, MKV or AVI")


def _check_size(name: str, width: float, height: float) -> None:
    """Refuse frames too small to show a person or too large to be read in bounded time."""
    if min(width, height) < MIN_SIDE:
        raise VideoError(f"{name} is {width:.0f} x {height:.0f} pixels: a clip needs at least {MIN_SIDE} on each side")
    if width * height > MAX_PIXELS:
        limit = f"{MAX_PIXELS / 1e6:.1f} megapixels"
        raise VideoError(
            f"{name} is {width:.0f} x {height:.0f} pixels: at most {limit} are read, make it smaller first"
        )


def _counted(capture: _Capture) -> tuple[int, float]:
    """Number of frames and frames a second of a clip whose first frame was grabbed; stops beyond the limit."""
    frames, start = 1, capture.get(cv2.CAP_PROP_POS_MSEC)
    seconds = 0.0
    while seconds <= MAX_SECONDS + _SLACK_SECONDS and capture.grab():
        frames += 1
        seconds = (capture.get(cv2.CAP_PROP_POS_MSEC) - start) / 1000
    if seconds <= 0:
        return frames, 25.0
    return frames, (frames - 1) / seconds


def _too_long(name: str, seconds: str) -> VideoError:
    """The refusal of a clip beyond the limit of time."""
    return VideoError(f"{name} lasts {seconds} seconds: at most {MAX_SECONDS:g} are read, cut it first")
