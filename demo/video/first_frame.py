"""The first frame of a clip, on which the person to follow is chosen."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

import numpy as np

from demo.drawing.overlays import draw_people
from fusion_model import Pose
from fusion_model.video.clips import open_clip, read_frames

MAX_SIDE = 960  # pixels of the picture that is sent to the browser


def read_first_frame(clip: str) -> np.ndarray:
    """The first frame of a clip, (H, W, 3) uint8 RGB; errors as of :func:`fusion_model.video.clips.open_clip`."""
    opened = open_clip(clip)
    with closing(read_frames(opened, opened.frames)) as frames:
        _, _, frame = next(frames)
    return frame


@dataclass(frozen=True)
class FirstFrame:
    """Who is in the first frame.

    Attributes:
        clip: path of the file.
        poses: everyone, best first.
        shape: height and width of the frame in pixels.
    """

    clip: str
    poses: tuple[Pose, ...]
    shape: tuple[int, int]

    def choices(self) -> list[tuple[str, str]]:
        """Label and number of each person, from 1."""
        return [(f"Person {number}", str(number)) for number in range(1, len(self.poses) + 1)]

    def picture(self, chosen: str) -> np.ndarray:
        """The frame with everyone's box, and the skeleton of the one who is chosen: (H', W', 3) uint8 RGB."""
        boxes = {number: self.poses[int(number) - 1].person_box for _, number in self.choices()}
        return draw_people(read_first_frame(self.clip), [self.poses[int(chosen) - 1]], boxes, MAX_SIDE)

    def person_at(self, x: float, y: float) -> str | None:
        """The number of the person whose box has a pixel of the picture in it, of several the smallest; else None."""
        point = np.array([x, y]) / min(1.0, MAX_SIDE / max(self.shape))
        boxes = {number: self.poses[int(number) - 1].person_box for _, number in self.choices()}
        hit = {number: box for number, box in boxes.items() if (point >= box[:2]).all() and (point <= box[2:]).all()}
        return min(hit, key=lambda number: np.prod(hit[number][2:] - hit[number][:2]), default=None)

    def box_text(self, number: str) -> str:
        """A person's box as the visitor may write it."""
        return ", ".join(f"{value:.0f}" for value in self.poses[int(number) - 1].person_box)
