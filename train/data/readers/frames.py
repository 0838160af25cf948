"""Pictures of records, each decoded once, and frames of videos read in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

import av
import cv2
import numpy as np

from train.data.readers.pictures import read_picture
from train.data.readers.records import LayoutError, Record

_Frame = Callable[[], np.ndarray | None]  # converts a decoded frame to (H, W, 3) uint8 BGR; None if it is damaged


def iterate_frames(
    records: Sequence[Record], section: str, skipped: Counter[str] | None = None
) -> Iterator[tuple[Record, np.ndarray]]:
    """Each record with its frame (H, W, 3) uint8 BGR, a picture decoded once for neighbours that share it.

    Args:
        records: those of one video with frame numbers that do not fall.
        section: of DATASETS.md, for messages.
        skipped: counts what is read in a way that the user should know, see :func:`read_picture`.

    Raises:
        LayoutError: if a picture is missing, damaged or of another size than its labels say, or a video ends too early.
    """
    videos: dict[Path, _Video] = {}
    skipped = Counter() if skipped is None else skipped
    last, picture = None, None
    try:
        for record in records:
            frame = record.frame
            if picture is None or frame != last:
                if frame.number is not None:
                    if frame.path not in videos:
                        videos[frame.path] = _Video(frame.path, section)
                    picture = videos[frame.path].read(frame.number)
                else:
                    picture = read_picture(frame, section, skipped)
                last = frame
            yield record, picture
    finally:
        for video in videos.values():
            video.close()


class _Video:
    """Reads a video forwards, by OpenCV or where that cannot by PyAV; converts only the frames that are asked for."""

    def __init__(self, path: Path, section: str) -> None:
        self._path, self._section = path, section
        if not path.is_file():
            raise LayoutError(path, "there is no such file", "the video of these labels", section)
        self._open(_frames_by_opencv)
        self._readers = [_frames_by_pyav]  # what is left to try

    def read(self, number: int) -> np.ndarray:
        """Frame ``number`` from 0, at or after the last one read."""
        while self._next <= number:
            frame = next(self._frames, None)
            if frame is not None:
                self._next += 1
            elif self._readers:
                self._open(self._readers.pop())
            else:
                self._refuse(number)
        image = frame()
        if image is None:
            raise LayoutError(self._path, f"frame {number} cannot be decoded", "a whole video", self._section)
        return image

    def close(self) -> None:
        """Give the file back."""
        self._frames.close()

    def _open(self, reader: Callable[[Path], Generator[_Frame, None, None]]) -> None:
        """Begin with the first frame, by that reader."""
        self._frames, self._next = reader(self._path), 0

    def _refuse(self, number: int) -> None:
        """Say that the frame is not there."""
        if not self._next:
            found, expected = "cannot be opened as a video", "one as distributed: unpack it again"
        else:
            found = f"the video ends after {self._next} frames"
            expected = f"at least {number + 1}, as many as have labels: unpack it again"
        raise LayoutError(self._path, found, expected, self._section)


def _frames_by_opencv(path: Path) -> Generator[_Frame, None, None]:
    """Every frame of a video, none if it cannot be opened."""
    capture = cv2.VideoCapture(str(path))
    try:
        while capture.isOpened() and capture.grab():
            yield lambda: capture.retrieve()[1]
    finally:
        capture.release()


def _frames_by_pyav(path: Path) -> Generator[_Frame, None, None]:
    """The same."""
    try:
        with av.open(str(path)) as container:
            if container.streams.video:
                for frame in container.decode(video=0):
                    yield lambda frame=frame: frame.to_ndarray(format="bgr24")
    except av.FFmpegError:  # where the file is damaged the frames end
        return
