"""One person before a camera, frame by frame, as they come."""

from __future__ import annotations

import base64
import binascii
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from demo.video.smoothing import smooth_newest
from demo.video.tracker import Track, track_frames
from fusion_model import Pose, PoseEstimator
from fusion_model.estimator import CONVENTIONAL_HEIGHT_MM
from fusion_model.images import load_photo

MAX_BYTES = 2_000_000
_HEAD = "data:image/jpeg;base64,"
_MEMORY = 8  # poses that smoothing looks back at


@dataclass(frozen=True)
class Live:
    """What is known of the person after a frame.

    Attributes:
        track: of the tracker.
        recent: seconds and pose of the last frames without a gap; empty while nobody is found.
    """

    track: Track
    recent: tuple[tuple[float, Pose], ...] = ()

    @property
    def pose(self) -> Pose | None:
        """The person in the newest frame, joints smoothed; None if not found."""
        times, poses = zip(*self.recent, strict=True) if self.recent else ((), ())
        return smooth_newest(poses, times) if poses else None


def follow(estimator: PoseEstimator, frame: np.ndarray, seconds: float, live: Live | None) -> Live:
    """Find the person in one more frame.

    Args:
        estimator: the loaded model.
        frame: (H, W, 3) uint8 RGB.
        seconds: when it came; rises from frame to frame.
        live: after the frame before; None before the first one, which is searched for the best person.
    """
    live = live or Live(Track(CONVENTIONAL_HEIGHT_MM))
    (pose,), track = track_frames(estimator, [(seconds, frame)], live.track)
    return Live(track, () if pose is None else (*live.recent[1 - _MEMORY :], (seconds, pose)))


def decode_frame(sent: object) -> np.ndarray:
    """A frame as the browser sends it, a JPEG picture in a data URL: (H, W, 3) uint8 RGB.

    Raises:
        ValueError: if it is anything else, or damaged.
    """
    wanted = f"expected a JPEG picture of at most {MAX_BYTES // 10**6} MB in a data URL"
    if not isinstance(sent, str) or not sent.startswith(_HEAD) or len(sent) > MAX_BYTES:
        raise ValueError(f"the camera's frame cannot be read: {wanted}")
    try:
        data = base64.b64decode(sent[len(_HEAD) :], validate=True)
        picture = Image.open(io.BytesIO(data), formats=["JPEG"])
    except (binascii.Error, OSError) as error:
        raise ValueError(f"the camera's frame is damaged: {wanted}") from error
    return load_photo(picture)
