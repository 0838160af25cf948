"""Tracks one person from frame to frame of a clip."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fusion_model import NoPersonError, Pose, PoseEstimator
from fusion_model.boxes import iou

Frame = tuple[float, np.ndarray]
"""Seconds from the first frame, and (H, W, 3) uint8 RGB."""

_SEARCH_BELOW = 0.8  # of the estimator's trust_score: a lower score calls for a search of the whole frame
_SEARCH_SECONDS = 0.5  # from one search to the next, at least
_FORGET_SECONDS = 1.0  # after which any person may replace the lost one
_MIN_IOU = 0.15  # with where the person was
_ENLARGED = 1.15  # the box of a whole body, for its motion until the next frame
_MIN_INSIDE = 0.7  # fraction of the joints that makes a whole body
_MIN_HALF_SIDE = 8.0  # pixels


@dataclass
class Track:
    """The tracker's state from frame to frame: small, so that it can be sent to another process and back.

    Attributes:
        height_mm: the person's height.
        box: of the person in the first frame; None after that frame, and where any person will do.
        last: the person, as seen last; None while any person will do.
        before: the same in the frame before.
        seen_at: seconds of the frame in which the person was seen last.
        search_at: seconds from which the whole frame may be searched again.
    """

    height_mm: float
    box: Sequence[float] | None = None
    last: Pose | None = None
    before: Pose | None = None
    seen_at: float = 0.0
    search_at: float = 0.0


TrackFrames = Callable[[Sequence[Frame], Track], tuple[list[Pose | None], Track]]
"""As :func:`track_frames` with a fixed estimator."""


def track_frames(estimator: PoseEstimator, frames: Sequence[Frame], track: Track) -> tuple[list[Pose | None], Track]:
    """Track one person through consecutive frames.

    Args:
        estimator: the loaded model.
        frames: in order.
        track: of the frames before.

    Returns:
        The person in each frame, None where not found; and the track for the frames after.

    Raises:
        NoPersonError: if the first frame of all has a box, and no person is in it.
    """
    tracker = Tracker(estimator, dataclasses.replace(track))
    return [tracker.update(frame, seconds) for seconds, frame in frames], tracker.track


class Tracker:
    """Tracks one person from frame to frame.

    Args:
        estimator: the loaded model.
        track: of the frames before; each update changes it.
    """

    def __init__(self, estimator: PoseEstimator, track: Track) -> None:
        self._estimator, self.track = estimator, track
        self._options = {"height_mm": track.height_mm, "flip_test": False}
        self._threshold = _SEARCH_BELOW * estimator.trust_score

    def update(self, frame: np.ndarray, seconds: float) -> Pose | None:
        """The person in a frame (H, W, 3), without maps; None if not found."""
        track = self.track
        if track.box is not None:
            box, track.box = track.box, None
            track.last = self._in_box(frame, box)
            if track.last is None:
                first = "the first frame of the clip"
                raise NoPersonError(f"nobody was found in the box in {first}: give one tight round the person, or none")
            return track.last
        pose, before = self._near_last(frame), track.last
        if (pose is None or pose.score < self._threshold) and seconds >= track.search_at:
            track.search_at = seconds + _SEARCH_SECONDS
            searched = self._in_frame(frame)
            if searched is not None and (pose is None or searched.score > pose.score):
                pose, before = searched, None
        track.before = before
        if pose is not None:
            track.last, track.seen_at = pose, seconds
        elif seconds - track.seen_at > _FORGET_SECONDS:
            track.last = None
        return pose

    def _near_last(self, frame: np.ndarray) -> Pose | None:
        """The person where it was in the frame before, unless that is beyond the frame."""
        if self.track.last is None:
            return None
        box = next_box(self.track.last, self.track.before, self._estimator.config.crop.margin)
        height, width = frame.shape[:2]
        if (box[:2] >= (width - 0.5, height - 0.5)).any() or (box[2:] <= -0.5).any():
            return None
        return self._in_box(frame, box)

    def _in_box(self, frame: np.ndarray, box: np.ndarray) -> Pose | None:
        """The person in a box; None if not found."""
        try:
            return _joints_only(self._estimator(frame, box=box, **self._options))
        except NoPersonError:
            return None

    def _in_frame(self, frame: np.ndarray) -> Pose | None:
        """The best person in the whole frame, or the one who overlaps most with where the person was."""
        people = [_joints_only(pose) for pose in self._estimator.predict_all(frame, **self._options)]
        if not people or self.track.last is None:
            return next(iter(people), None)
        last, boxes = _extent(self.track.last), np.stack([pose.person_box for pose in people])
        overlaps = iou(np.stack([_extent(pose) for pose in people]), last)
        if overlaps.max() >= _MIN_IOU:
            return people[overlaps.argmax()]
        overlaps = iou(boxes, last)
        return self._in_box(frame, boxes[overlaps.argmax()]) if overlaps.max() >= _MIN_IOU else None


def next_box(pose: Pose, before: Pose | None, margin: float) -> np.ndarray:
    """Where to search for the person in the next frame.

    For a whole body, that is the box round its joints, enlarged. A body that the frame cuts off shows too few joints
    for that: the crop keeps its size and moves with the joints that are seen in both frames.

    Args:
        pose: the person in this frame.
        before: the person in the frame before, None if unknown.
        margin: side of the crop over that of the box.

    Returns:
        (4,) float64 x0, y0, x1, y1 in pixels.
    """
    inside = np.array([status != "outside" for status in pose.status])
    if inside.mean() >= _MIN_INSIDE:
        low, high = pose.joints_2d[inside].min(0), pose.joints_2d[inside].max(0)
        middle, half = (low + high) / 2, np.maximum(_ENLARGED * (high - low) / 2, _MIN_HALF_SIDE)
        return np.concatenate((middle - half, middle + half)).astype(np.float64)
    middle, half = _middle(pose), (pose.box[2] - pose.box[0]) / 2 / margin
    if before is not None:
        both = [k for k, pair in enumerate(zip(pose.status, before.status, strict=True)) if set(pair) == {"seen"}]
        if both:
            moved = (pose.joints_2d[both] - _middle(pose)) - (before.joints_2d[both] - _middle(before))
            middle = middle + np.median(moved, axis=0)
    return np.concatenate((middle - half, middle + half)).astype(np.float64)


def _middle(pose: Pose) -> np.ndarray:
    """(2,) center of the crop."""
    return (pose.box[:2] + pose.box[2:]) / 2


def _extent(pose: Pose) -> np.ndarray:
    """(4,) box round the joints in the frame, or the crop if there are none."""
    inside = np.array([status != "outside" for status in pose.status])
    if not inside.any():
        return pose.box
    return np.concatenate((pose.joints_2d[inside].min(0), pose.joints_2d[inside].max(0)))


def _joints_only(pose: Pose) -> Pose:
    """A pose without what is large or differs from run to run: its maps are one empty pixel each."""
    return dataclasses.replace(pose, heatmaps=np.zeros((len(pose.heatmaps), 1, 1), np.float32), seconds={})
