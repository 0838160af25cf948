"""Clips written frame by frame, so that memory does not grow with their length; by PyAV, whose wheels hold H.264.

Reading them is :mod:`fusion_model.video.clips`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from fusion_model.files import replacing

_TICKS = 90_000  # time units a second

Write = Callable[[np.ndarray, float], None]


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
        last = -1

        def write(frame: np.ndarray, seconds: float) -> None:
            nonlocal last
            last = max(last + 1, round(seconds * _TICKS))
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            picture.pts, picture.time_base = last, Fraction(1, _TICKS)
            container.mux(stream.encode(picture))

        yield write
        container.mux(stream.encode(None))
