"""Pictures of records: image files, members of zips and LMDB folders, and frames of videos read in order."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from train.formats.caffe import read_image
from train.formats.records import LayoutError, Record


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
                    picture = _decode(frame.path, frame.member, section)
                last = frame
            yield record, picture
    finally:
        for video in videos.values():
            video.close()


def _decode(path: Path, member: str, section: str) -> np.ndarray:
    """An image, or one in a zip or an LMDB folder."""
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
    """Reads a video forwards; frames that nobody asks for are not converted."""

    def __init__(self, path: Path, section: str) -> None:
        self._path, self._section, self._next = path, section, 0
        if not path.is_file():
            raise LayoutError(path, "there is no such file", "the video of these labels", section)
        self._capture = cv2.VideoCapture(str(path))
        if not self._capture.isOpened():
            self._capture.release()
            raise LayoutError(path, "cannot be opened as a video", "one as distributed: unpack it again", section)

    def read(self, number: int) -> np.ndarray:
        """Frame ``number`` from 0, at or after the last one read."""
        while self._next <= number:
            if not self._capture.grab():
                raise LayoutError(
                    self._path,
                    f"the video ends after {self._next} frames",
                    f"at least {number + 1}, as many as have labels: unpack it again",
                    self._section,
                )
            self._next += 1
        done, image = self._capture.retrieve()
        if not done:
            raise LayoutError(self._path, f"frame {number} cannot be decoded", "a whole video", self._section)
        return image

    def close(self) -> None:
        """Give the file back."""
        self._capture.release()
