"""One person from frame to frame of a clip."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fusion_model import NoPersonError, Pose, PoseEstimator

Frame = tuple[float, np.ndarray]
"""Seconds from the first frame, and (H, W, 3) uint8 RGB."""

_TRUST = 0.8  # below this fraction of the least trusted score the whole frame is searched
_SEARCH_SECONDS = 0.5  # from a search to the next, at least
_FORGET_SECONDS = 1.0  # after which somebody who got lost may be anybody
_LEAST_OVERLAP = 0.15  # IoU with where the person was
_ENLARGED = 1.15  # the box of a whole body, for what it does until the next frame
_LEAST_INSIDE = 0.7  # fraction of the joints that makes a whole body
_LEAST_HALF = 8.0  # pixels


@dataclass
class Track:
    """What is remembered of a person from frame to frame: small, so that it can be sent to another process and back.

    Attributes:
        height_mm: the person's height.
        box: where to look in the first frame; None after it, and where anybody will do.
        last: the person, as seen last; None while anybody will do.
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


Look = Callable[[Sequence[Frame], Track], tuple[list[Pose | None], Track]]


def follow(estimator: PoseEstimator, frames: Sequence[Frame], track: Track) -> tuple[list[Pose | None], Track]:
    """Look for one person in frames that follow each other.

    Args:
        estimator: the loaded model.
        frames: in order.
        track: of the frames before.

    Returns:
        The person in each frame, None where nobody is found; and the track for the frames after.

    Raises:
        NoPersonError: if the first frame of all has a box, and nobody is in it.
    """
    follower = Follower(estimator, dataclasses.replace(track))
    return [follower.follow(frame, seconds) for seconds, frame in frames], follower.track


class Follower:
    """Keeps one person from frame to frame.

    Args:
        estimator: the loaded model.
        track: of the frames before; it is carried on.
    """

    def __init__(self, estimator: PoseEstimator, track: Track) -> None:
        self._estimator, self.track = estimator, track
        self._threshold = _TRUST * estimator.min_score

    def follow(self, frame: np.ndarray, seconds: float) -> Pose | None:
        """The person in a frame (H, W, 3), without maps; None if nobody is found."""
        track = self.track
        if track.box is not None:
            box, track.box = track.box, None
            track.last = _joints_only(self._estimator(frame, box=box, height_mm=track.height_mm, flip_test=False))
            return track.last
        pose, before = self._look_where_last(frame), track.last
        if (pose is None or pose.score < self._threshold) and seconds >= track.search_at:
            track.search_at = seconds + _SEARCH_SECONDS
            searched = self._search(frame)
            if searched is not None and (pose is None or searched.score > pose.score):
                pose, before = searched, None
        track.before = before
        if pose is not None:
            track.last, track.seen_at = pose, seconds
        elif seconds - track.seen_at > _FORGET_SECONDS:
            track.last = None
        return pose

    def _look(self, frame: np.ndarray, box: np.ndarray | None) -> Pose | None:
        """The person in a box, or the best one; None if there is nobody."""
        try:
            return _joints_only(self._estimator(frame, box=box, height_mm=self.track.height_mm, flip_test=False))
        except NoPersonError:
            return None

    def _look_where_last(self, frame: np.ndarray) -> Pose | None:
        """Whoever is where the person was, unless that is beyond the frame."""
        if self.track.last is None:
            return None
        box = next_box(self.track.last, self.track.before, self._estimator.config.crop.margin)
        height, width = frame.shape[:2]
        touches = (box[:2] < (width, height)).all() and (box[2:] > 0).all()
        return self._look(frame, box) if touches else None

    def _search(self, frame: np.ndarray) -> Pose | None:
        """The person in the whole frame: who overlaps most with where the person was."""
        best, last = self._look(frame, None), self.track.last
        if best is None or last is None or _overlap(_extent(best), _extent(last)) >= _LEAST_OVERLAP:
            return best
        boxes, _ = self._estimator.find_people(frame)
        overlaps = [_overlap(box, _extent(last)) for box in boxes]
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
    """(2,) center of the crop."""
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
