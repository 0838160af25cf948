"""Pictures of records: image files, members of zips and LMDB folders, and frames of videos read in order."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

import av
import cv2
import numpy as np

from train.data.readers.caffe import read_image
from train.data.readers.records import LayoutError, Record

_Frame = Callable[[], np.ndarray | None]  # converts a decoded frame to (H, W, 3) uint8 BGR; None if it is damaged


def iterate_frames(records: Sequence[Record], section: str) -> Iterator[tuple[Record, np.ndarray]]:
    """Each record with its frame (H, W, 3) uint8 BGR, a picture decoded once for neighbours that share it.

    Args:
        records: those of one video with frame numbers that do not fall.
        section: of DATASETS.md, for messages.

    Raises:
        LayoutError: if a picture is missing or damaged, or a video ends too early.
    """
    videos: dict[Path, _Video] = {}
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
                    picture = read_picture(frame.path, frame.member, section)
                last = frame
            yield record, picture
    finally:
        for video in videos.values():
            video.close()


def read_picture(path: Path, member: str, section: str) -> np.ndarray:
    """An image (H, W, 3) uint8 BGR as it is stored, or one in a zip or an LMDB folder.

    Args:
        path: the image, the zip or the folder called ``.lmdb``.
        member: name in the zip, or key in the folder; empty for an image.
        section: of DATASETS.md, for messages.

    Raises:
        LayoutError: if it is missing or damaged.
    """
    if path.suffix == ".lmdb":
        return read_image(path, member.encode("ascii"), section)
    where = path / member if member else path
    try:
        if member:
            with zipfile.ZipFile(path) as archive:
                data = archive.read(member)
        else:
            data = path.read_bytes()
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise LayoutError(where, f"cannot be read ({error})", "a photo: unpack the archive again", section) from error
    # Labels are pixels of the file as it is stored: no turning by EXIF.
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    if image is None:
        raise LayoutError(where, f"{len(data)} bytes that are no photo", "a JPEG or PNG: unpack it again", section)
    return image


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
