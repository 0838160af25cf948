"""Pictures of records, each decoded once, and frames of videos read in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

import numpy as np

from fusion_model.video.decoding import Picture, VideoError, decode, opened, read_timeline
from train.data.readers.pictures import read_picture
from train.data.readers.records import LayoutError, Record


def iterate_frames(
    records: Sequence[Record], skipped: Counter[str] | None = None
) -> Iterator[tuple[Record, np.ndarray]]:
    """Each record with its frame (H, W, 3) uint8 BGR, a picture decoded once for neighbours that share it.

    Args:
        records: those of one video with frame numbers that do not fall.
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
                        videos[frame.path] = _Video(frame.path)
                    picture = videos[frame.path].read(frame.number)
                else:
                    picture = read_picture(frame, skipped)
                last = frame
            yield record, picture
    finally:
        for video in videos.values():
            video.close()


class _Video:
    """Reads a video forwards; converts only the frames that are asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.is_file():
            raise LayoutError(path, "there is no such file", "the video of these labels")
        try:
            with opened(path) as (container, stream):
                self._timeline = read_timeline(container, stream)
        except VideoError as error:
            found, expected = "cannot be opened as a video", "one as distributed: unpack it again"
            raise LayoutError(path, found, expected) from error
        self._pictures = self._decoded()
        self._picture = next(self._pictures, None)

    def read(self, number: int) -> np.ndarray:
        """Frame ``number`` from 0, at or after the last one read, (H, W, 3) uint8 BGR.

        Labels are pixels of the frame as it is stored: it is neither turned nor stretched.
        """
        frames = len(self._timeline.times)
        if number >= frames:
            expected = f"at least {number + 1}, as many as have labels: unpack it again"
            raise LayoutError(self._path, f"the video ends after {frames} frames", expected)
        while self._picture is not None and self._picture.number < number:
            self._picture = next(self._pictures, None)
        if self._picture is None or self._picture.number > number:
            raise LayoutError(self._path, f"frame {number} cannot be decoded", "a whole video")
        return self._picture.stored()

    def close(self) -> None:
        """Give the file back."""
        self._pictures.close()

    def _decoded(self) -> Generator[Picture, None, None]:
        """Every frame that is whole and whose number is sure: labels belong to one frame."""
        with opened(self._path) as (container, stream):
            yield from (picture for picture in decode(container, stream, self._timeline) if picture.sure)
