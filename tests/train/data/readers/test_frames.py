"""Videos: frame by frame the same by OpenCV and, where it gives up, by PyAV."""

import cv2
import numpy as np
import pytest

from fusion_model.skeletons import LSP_14
from tests.helpers.photos import brightest, write_video
from train.data.readers.frames import iterate_frames
from train.data.readers.records import VISIBLE, Frame, LayoutError, Record

FRAMES = 12


@pytest.fixture(params=["clip.avi", "clip.mp4"])
def video(request, tmp_path):
    """A dot that moves by eight pixels a frame."""
    write_video(tmp_path / request.param, FRAMES, 160, 120, lambda number: (20 + 8 * number, 60))
    return tmp_path / request.param


class _Failing:
    """OpenCV's reader, which gives up after so many frames."""

    last = 0

    def __init__(self, path):
        self._true, self._left = TRUE(path), self.last

    def isOpened(self):  # noqa: N802 - OpenCV's name
        return self.last > 0

    def grab(self):
        self._left -= 1
        return self._left >= 0 and self._true.grab()

    def retrieve(self):
        return self._true.retrieve()

    def release(self):
        self._true.release()


TRUE = cv2.VideoCapture


def dots(video, numbers):
    """Where the dot is in those frames."""
    records = [
        Record(Frame(video, number), "train", np.zeros((14, 2)), np.full(len(LSP_14), VISIBLE)) for number in numbers
    ]
    return [float(brightest(picture)[0]) for _, picture in iterate_frames(records, "Human3.6M")]


@pytest.mark.parametrize("last", [FRAMES, 5, 0])
def test_the_frame_that_is_asked_for(last, video, monkeypatch):
    monkeypatch.setattr(_Failing, "last", last)
    monkeypatch.setattr(cv2, "VideoCapture", _Failing)
    numbers = [0, 1, 1, 4, 5, 8, FRAMES - 1]
    assert dots(video, numbers) == pytest.approx([20 + 8 * number for number in numbers], abs=1.0)


def test_a_frame_past_the_end(video):
    with pytest.raises(LayoutError, match=f"the video ends after {FRAMES} frames; expected at least {FRAMES + 1}"):
        dots(video, [0, FRAMES])


def test_no_video_at_all(tmp_path):
    (tmp_path / "clip.mp4").write_text("words")
    with pytest.raises(LayoutError, match="cannot be opened as a video"):
        dots(tmp_path / "clip.mp4", [0])
    with pytest.raises(LayoutError, match="there is no such file"):
        dots(tmp_path / "none.mp4", [0])
