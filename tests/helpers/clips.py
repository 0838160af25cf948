"""Clips that tests write themselves, and an estimator that finds the people in them."""

import dataclasses

import cv2
import numpy as np

from demo.video.clips import clip_writer
from fusion_model import PRESETS, NoPersonError
from fusion_model.boxes import check_box
from fusion_model.images import load_photo
from tests.helpers.stand_in import make_pose

SIZE = WIDTH, HEIGHT = 400, 300


def write_clip(path, pictures):
    """A clip of RGB pictures (H, W, 3), all of one size, 25 frames a second."""
    with clip_writer(path, pictures[0].shape[1::-1], 25) as write:
        for number, picture in enumerate(pictures):
            write(picture, number / 25)
    return path


def picture(x=200):
    """A grey picture with a white square round x: a person, for :class:`SquareEstimator`."""
    drawn = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    cv2.rectangle(drawn, (x - 20, 130), (x + 20, 170), (255, 255, 255), -1)
    return drawn


def black():
    """A picture without a person."""
    return np.zeros((HEIGHT, WIDTH, 3), np.uint8)


def finished(steps, progress=None):
    """Drive a generator of steps to its end; they are appended to ``progress``, and what it returns is returned."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            return end.value
        if progress is not None:
            progress.append(step)


def middle(pose):
    """The x of the square that was taken for that person."""
    return float(pose.joints_2d[0, 0])


class SquareEstimator:
    """Finds a person round every white square; in a box, only the one there; counts its searches, keeps its boxes."""

    config = PRESETS["tiny"]
    trust_score, fusion = config.search.person, None

    def __init__(self, score=0.9):
        self.score, self.searches, self.boxes = score, 0, []

    def squares(self, photo):
        """Find the middles of the squares, from the left."""
        columns = (load_photo(photo)[150, :, 0] > 200).astype(np.int8)
        edges = np.flatnonzero(np.diff(columns, prepend=0, append=0)).reshape(-1, 2)
        return [float(start + end - 1) / 2 for start, end in edges if end - start > 10]

    def predict_all(self, photo, *, height_mm=1700.0, flip_test=True):
        """Find everyone, from the left."""
        assert not flip_test  # a frame is looked at once
        self.searches += 1
        return [self.person(x, height_mm) for x in self.squares(photo)]

    def __call__(self, photo, box, *, height_mm=1700.0, flip_test=True):
        """Find the leftmost person in the box."""
        assert not flip_test
        check_box(box, WIDTH, HEIGHT)
        self.boxes.append(np.array(box))
        found = [x for x in self.squares(photo) if box[0] <= x <= box[2]]
        if not found:
            raise NoPersonError("no person in the box")
        return self.person(found[0], height_mm)

    def person(self, x, height_mm):
        """A pose within 40 pixels of x."""
        rng = np.random.default_rng(int(x))
        place = np.stack((x + rng.uniform(-40, 40, 17), rng.uniform(50, 250, 17)), 1).astype(np.float32)
        place[0], place[1], place[2] = (x, 150), (x - 40, 50), (x + 40, 250)
        box, seconds = np.float32([x - 40, 50, x + 40, 250]), {"looking": float(rng.random())}
        pose = make_pose(black(), joints_2d=place, person_box=box, score=self.score, seconds=seconds)
        return dataclasses.replace(pose, height_mm=height_mm)
